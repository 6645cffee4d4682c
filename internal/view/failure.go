package view

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// failures tells what failed, with the way out below all that share it, and why a run ended early.
func (v Page) failures(s Streams, reports []apply.Report, dry bool) {
	p := s.err()
	for _, r := range reports {
		for hint, failures := range failuresByHint(r, v.Verb.Command) {
			told := 0
			for i, group := range failuresAlike(failures) {
				if i == fewRows && !v.All {
					p.line(0, p.red("failed:"), "... and "+thousands(len(failures)-told)+" more like these (--show-all lists them)")
					break
				}
				told += len(group)
				first := group[0]
				p.line(0, p.red("failed:"), objectName(first.Object)+": "+OneLine(first.Err))
				if len(group) > 1 {
					p.line(len("failed: "), "", v.brief(func(names lister) string { return sameWords(group, names) }))
				}
			}
			if r.Stopped == nil {
				p.hint(0, hint)
			}
		}
		for _, one := range r.Results {
			if one.Status == apply.CopyStays {
				s.Warning(copyStaysWords(one))
			}
		}
		if r.Stopped != nil && !errors.Is(r.Stopped, context.Canceled) {
			s.Error(fmt.Errorf("stopped early: %w", r.Stopped))
		}
		if r.Unrecorded != nil {
			what := "nothing was issued or recorded, and no file removed"
			if dry {
				what = "nothing would be issued or recorded, and no file removed"
			}
			s.Error(fmt.Errorf("%s: %w", what, r.Unrecorded))
		}
	}
}

// failuresByHint groups failures of a command with one way out, so that it is said once below all of them.
func failuresByHint(r apply.Report, command string) iter.Seq2[string, []apply.Result] {
	var hints []string
	by := map[string][]apply.Result{}
	for _, one := range r.Results {
		if one.Status != apply.Failed {
			continue
		}
		hint := hintFor(one.Err, command)
		if by[hint] == nil {
			hints = append(hints, hint)
		}
		by[hint] = append(by[hint], one)
	}
	return func(yield func(string, []apply.Result) bool) {
		for _, hint := range hints {
			if !yield(hint, by[hint]) {
				return
			}
		}
	}
}

// failuresAlike groups failures that are told together: those with one answer, whose words are the same or differ in few.
func failuresAlike(list []apply.Result) [][]apply.Result {
	var groups [][]apply.Result
	for _, group := range together(list, likenessOfFailure) {
		if slices.ContainsFunc(differing(each(group, reasonOf)), func(s string) bool { return len(s) > mostDiffering }) {
			groups = append(groups, together(group, func(one apply.Result) any { return reasonOf(one) })...)
			continue
		}
		groups = append(groups, group)
	}
	return groups
}

// mostDiffering is how many bytes the difference between failures that are told together may have: a line of a terminal, as it
// stands in brackets behind each name.
const mostDiffering = 120

// likenessOfFailure is equal for failures of objects of one kind to which the same answer was given, apart from the object's name.
func likenessOfFailure(one apply.Result) any {
	type alike struct {
		kind   string
		op     plan.Op
		answer any
	}
	answer := answerOf(one.Err)
	if answer == nil {
		return nil
	}
	return alike{one.Object.Kind, one.Op, answer}
}

// answerOf returns what an error says apart from the object that it is about, comparable; nil: that is not known.
func answerOf(err error) any {
	if decided, ok := errors.AsType[*cluster.DecidedError](err); ok {
		return [2]string{string(decided.State), decided.Message}
	}
	if refusal, ok := errors.AsType[*credential.Refusal](err); ok {
		return refusal.Code
	}
	if answer, ok := cluster.AnswerOf(err); ok {
		return answer
	}
	for _, one := range []error{cluster.ErrGone, cluster.ErrSwapped, apply.ErrDirectoryGone} {
		if errors.Is(err, one) {
			return one
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok { // of a file: the disk is full, say
		return errno
	}
	return nil
}

// reasonOf writes why something failed, without the name of what failed. Where the disk is full, it does not matter which file of a
// user could not be written.
func reasonOf(one apply.Result) string {
	if errno, ok := answerOf(one.Err).(syscall.Errno); ok {
		return errno.Error()
	}
	text := OneLine(one.Err)
	for _, name := range []string{objectName(one.Object), usersfile.FileName(one.Object.Name), one.Object.Name, one.Object.Namespace, cluster.AnsweredName(one.Err)} {
		text = withoutName(text, name)
	}
	return text
}

// withoutName takes a name out of a text wherever it stands by itself.
func withoutName(text, name string) string {
	if name == "" {
		return text
	}
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, name)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if before != "" && inWord(last) || after != "" && inWord(next) {
			b.WriteString(name)
		}
		text = after
	}
}

// differing takes from each text the words that all begin with and the words that all end with, and returns what is left of each.
func differing(texts []string) []string {
	words := each(texts, strings.Fields)
	same := func(word func([]string) string) bool {
		return !slices.ContainsFunc(words, func(w []string) bool { return len(w) == 0 || word(w) != word(words[0]) })
	}
	first := func(w []string) string { return w[0] }
	last := func(w []string) string { return w[len(w)-1] }
	for len(words[0]) > 0 && same(first) {
		words = each(words, func(w []string) []string { return w[1:] })
	}
	for len(words[0]) > 0 && same(last) {
		words = each(words, func(w []string) []string { return w[:len(w)-1] })
	}
	return each(words, func(w []string) string { return strings.TrimRight(strings.Join(w, " "), ":;,") })
}

// sameWords names the others that failed as the first of the group did, and what differs.
func sameWords(group []apply.Result, names lister) string {
	about := differing(each(group, reasonOf))
	in := ""
	if slices.ContainsFunc(about, func(s string) bool { return s != "" }) {
		in = ", but for what is in brackets"
	}
	var others []string
	for i, one := range group[1:] {
		others = append(others, withBrackets(objectName(one.Object), about[i+1]))
	}
	return fmt.Sprintf("the same for %s more%s: %s", thousands(len(others)), in, names(others))
}
