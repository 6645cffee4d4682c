package usersfile

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
// have one kubeconfig file. A request that a user has made is judged by judge, which may be nil where there is none.
//
// A non-nil error is of type Errors and holds every mistake of every file. A caller may go on with the sets that come with
// it, which are those that no mistake is about: a file with one of its own is left out whole, and a set that two files
// describe in both. Users whom two files name say so (AlsoAt). There are none where a source itself cannot be used: that is
// no mistake of a file, and somebody meant another command.
func Load(sources []string, stdin io.Reader, judge JudgeRequest) ([]Set, error) {
	l := loader{stdin: stdin, judge: judge}
	files := l.files(sources)
	unusable := len(l.errs) > 0
	seen := newSeen()
	var sets []Set
	for _, f := range files {
		got, errs := l.sets(f, seen)
		sets = append(sets, got...)
		l.errs = append(l.errs, errs...)
		unusable = unusable || !f.found && errors.Is(errs, fs.ErrNotExist)
	}
	switch {
	case len(l.errs) == 0:
		return sets, nil
	case unusable:
		return nil, l.errs
	}
	return seen.mark(sets), l.errs
}

// LoadEach reads the users files as Load does, but each by itself: it returns the sets of every file that has no mistake, and
// the mistakes of the others. It does not compare the files: a user may be in two sets, and of a set that two files describe
// the first counts.
func LoadEach(sources []string, stdin io.Reader, judge JudgeRequest) ([]Set, Errors) {
	l := loader{stdin: stdin, judge: judge}
	var sets []Set
	for _, f := range l.files(sources) {
		got, errs := l.sets(f, newSeen())
		l.errs = append(l.errs, errs...)
		for _, set := range got {
			if !slices.ContainsFunc(sets, func(s Set) bool { return s.Name == set.Name }) {
				sets = append(sets, set)
			}
		}
	}
	return sets, l.errs
}

// Skipped lists what of the directories among sources Load does not read: directories in them, and files that end otherwise,
// but no hidden ones.
func Skipped(sources []string) []string {
	var skipped []string
	for _, s := range sources {
		if s == Stdin || s == "" {
			continue
		}
		entries, err := os.ReadDir(s)
		if err != nil {
			continue // Load says what is wrong with it
		}
		read, _ := filesIn(filepath.Clean(s))
		for _, e := range entries {
			name := filepath.Join(s, e.Name())
			if strings.HasPrefix(e.Name(), ".") || slices.Contains(read, name) {
				continue
			}
			if info, err := os.Stat(name); err == nil && info.IsDir() {
				name += string(filepath.Separator)
			}
			skipped = append(skipped, name)
		}
	}
	return skipped
}

// loader is one call of Load.
type loader struct {
	stdin io.Reader
	judge JudgeRequest
	errs  Errors // of the sources
}

// file is one to read.
type file struct {
	name  string
	found bool // in a directory: nobody named it
}

// files expands directories. A source that cannot be used is an error and left out.
func (l *loader) files(sources []string) []file {
	if len(sources) == 0 {
		l.errs = append(l.errs, Error{Pos: Pos{File: "-f"}, Msg: "Required value: name a users file, a directory or - for standard input"})
	}
	var files []file
	add := func(name string, found bool) {
		if slices.ContainsFunc(files, func(f file) bool { return f.name == name }) {
			l.errs = append(l.errs, Error{Pos: Pos{File: label(name)}, Msg: "is given twice"})
			return
		}
		files = append(files, file{name, found})
	}
	for _, s := range sources {
		if s == Stdin {
			add(s, false)
			continue
		}
		if s == "" { // a variable that was not set: not the present directory
			l.errs = append(l.errs, Error{Pos: Pos{File: "-f"}, Msg: "Required value: must not be empty"})
			continue
		}
		s = filepath.Clean(s)
		if info, err := os.Stat(s); err != nil || !info.IsDir() {
			add(s, false) // reading it finds out what is wrong with it
			continue
		}
		in, err := filesIn(s)
		if err != nil {
			l.errs = append(l.errs, fileError(s, err))
		}
		for _, f := range in {
			add(f, true)
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

// sets returns the sets of a file, and its mistakes.
func (l *loader) sets(f file, seen *seen) ([]Set, Errors) {
	data, err := l.read(f)
	if err != nil {
		return nil, Errors{fileError(f.name, err)}
	}
	in := folder{path: filepath.Dir(f.name)}
	if f.name == Stdin {
		in.path = ""
	}
	defer in.close()
	return readFile(label(f.name), &in, data, l.judge, seen)
}

// read returns the bytes of a file or of stdin, and an error without reading further when there are too many.
func (l *loader) read(from file) ([]byte, error) {
	if from.found { // it might never end, and nobody named it
		if info, err := os.Stat(from.name); err == nil && !info.Mode().IsRegular() {
			return nil, errors.New("is not a regular file: in a directory only these are read")
		}
	}
	r, size := l.stdin, int64(0)
	if from.name != Stdin {
		f, err := os.Open(from.name)
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
