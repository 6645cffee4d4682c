package view

import "strings"

// style colours text for a terminal, or leaves it alone.
type style struct {
	on   bool
	mark string // that printable knows our colours by, and nobody else can write
}

// paint colours a text, which stays on its line, by the code of an ANSI colour.
func (s style) paint(code, text string) string {
	text = s.flat(text)
	if !s.on || text == "" {
		return text
	}
	return "\x1b" + s.mark + "[" + code + "m" + text + "\x1b" + s.mark + "[0m"
}

func (s style) red(text string) string    { return s.paint("31", text) }
func (s style) green(text string) string  { return s.paint("32", text) }
func (s style) yellow(text string) string { return s.paint("33", text) }
func (s style) bold(text string) string   { return s.paint("1", text) }
func (s style) faint(text string) string  { return s.paint("2", text) }

// symbol colours the + ~ or - of a change.
func (s style) symbol(sign string) string {
	switch sign {
	case "+":
		return s.green(sign)
	case "-":
		return s.red(sign)
	}
	return s.yellow(sign)
}

// flat keeps a text on its line and in its colour: line breaks, tabs and the escape character come out as escapes, as names from the
// cluster may hold anything. Our own colours stay.
func (s style) flat(text string) string {
	if !strings.ContainsAny(text, "\n\t\x1b") {
		return text
	}
	escaped := []string{"\n", `\n`, "\t", `\t`, "\x1b", `\u001b`}
	if s.mark != "" {
		own := "\x1b" + s.mark + "["
		escaped = append([]string{own, own}, escaped...)
	}
	return strings.NewReplacer(escaped...).Replace(text)
}
