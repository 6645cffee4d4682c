package view

import (
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Requested tells somebody who has made a key of their own and a request, in these files, what to keep and what to send. The hash
// is that of the key.
func (s Streams) Requested(who usersfile.CertificateSubject, key, request, hash string) {
	groups := "in no group"
	if all := who.Organizations(); len(all) > 0 {
		groups = "in " + everyone(each(all, plan.Quoted))
	}
	p := s.out()
	p.line(0, "", "made "+request+" and "+key+" for the user "+plan.Quoted(who.User)+", "+groups)
	p.line(0, "", "send "+request+" to whoever gives you access: it holds no secret")
	p.line(0, "", "keep "+key+" to yourself, for whoever has it and the certificate is you to the cluster, and put the kubeconfig that you get beside it")
	p.line(0, "", "the request is for the key "+hash+" (SHA-256): if it may be swapped on the way, tell them that too, in another way")
}

// shortKey is the beginning of a key's hash, by which it is told from others in a line.
func shortKey(hash string) string { return hash[:min(16, len(hash))] }

// requestCommand is how a user of a set makes the request that is asked for.
func requestCommand(user string, groups []string, set string, generation int) string {
	return usersfile.CertificateSubject{User: user, Groups: groups, Set: set, Generation: generation}.Command()
}

// RequestCommand is how the user of a warning makes the request that it asks for.
func (w warned) RequestCommand() string { return requestCommand(w.User, w.Items, w.Name, w.Generation) }

// Why says the reasons of a warning.
func (w warned) Why() string { return reasonsWords(w.Reasons, w.names) }

// RequestCommand is how the user of a problem makes the request that it asks for.
func (t troubled) RequestCommand() string {
	return requestCommand(t.User, t.Items, t.Set, t.Generation)
}

// Why says the reasons of a problem.
func (t troubled) Why() string { return reasonsWords(t.Reasons, t.names) }

// sinceWords says since when something is so; "": from now on.
func sinceWords(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + timeWords(t)
}
