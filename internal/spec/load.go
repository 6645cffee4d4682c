package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// Stdin is the source that means standard input.
	Stdin = "-"
	// maxSize is the most that is read of one file: room for 80,000 users. The parser needs 50 to 100 bytes of memory
	// for one byte of a hostile file, so a much higher limit would let a file take the whole machine.
	maxSize = 16 << 20
)

// Load reads the users files that -f names: files, directories (every *.yaml, *.yml and *.json in it, by name, not
// below it) and "-" for stdin. Each YAML document is one Set; documents without content are skipped. The sets come in
// the order of the sources and are complete and valid together: no user and no set is named twice, and no two users
// have one kubeconfig file.
//
// A non-nil error is of type Errors and holds every mistake of every file; there are no sets then.
func Load(sources []string, stdin io.Reader) ([]Set, error) {
	l := loader{stdin: stdin, seen: newSeen()}
	files := l.files(sources)
	var sets []Set
	for _, f := range files {
		data, err := l.read(f)
		if err != nil {
			l.errs = append(l.errs, fileError(f, err))
			continue
		}
		got, errs := readFile(label(f), data, l.seen)
		sets = append(sets, got...)
		l.errs = append(l.errs, errs...)
	}
	if len(l.errs) > 0 {
		return nil, l.errs
	}
	return sets, nil
}

// loader is one call of Load.
type loader struct {
	stdin io.Reader
	seen  *seen
	errs  Errors
}

// files expands directories. A source that cannot be used is an error and left out.
func (l *loader) files(sources []string) []string {
	if len(sources) == 0 {
		l.errs = append(l.errs, Error{Pos: Pos{File: "-f"}, Msg: "Required value: name a users file, a directory or - for standard input"})
	}
	var files []string
	add := func(f string) {
		if slices.Contains(files, f) {
			l.errs = append(l.errs, Error{Pos: Pos{File: label(f)}, Msg: "is given twice"})
			return
		}
		files = append(files, f)
	}
	for _, s := range sources {
		if s == Stdin {
			add(s)
			continue
		}
		if s == "" { // a variable that was not set: not the present directory
			l.errs = append(l.errs, Error{Pos: Pos{File: "-f"}, Msg: "Required value: must not be empty"})
			continue
		}
		s = filepath.Clean(s)
		if info, err := os.Stat(s); err != nil || !info.IsDir() {
			add(s) // reading it finds out what is wrong with it
			continue
		}
		in, err := filesIn(s)
		if err != nil {
			l.errs = append(l.errs, fileError(s, err))
		}
		for _, f := range in {
			add(f)
		}
	}
	return files
}

// filesIn returns the users files of a directory by name. Hidden files are not among them: editors and macOS keep
// things there that end in .yaml. Links are followed, for a mounted ConfigMap consists of them.
func filesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		name := filepath.Join(dir, e.Name())
		if info, err := os.Stat(name); strings.HasPrefix(e.Name(), ".") || err == nil && info.IsDir() {
			continue
		}
		files = append(files, name)
	}
	if len(files) == 0 {
		return nil, errors.New("the directory has no *.yaml, *.yml or *.json file")
	}
	return files, nil
}

// read returns the bytes of a file or of stdin, and an error without reading further when there are too many.
func (l *loader) read(file string) ([]byte, error) {
	r, size := l.stdin, int64(0)
	if file != Stdin {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		r, size = f, info.Size()
	}
	if r == nil {
		return nil, errors.New("there is no standard input")
	}
	tooLarge := fmt.Errorf("too long: must be at most %d MiB; split it into several files", maxSize>>20)
	if size > maxSize {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err == nil && len(data) > maxSize {
		err = tooLarge
	}
	return data, err
}

// label is the name of a file in errors.
func label(file string) string {
	if file == Stdin {
		return "<stdin>"
	}
	return file
}

// fileError drops the path from a path error: the position says it.
func fileError(file string, err error) Error {
	e := Error{Pos: Pos{File: label(file)}, Msg: err.Error(), Err: err}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		e.Msg = p.Op + ": " + p.Err.Error()
	}
	return e
}
