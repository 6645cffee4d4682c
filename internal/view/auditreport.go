package view

import (
	"path/filepath"
	"strings"

	"provision/internal/audit"
	"provision/internal/hint"
	"provision/internal/plan"
)

// Unread says of what was shown why it may not be all, a line each.
func (st Status) Unread() []string {
	lines := each(append(st.errors(), brokenNotes(st.Broken)...), func(n note) string {
		if n.File != "" && !strings.Contains(n.Message, n.File) {
			return n.File + ": " + n.Message
		}
		return n.Message
	})
	if words := approversUnknown(st.Approvers); words != "" {
		lines = append(lines, words)
	}
	return lines
}

// Notes are the warnings of what was shown, a line each, with all names.
func (st Status) Notes() []string {
	return each(together(st.told(), likeness), func(group []plan.Warning) string { return warningsWords(group, everyone) })
}

// Reported tells that a report was written into a directory, what is in it and how a signature of it is checked.
func (s Streams) Reported(dir string, r audit.Report, signed bool) {
	p := s.out()
	left := 0
	for _, one := range r.People {
		if one.Left {
			left++
		}
	}
	p.text(0, "", "wrote "+filepath.Join(dir, audit.Page)+": "+Plural(len(r.People)-left, "user")+", "+thousands(left)+" who left, "+
		Plural(len(r.Certificates), "certificate")+", "+Plural(len(r.Grants), "grant"))
	if signed {
		p.text(0, "", "to check it, with the signer's public key in allowed_signers (man ssh-keygen):")
		p.line(2, "", "cd "+hint.ShellWord(dir)+" && sha256sum --check "+audit.Manifest+" && ssh-keygen -Y verify -f ../allowed_signers -I SIGNER -n "+audit.Namespace+" -s "+audit.Signature+" <"+audit.Manifest)
	}
}
