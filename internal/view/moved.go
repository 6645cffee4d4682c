package view

import (
	"cmp"
	"fmt"

	"provision/internal/plan"
)

// Moved lists the inputs of a saved plan that are not what they were.
func (s Streams) Moved(list []plan.Moved) {
	for _, m := range list {
		s.moved(fmt.Sprintf("%s: was %s, is %s", m.Object, cmp.Or(m.Then, "no part of the plan"), cmp.Or(m.Now, "not there")))
	}
}

// Graver tells which power plans give that those before did not: of each grave warning only what is new of it.
func (s Streams) Graver(graver []plan.Graver) {
	for _, g := range graver {
		for _, group := range together(g.Warnings, likeness) {
			s.moved(g.Set + ": " + warningsWords(group, everyone))
		}
	}
}

// moved tells of one thing for which a saved plan is not carried out.
func (s Streams) moved(words string) {
	s.err().line(0, s.errStyle.yellow("moved:"), words)
}
