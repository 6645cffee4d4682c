package view

import (
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
	p.line(0, "", "keep "+key+" to yourself: whoever has it and the certificate is you to the cluster")
	p.line(0, "", "the request is for the key "+hash+" (SHA-256): if it may be swapped on the way, tell them that too, in another way")
}
