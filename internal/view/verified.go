package view

import (
	"fmt"
	"maps"
	"slices"

	"provision/internal/cluster"
	pick "provision/internal/format"
	"provision/internal/plan"
	"provision/internal/verify"
)

// Verification is what logins with the kubeconfigs have shown.
type Verification struct {
	Page
	Sets   []verify.Set
	Unseen *cluster.PermissionError // why nobody could look for rights from outside the files; nil: somebody could
	Strict bool                     // any right from outside the file is a difference
	Failed bool                     // only those who differ from the file are listed
}

// OK reports whether all is as the files say, as far as they could be read.
func (v Verification) OK() bool {
	if v.Strict && v.Unseen != nil {
		return false
	}
	return !slices.ContainsFunc(v.results(), func(r verify.Result) bool { return !r.OK() })
}

// Print writes a table for people, with what was not looked at on standard error; a table or a report of tests for another program; the
// names of those who differ; or a document.
func (v Verification) Print(s Streams, format string) error {
	switch format {
	case "text":
	case "name":
		for _, r := range v.results() {
			if !r.OK() {
				fmt.Fprintln(s.Out, r.User)
			}
		}
		return nil
	case "csv":
		return pick.CSV(s.Out, v.records().rows)
	case "markdown":
		return v.table(style{}).markdown(s.Out)
	case "junit":
		return v.junit(s.Out)
	default:
		return printDocument(s.Out, format, v.document())
	}
	p := s.out()
	if t := v.table(p.style); len(t.rows) > 1 {
		t.write(p)
	}
	v.contexts(p)
	var outside []plan.Held
	for _, r := range v.results() {
		outside = append(outside, r.Outside...)
	}
	p.outside(outside)
	for _, n := range v.unseen() {
		s.Warning(n.Message)
		s.err().hint(0, n.Hint)
	}
	p.gap()
	v.summary(p)
	return nil
}

// results returns those of all sets, in the order of the files.
func (v Verification) results() []verify.Result {
	var all []verify.Result
	for _, set := range v.Sets {
		all = append(all, set.Results...)
	}
	return all
}

// unseen makes a note of why rights from outside the files were not looked at.
func (v Verification) unseen() []note {
	if v.Unseen == nil {
		return nil
	}
	return []note{{Code: "OutsideNotRead", Message: "rights from outside the file were not looked at: " + OneLine(v.Unseen), Hint: hintFor(v.Unseen, "provision verify")}}
}

// contexts lists the kubeconfigs that do not lead here by themselves.
func (v Verification) contexts(p pen) {
	var others []verify.OtherCurrent
	for _, r := range v.results() {
		if r.Current != nil {
			others = append(others, *r.Current)
		}
	}
	for _, group := range together(others, func(o verify.OtherCurrent) any { return values(o.Context == "", o.Server) }) {
		p.text(2, p.yellow("!"), cut(inDocument, func(names lister) string { return currentWords(group, names) }))
	}
}

// summary counts the users who differ from the file, with the causes and the ways out, or says that nobody does.
func (v Verification) summary(p pen) {
	all := v.results()
	var common []string
	hints := map[string]bool{}
	var differ []string
	more, without := 0, 0
	for _, r := range all {
		if !r.OK() {
			differ = append(differ, r.User)
		}
		if len(r.Outside) > 0 {
			more++
		}
		if r.Key != plan.KeyHere {
			without++
		}
		for _, d := range r.Differences {
			hints[differenceWay(d.Code)] = true
			if d.Code.Shared() {
				common = append(common, differenceWords(d))
			}
		}
	}
	if len(differ) > 0 {
		slices.Sort(common)
		for _, why := range slices.Compact(common) {
			p.line(0, "", p.red(why))
		}
		for _, hint := range slices.Sorted(maps.Keys(hints)) {
			p.hint(0, hint)
		}
		verb := "differ"
		if len(differ) == 1 {
			verb = "differs"
		}
		p.text(0, "", p.red(fmt.Sprintf("%s of %s %s from the file: %s", thousands(len(differ)), Plural(len(all), "user"), verb, Users(differ))))
		return
	}
	if without > 0 {
		p.line(0, "", fmt.Sprintf("%s not here, so nobody could log in with %s: certificate, CA and ledger agree, and the grants were asked about instead",
			keysWords(without), pronoun(without)))
	}
	text := p.green(Plural(len(all), "user") + " verified")
	switch {
	case v.Unseen != nil && v.Strict:
		text += p.red(", but nobody could look for rights from outside the file")
	case v.Unseen != nil:
		text += p.yellow(", rights from outside the file not looked at")
	case more > 0:
		text += p.yellow(fmt.Sprintf(", %d with rights from outside the file", more))
	}
	p.line(0, "", text)
}

// currentWords names kubeconfigs that do not lead here by themselves, whose current contexts lead to one server or are all missing.
func currentWords(group []verify.OtherCurrent, names lister) string {
	o := group[0]
	switch {
	case len(group) == 1 && o.Context == "":
		return fmt.Sprintf("%s has no current context: kubectl needs --context %s", o.File, o.Needs)
	case len(group) == 1:
		return fmt.Sprintf("%s has the current context %s (%s): kubectl needs --context %s for this cluster", o.File, o.Context, o.Server, o.Needs)
	}
	has := "no current context"
	if o.Context != "" {
		has = "another current context (at " + o.Server + ")"
	}
	return fmt.Sprintf("%s kubeconfigs have %s: for this cluster kubectl needs --context: %s", thousands(len(group)), has,
		names(each(group, func(o verify.OtherCurrent) string { return o.File + " " + o.Needs })))
}

// keysWords counts private keys, with their verb.
func keysWords(n int) string {
	if n == 1 {
		return "1 private key is"
	}
	return thousands(n) + " private keys are"
}

// pronoun stands for some things.
func pronoun(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
