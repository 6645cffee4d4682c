package view

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"provision/internal/usersfile"
)

// Error prints one error for a person, and below it the way out. All errors of the program end here or in a report.
func (s Streams) Error(err error) {
	p := s.err()
	if list, ok := errors.AsType[usersfile.Errors](err); ok {
		s.mistakes(p.red("error:"), list, func(items []string) string {
			if len(items) > few {
				return Listed(items) + " (provision validate --show-all lists them)"
			}
			return Listed(items)
		})
		if n := list.Count(); n > 1 {
			p.line(0, "", Plural(n, "error"))
		}
	} else {
		p.line(0, p.red("error:"), OneLine(err))
	}
	p.hint(0, hintFor(err, s.Command))
}

// OneLine writes an error on one line of a length that people read: messages of an API server may have several, or no end.
func OneLine(err error) string {
	return shortened(strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " "))
}

// maxForeign is how many bytes of somebody else's message are shown: ten lines of a terminal.
const maxForeign = 1000

// shortened cuts somebody else's message, in bytes of UTF-8, and counts what it had.
func shortened(text string) string {
	if len(text) <= maxForeign {
		return text
	}
	end := maxForeign
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s... (%s bytes in all)", text[:end], thousands(len(text)))
}
