package view

import (
	"fmt"
	"io"
	"strings"
)

// pen writes for people on one stream, a line at a time. A text that others wrote cannot leave its line, nor colour it.
type pen struct {
	w io.Writer
	style
	columns int // of the terminal; 0: it is none, and texts are not broken into lines
}

// line writes one line: so many columns free, a sign or label in its colour and a space if there is one, and the text.
func (p pen) line(indent int, sign, text string) {
	if sign != "" {
		sign += " "
	}
	fmt.Fprintf(p.w, "%*s%s%s\n", indent, "", p.flat(sign), p.flat(text))
}

// gap leaves a line free.
func (p pen) gap() { fmt.Fprintln(p.w) }

// title begins a section.
func (p pen) title(text string) {
	p.gap()
	p.line(0, "", p.bold(text))
}

// hint writes the way out, which may have several lines, or nothing if there is none. Objects behind its words stand at the first
// column, to be copied into kubectl apply -f -.
func (p pen) hint(indent int, hint string) {
	if hint == "" {
		return
	}
	words, objects, _ := strings.Cut(hint, "\n---\n")
	for i, text := range strings.Split(words, "\n") {
		if i == 0 {
			p.line(indent, "", p.faint("hint: "+p.flat(text)))
		} else {
			p.line(indent+len("hint: "), "", p.faint(p.flat(text)))
		}
	}
	if objects != "" {
		p.objects("---\n" + objects)
	}
}

// objects writes YAML as it stands.
func (p pen) objects(yaml string) { fmt.Fprintln(p.w, strings.TrimSuffix(yaml, "\n")) }
