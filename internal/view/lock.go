package view

import "fmt"

// Lockless tells that a change goes on without the locks, for what takes rights away, and why it has none.
func (s Streams) Lockless(why error) {
	s.Warning(OneLine(why) + "; what takes rights away is done without the lock, and nothing else")
}

// Unlocked tells why one set of several could not be locked, and what is done to it all the same.
func (s Streams) Unlocked(why error, takesAway bool) {
	what := "this set is left as it is"
	if takesAway {
		what = "of this set, what takes rights away is done without the lock, and nothing else"
	}
	s.Warning(OneLine(why) + "; " + what)
}

// Untold tells why something is not known that a change which only takes away can do without.
func (s Streams) Untold(why error) {
	s.Warning(OneLine(why) + "; what takes rights away does not wait for that")
}

// Unsynced warns of an output directory whose file system does not promise to keep what is written.
func (s Streams) Unsynced(path string, why error) {
	s.Warning(fmt.Sprintf("%s: %v: a power cut may take back what was just written or removed there: new kubeconfigs, and the private keys of certificates that are still awaited. After one, look with `provision plan`; --reissue-missing issues what is lost", path, why))
}
