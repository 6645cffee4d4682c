package usersfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is the deepest nesting that is looked at; a users file needs nine.
const maxDepth = 64

// readFile reads the documents of one file, in a folder, and returns its sets and all its mistakes. There are no sets if a mistake is
// the file's own; mistakes that another file has as great a part in leave them.
func readFile(file string, in *folder, data []byte, judge JudgeRequest, seen *seen) ([]Set, Errors) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // Windows editors begin a file with a byte order mark
	if err, ok := checkText(file, data); !ok {
		return nil, Errors{err}
	}
	var sets []Set
	var errs Errors
	more := 0 // mistakes that are not listed
	own, subjects := false, 0
	starts := documentStarts(data)
	lines := &lineReader{data: data}
	parser := yaml.NewDecoder(lines)
	for found := false; ; {
		var n yaml.Node
		err := parser.Decode(&n)
		if errors.Is(err, io.EOF) {
			if !found {
				return nil, Errors{{Pos: Pos{File: file}, Msg: "is empty: it has no YAML document"}}
			}
			break
		}
		if err != nil {
			if len(errs) == maxErrors { // it must be among those that are listed
				errs, more = errs[:maxErrors-1], more+1
			}
			errs, own = append(errs, syntaxError(file, data, lines.count, err)), true
			break
		}
		if len(n.Content) == 0 || isEmpty(n.Content[0]) {
			continue
		}
		found = true
		root := n.Content[0]
		r := reader{file: file, seen: seen, subjects: &subjects, folder: in, judge: judge}
		if r.checkTree(root, 1, map[string]bool{}); len(r.errs) == 0 {
			set := r.set(root)
			set.Digest = digest(append(slices.Clip(starts.around(root.Line)), r.besides...))
			sets = append(sets, set)
		}
		listed := min(len(r.errs), maxErrors-len(errs))
		errs = append(errs, r.errs[:listed]...)
		more += r.mistakes - listed
		own = own || r.mistakes > r.shared
	}
	errs.sort()
	if more > 0 {
		errs = append(errs, Error{Pos: Pos{File: file}, More: more, Shared: !errs.LeaveOut() && !own})
	}
	if own {
		return nil, errs
	}
	return sets, errs
}

// checkText refuses, at their place, bytes that no YAML has, and line breaks that YAML counts and editors do not: they
// would make every later position wrong.
func checkText(file string, data []byte) (Error, bool) {
	line, begin := 1, 0
	for i := 0; i < len(data); {
		r, size := rune(data[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(data[i:])
		}
		msg := ""
		switch {
		case r == '\n':
			line, begin = line+1, i+1
		case r == '\t', r >= ' ' && r < 0x7f:
		case r == '\r':
			if !bytes.HasPrefix(data[i+1:], []byte("\n")) {
				msg = "carriage return without line feed: end lines with LF or CRLF"
			}
		case r == 0 && i < 2, bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
			msg = "looks like UTF-16: save the file as UTF-8"
		case r == utf8.RuneError && size == 1:
			msg = fmt.Sprintf("byte 0x%02x is not UTF-8: is this a text file?", data[i])
		case r == '\ufeff':
			msg = "byte order mark in the middle of the file: were two files joined?"
		case r == '\u2028', r == '\u2029', r == '\u0085', unicode.IsControl(r), r == '\ufffe', r == '\uffff':
			msg = fmt.Sprintf("control character %U: is this a text file?", r)
		}
		if msg != "" {
			column := utf8.RuneCount(data[begin:i]) + 1
			return Error{Pos: Pos{File: file, Line: line, Column: column}, Msg: msg}, false
		}
		i += size
	}
	return Error{}, true
}

// checkTree records a mistake for aliases, before anything can follow and multiply them, and for nesting that no field has. Of
// several aliases of one name it records only the first; names holds those that it has met.
func (r *reader) checkTree(n *yaml.Node, depth int, names map[string]bool) {
	switch {
	case n.Kind == yaml.AliasNode:
		if names[n.Value] {
			return
		}
		names[n.Value] = true
		r.add(value{node: n}, fmt.Sprintf("alias *%s: aliases are not supported; write the value out", clip(n.Value)))
	case depth > maxDepth:
		r.add(value{node: n}, fmt.Sprintf("nested more than %d deep", maxDepth))
	default:
		for _, c := range n.Content {
			r.checkTree(c, depth+1, names)
		}
	}
}

// documents are the bytes of a file from one document marker to the next.
type documents struct {
	lines []int // on which each begins
	bytes [][]byte
}

// documentStarts cuts a file where YAML does: at every line that begins with --- or ..., whatever is around it.
func documentStarts(data []byte) documents {
	d := documents{lines: []int{1}}
	begin, at := 0, 0
	for line := 1; at < len(data); line++ {
		if at > begin && isMarker(data[at:]) {
			d.lines, d.bytes = append(d.lines, line), append(d.bytes, data[begin:at])
			begin = at
		}
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			break
		}
		at += end + 1
	}
	d.bytes = append(d.bytes, data[begin:])
	return d
}

// isMarker reports whether a line is a document marker. The rest of a line after --- is content already.
func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0
}

// around returns the document that the line is in.
func (d documents) around(line int) []byte {
	return d.bytes[max(0, sort.SearchInts(d.lines, line+1)-1)]
}

// digest names the bytes of a document, and of what it names.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// lineReader returns one line at a time, so that count is the line at which the parser gave up. The parser's own error has only
// the line on which the unfinished construct began.
type lineReader struct {
	data  []byte
	rest  int // of the current line
	count int
}

// Read returns at most the rest of the current line.
func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.data) == 0 {
		return 0, io.EOF
	}
	if l.rest == 0 {
		l.rest, l.count = bytes.IndexByte(l.data, '\n')+1, l.count+1
		if l.rest == 0 {
			l.rest = len(l.data)
		}
	}
	n := copy(p, l.data[:l.rest])
	l.data, l.rest = l.data[n:], l.rest-n
	return n, nil
}

// syntaxError gives the parser's error its place; count is the number of lines that the parser had read.
func syntaxError(file string, data []byte, count int, err error) Error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1 // what the parser means by no line
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, msg = n, text
			if fromGrammar(msg) {
				line++ // there the parser counts from 0
			}
		}
	}
	if name, ok := strings.CutPrefix(msg, "unknown anchor '"); ok {
		name = strings.TrimSuffix(name, "' referenced")
		before, _, _ := bytes.Cut(data, []byte("*"+name))
		line = bytes.Count(before, []byte("\n")) + 1
		msg = fmt.Sprintf("alias *%s: aliases are not supported; write the value out", clip(name))
	}
	line = max(1, min(line, count))
	switch msg {
	case "found unknown escape character":
		msg += ": in double quotes a backslash begins an escape; for a backslash itself use single quotes, as in 'CORP\\jane'"
	case "found character that cannot start any token":
		msg += ": put quotes around a value that begins with @, ` or %, and indent with spaces, not tabs"
	}
	if fromGrammar(msg) && count > line {
		msg += fmt.Sprintf(" in what begins here; noticed before the end of line %d", count)
	}
	return Error{Pos: Pos{File: file, Line: line, Column: 1}, Msg: "YAML syntax: " + msg}
}

// fromGrammar reports whether a message is of the parser's second stage, which sees tokens and not characters.
func fromGrammar(msg string) bool {
	rest, ok := strings.CutPrefix(msg, "did not find expected ")
	if !ok {
		return false
	}
	for _, what := range []string{"key", "'-' indicator", "node content", "',' or", "<document start>", "<stream-start>"} {
		if strings.HasPrefix(rest, what) {
			return true
		}
	}
	return false
}
