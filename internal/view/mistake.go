package view

import (
	"fmt"
	"slices"

	"provision/internal/hint"
	"provision/internal/usersfile"
)

// Mistakes warns of mistakes in users files, those of a kind together, with every place of one if all.
func (s Streams) Mistakes(list usersfile.Errors, all bool) {
	s.mistakes(s.errStyle.yellow("warning:"), list, Page{All: all}.names)
}

// AllMistakes tells of mistakes in users files as errors, with every place of each.
func (s Streams) AllMistakes(list usersfile.Errors) {
	s.mistakes(s.errStyle.red("error:"), list, everyone)
}

// mistakes prints mistakes behind a label, those of a kind together.
func (s Streams) mistakes(label string, list usersfile.Errors, names lister) {
	for _, group := range together(list, likenessOfMistake) {
		first, others := mistakeWords(group, names)
		s.err().line(0, label, first)
		if others != "" {
			s.err().line(len("error: "), "", others)
		}
	}
}

// mistakeWords says what is wrong in a users file, and lists the other places where it is wrong in the same way, if any.
func mistakeWords(group []usersfile.Error, names lister) (first, others string) {
	e := group[0]
	if len(group) == 1 {
		return e.Error(), ""
	}
	value := func(e usersfile.Error) string { return e.Value }
	if !slices.ContainsFunc(group, func(one usersfile.Error) bool { return one.Value != e.Value }) {
		value = func(usersfile.Error) string { return "" }
	}
	return e.Error(), fmt.Sprintf("the same mistake %s more: %s", times(len(group)-1),
		names(each(group[1:], func(e usersfile.Error) string { return withBrackets(e.Pos.String(), value(e)) })))
}

// likenessOfMistake is equal for mistakes that break one rule in one file.
func likenessOfMistake(e usersfile.Error) any {
	if e.More > 0 || e.Rule == (usersfile.Rule{}) {
		return nil
	}
	return struct {
		file string
		rule usersfile.Rule
	}{e.Pos.File, e.Rule}
}

// BrokenError ends a command that went on without what mistakes in the users files are about, or is nil.
func BrokenError(broken usersfile.Errors) error {
	if len(broken) == 0 {
		return nil
	}
	what := "has a mistake"
	if len(broken.Files()) > 1 {
		what = "have mistakes"
	}
	left := "a name that two files have is left to whoever has it"
	if broken.LeaveOut() {
		left = "a set that has one is left as it is"
	}
	return hint.With(fmt.Errorf("%s: %s", counted(broken.Files(), "users file", what), left), "mend it, and run this again (provision validate checks it without a cluster)")
}

// BrokenRevoke ends a revocation that could not read all the users files.
func BrokenRevoke(broken usersfile.Errors) error {
	return hint.With(fmt.Errorf("%s: what sets of it grant is as it was", counted(broken.Files(), "users file", "could not be read")), "mend it and revoke again, or name its set: provision revoke --set SET")
}

// counted names a few things, with what is true of them.
func counted(names []string, noun, what string) string {
	return fmt.Sprintf("%s %s (%s)", Plural(len(names), noun), what, Listed(names))
}
