package view

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"golang.org/x/term"
)

// Streams are where a command reads and writes. Results go to Out, progress and messages to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	inFile      *os.File                // In, when it is a file
	Screen      *os.File                // Err for what moves the cursor, the progress bar; nil where it cannot
	outTerminal *os.File                // where a person reads Out as it is written; nil: nobody does
	errTerminal *os.File                // the same of Err
	LastWords   *atomic.Pointer[string] // what a second Ctrl-C says
	Program     string                  // what it was called as: provision, or kubectl provision
	Command     string                  // what runs, as hints name it: provision apply

	outStyle, errStyle style
	bar                *atomic.Pointer[bar] // the one that is drawn now
}

// out writes results for people.
func (s Streams) out() pen { return pen{s.Out, s.outStyle, terminalColumns(s.outTerminal)} }

// err writes warnings, errors and progress.
func (s Streams) err() pen { return pen{s.Err, s.errStyle, terminalColumns(s.errTerminal)} }

// terminalColumns returns the width of a terminal; 0: it is none.
func terminalColumns(terminal *os.File) int {
	if terminal == nil {
		return 0
	}
	return columns(terminal)
}

// ifTerminal returns a file that is a terminal, or nil.
func ifTerminal(f *os.File) *os.File {
	if term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// Warning tells of something in spite of which the command goes on.
func (s Streams) Warning(text string) { s.err().line(0, s.errStyle.yellow("warning:"), text) }

// Note tells of something that may be meant so.
func (s Streams) Note(text string) { s.err().line(0, s.errStyle.yellow("note:"), text) }

// NewLine returns what leaves the line of the progress bar, and of the ^C that a terminal shows.
func (s Streams) NewLine() string {
	if s.errTerminal != nil {
		return "\n"
	}
	return ""
}

// NewStreams makes those of a process, whose environment getenv reads. A text that is written to Out or Err cannot steer a terminal.
// Out is not safe for concurrent use.
func NewStreams(in, out, err *os.File, getenv func(string) string) Streams {
	colour := getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	mark := rand.Text()
	s := Streams{
		In: in, Out: &result{w: printable{out, mark}}, Err: printable{err, mark}, inFile: in,
		outTerminal: ifTerminal(out), errTerminal: ifTerminal(err),
		LastWords: new(atomic.Pointer[string]),
		bar:       new(atomic.Pointer[bar]),
		Program:   "provision", Command: "provision apply",
	}
	s.outStyle, s.errStyle = style{colour && s.outTerminal != nil, mark}, style{colour && s.errTerminal != nil, mark}
	if s.errTerminal != nil && getenv("TERM") != "dumb" {
		s.Screen = err
	}
	return s
}

// Unwritten returns why standard output has not taken all that was written to it; nil: it has.
func (s Streams) Unwritten() error {
	if r, ok := s.Out.(*result); ok {
		return r.err
	}
	return nil
}

// Bare returns the error of the system alone, without the path, which is that of a descriptor or of a temporary file.
func Bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
