package view

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// printable keeps what other people wrote (names of objects, messages of conditions, bytes of files) from steering the
// terminal: control characters, and characters that turn the direction of writing around, come out escaped. Only this
// program's own colours pass: they carry the mark, which nobody else can know.
type printable struct {
	w    io.Writer
	mark string // what follows ESC in a colour of our own; "": no colour passes
}

// Write escapes and passes on. It counts the bytes of text, as its caller does.
func (p printable) Write(text []byte) (int, error) {
	clean := text
	if bytes.ContainsFunc(text, steers) || !utf8.Valid(text) {
		clean = make([]byte, 0, len(text)+16)
		own := []byte("\x1b" + p.mark + "[")
		for rest := text; len(rest) > 0; {
			if p.mark != "" && bytes.HasPrefix(rest, own) {
				clean = append(clean, "\x1b["...)
				rest = rest[len(own):]
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

// result is standard output. It takes everything, so that no command has to look after each line, and remembers the first error:
// the program tells it at the end. It is not safe for concurrent use.
type result struct {
	w   io.Writer
	err error // why something could not be written, or nil
}

// Write never fails.
func (r *result) Write(text []byte) (int, error) {
	if r.err == nil {
		_, r.err = r.w.Write(text)
	}
	return len(text), nil
}

// steers reports whether a character does anything but stand in its place: it moves the cursor, turns the direction of writing
// around, or cannot be seen.
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
