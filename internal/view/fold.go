package view

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

const (
	// usualColumns is the width for lists where no terminal says one.
	usualColumns = 80
	// narrowest is the least room for a text, in columns: where there is less, the terminal breaks it.
	narrowest = 20
)

// fold breaks a text into lines of at most so many columns, between its words. A longer word has a line of its own, and what stands
// between backquotes is one word: it is there to be copied.
func fold(text string, columns int) []string {
	var list []string
	for i, part := range strings.Split(text, "`") {
		fields := []string{"`" + part + "`"}
		if i%2 == 0 {
			fields = strings.Split(part, " ")
		}
		if last := len(list) - 1; last >= 0 {
			list[last] += fields[0]
			fields = fields[1:]
		}
		list = append(list, fields...)
	}
	return each(pack(list, columns), func(line []string) string { return strings.Join(line, " ") })
}

// pack puts words into lines of at most so many columns, with a space between two.
func pack(words []string, columns int) [][]string {
	var lines [][]string
	width := 0
	for _, word := range words {
		w := runewidth.StringWidth(word)
		if len(lines) == 0 || width+1+w > columns {
			lines = append(lines, nil)
			width = -1
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], word)
		width += 1 + w
	}
	return lines
}

// text writes a text for people: on a terminal in lines of its width, those below the first a little further in.
func (p pen) text(indent int, sign, text string) {
	const deeper = 4
	below := indent + deeper
	if sign != "" {
		below += len("+ ")
	}
	if p.columns == 0 {
		p.line(indent, sign, text)
		return
	}
	for i, line := range fold(p.flat(text), max(narrowest, p.columns-below)) {
		if i == 0 {
			p.line(indent, sign, line)
		} else {
			p.line(below, "", line)
		}
	}
}

// list writes names in as few lines as they take, behind a label, which may be empty: all, or so many lines and a count of the others.
func (p pen) list(indent int, sign, label string, names []string, most int) {
	columns := p.columns
	if columns == 0 {
		columns = usualColumns
	}
	if label != "" {
		label += " "
	}
	below := indent + runewidth.StringWidth(label)
	if sign != "" {
		below += len("+ ")
	}
	last := len(names) - 1
	words := each(names, func(name string) string { return p.flat(name) + "," })
	words[last] = strings.TrimSuffix(words[last], ",")
	left := len(names)
	for i, line := range pack(words, max(narrowest, columns-below)) {
		if i == most && left > len(line) {
			p.text(below, "", "... and "+thousands(left)+" more (--show-all lists them)")
			return
		}
		left -= len(line)
		if i == 0 {
			p.line(indent, sign, label+strings.Join(line, " "))
		} else {
			p.line(below, "", strings.Join(line, " "))
		}
	}
}
