package view

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"provision/internal/schema"
)

// explainWidth is where the lines of an explanation end, in columns.
const explainWidth = 78

// Explained tells what a field of the users file means, or the whole file.
func (s Streams) Explained(f schema.Field) {
	p := s.out()
	name := f.Path
	if name == "" {
		name = "the users file"
	}
	p.line(0, "", p.bold(name)+" "+kindOf(f))
	p.gap()
	for _, line := range wrapped(f.Description, explainWidth-2) {
		p.line(2, "", line)
	}
	if len(f.Values) > 1 {
		p.line(2, "", "values: "+strings.Join(f.Values, ", "))
	}
	if f.Default != "" {
		p.line(2, "", "default: "+f.Default)
	}
	if f.Example != "" {
		p.title("example")
		for line := range strings.Lines(f.Example) {
			p.line(2, "", strings.TrimSuffix(line, "\n"))
		}
	}
	if len(f.Fields) == 0 {
		return
	}
	p.title("fields")
	for _, inner := range f.Fields {
		p.line(2, "", p.bold(inner.Name())+" "+kindOf(inner))
		for _, line := range wrapped(inner.Description, explainWidth-6) {
			p.line(6, "", line)
		}
	}
}

// kindOf is the type of a field, and whether it has to be there.
func kindOf(f schema.Field) string {
	kind := "<" + f.Type + ">"
	if f.Required && f.Path != "" {
		kind += ", required"
	}
	return kind
}

// wrapped breaks a text into lines of at most so many columns.
func wrapped(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && runewidth.StringWidth(line+" "+word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
