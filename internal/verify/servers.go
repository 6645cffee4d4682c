package verify

import (
	"sync"

	"provision/internal/credential"
)

// servers remembers, by address, where nobody answers and where logins are refused: trying it once, or a few times, is enough for
// everybody. It is safe for concurrent use.
type servers struct {
	mu      sync.Mutex
	errs    map[string]error
	refused map[string]int // users whom all API servers behind an address refuse, -1 once they have not agreed
}

func newServers() *servers { return &servers{errs: map[string]error{}, refused: map[string]int{}} }

// addressOf tells apart where the users of kubeconfigs log in, and how they get there.
func addressOf(e credential.Entry) string { return e.Server + " " + e.ProxyURL }

// enough is how many users must be refused by all API servers behind an address before one refusal counts for the next. One may
// be refused for a reason of their own, and two by chance.
const enough = 3

// refuses reports whether one refusal at an address says enough.
func (s *servers) refuses(at string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused[at] >= enough
}

// noteRefusal remembers that a user was refused at an address, and whether by all API servers behind it.
func (s *servers) noteRefusal(at string, byAll bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !byAll:
		s.refused[at] = -1
	case s.refused[at] >= 0:
		s.refused[at]++
	}
}

// note remembers that nobody answers at an address.
func (s *servers) note(at string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs[at] = err
}

// err is why nobody answers at an address, or nil.
func (s *servers) err(at string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errs[at]
}
