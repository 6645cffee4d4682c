package view

import (
	"strings"

	"provision/internal/plan"
)

const (
	// fewRows is how many rows of one kind are listed before the rest becomes a count: about a screen of them. Removals are always
	// listed.
	fewRows = 50
	// fewLines is how many lines of names a row has before the rest becomes a count.
	fewLines = 10
	// allLines is no limit to them.
	allLines = -1
)

// row is one change.
type row struct {
	sign  string // - ~ or +
	text  string
	below []line
	whole bool // neither it nor a line below it is ever left out: what is granted here must be seen
}

// line is a line below a row.
type line struct {
	sign  string   // - or +; "": none
	text  string   // one line
	names []string // behind the text, in as many lines as they take
}

// rows draws a section: - first, then ~, then +; long runs of ~ and + are cut.
func (v Page) rows(p pen, title string, list []row, unchanged int) {
	if len(list) == 0 {
		return
	}
	p.title(title)
	for _, sign := range []string{"-", "~", "+"} {
		shown, hidden := 0, 0
		for _, r := range list {
			if r.sign != sign {
				continue
			}
			if !v.All && !r.whole && sign != "-" && shown >= fewRows {
				hidden++
				continue
			}
			shown++
			p.text(2, p.symbol(sign), r.text)
			v.below(p, r)
		}
		if hidden > 0 {
			p.text(2, p.symbol(sign), "... and "+thousands(hidden)+" more like these (--show-all lists them)")
		}
	}
	if unchanged > 0 {
		p.line(4, "", p.faint(thousands(unchanged)+" unchanged"))
	}
}

// below draws the lines below a row. No removal is ever left out.
func (v Page) below(p pen, r row) {
	shown, hidden := 0, 0
	for _, l := range r.below {
		removes := l.sign == "-" || l.sign == "" && r.sign == "-"
		cuts := !v.All && !r.whole && !removes
		sign := ""
		if l.sign != "" {
			sign = p.symbol(l.sign)
		}
		switch {
		case cuts && shown == fewRows:
			hidden++
			continue
		case len(l.names) == 0:
			p.text(6, sign, l.text)
		case cuts:
			p.list(6, sign, l.text, l.names, fewLines)
		default:
			p.list(6, sign, l.text, l.names, allLines)
		}
		shown++
	}
	if hidden > 0 {
		p.text(6, p.symbol("+"), "... and "+thousands(hidden)+" more (--show-all lists them)")
	}
}

// changedLines lists what an update takes away and adds.
func changedLines(reasons []plan.Reason) []line {
	var lines []line
	for _, r := range reasons {
		if r.Code == plan.SubjectsChanged || r.Code == plan.RulesChanged {
			lines = append(lines, subjectLines("-", r.Leaves)...)
			lines = append(lines, signed("-", ruleTexts(r.Forbids))...)
			lines = append(lines, subjectLines("+", r.Joins)...)
			lines = append(lines, signed("+", ruleTexts(r.Allows))...)
		}
	}
	return lines
}

// signed puts a sign before each text.
func signed(sign string, texts []string) []line {
	return each(texts, func(text string) line { return line{sign: sign, text: text} })
}

// subjectLines lists subjects: a line for each, or one list where there are many of a kind.
func subjectLines(sign string, subjects []plan.Subject) []line {
	var lines []line
	for _, group := range together(subjects, func(s plan.Subject) any { return s.Kind }) {
		if len(group) <= few {
			lines = append(lines, signed(sign, subjectTexts(group))...)
			continue
		}
		names := each(group, func(s plan.Subject) string { return plan.Quoted(s.Name) })
		lines = append(lines, line{sign, strings.ToLower(group[0].Kind) + "s", names})
	}
	return lines
}
