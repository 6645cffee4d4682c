package main

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// printable keeps what other people wrote (names of objects, messages of conditions, bytes of files) from steering the
// terminal: control characters, and characters that turn the direction of writing around, come out escaped. Only this
// program's own colours pass.
type printable struct{ w io.Writer }

// colours are what style and kong write.
var colours = [][]byte{
	[]byte("\x1b[0m"), []byte("\x1b[1m"), []byte("\x1b[2m"), []byte("\x1b[31m"), []byte("\x1b[32m"), []byte("\x1b[33m"),
}

func (p printable) Write(text []byte) (int, error) {
	clean := text
	if bytes.ContainsFunc(text, steers) || !utf8.Valid(text) {
		clean = make([]byte, 0, len(text)+16)
		for rest := text; len(rest) > 0; {
			if n := colour(rest); n > 0 {
				clean = append(clean, rest[:n]...)
				rest = rest[n:]
				continue
			}
			r, n := utf8.DecodeRune(rest)
			switch {
			case steers(r):
				clean = fmt.Appendf(clean, `\u%04x`, r)
			case r == utf8.RuneError && n == 1: // not UTF-8
				clean = fmt.Appendf(clean, `\x%02x`, rest[0])
			default:
				clean = append(clean, rest[:n]...)
			}
			rest = rest[n:]
		}
	}
	if _, err := p.w.Write(clean); err != nil {
		return 0, err
	}
	return len(text), nil
}

// colour is the length of a colour that text begins with, or 0.
func colour(text []byte) int {
	for _, c := range colours {
		if bytes.HasPrefix(text, c) {
			return len(c)
		}
	}
	return 0
}

// steers says whether a character does something else than stand in its place.
func steers(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0: // C0, DEL, C1
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || // bidi
		r == 0xad || r == 0x180e || r == 0x200b || r == 0x2028 || r == 0x2029 || r >= 0x2060 && r <= 0x2064 || r == 0xfeff // unseen
}
