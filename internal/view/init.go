package view

import (
	"provision/internal/draft"
	"provision/internal/hint"
)

// Drafted tells that a users file was written, and what comes next.
func (s Streams) Drafted(path string, f draft.File) {
	p := s.out()
	what := "an example to change"
	if len(f.Users) > 0 {
		what = Plural(len(f.Users), "user")
	}
	p.text(0, "", "wrote "+path+": the set "+f.Set+", "+what)
	if missing := f.Missing(); len(missing) > 0 {
		p.text(0, p.yellow("!"), "the cluster lacks "+Plural(len(missing), "namespace")+" of it, which apply makes: "+Listed(missing))
	}
	next := s.Program + " plan"
	if path != "users.yaml" {
		next += " -f " + hint.ShellWord(path)
	}
	p.text(0, "", "next: read it, then run `"+next+"`, which shows what it would change")
}
