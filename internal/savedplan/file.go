package savedplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"provision/internal/hint"
	"provision/internal/outdir"
)

const (
	kind = "SavedPlan"
	// maxSize is the most that is read of a saved plan, in bytes: that of 80,000 users, the most that a users file holds, is
	// smaller.
	maxSize = 512 << 20
)

// CheckPath refuses a path that a plan must not be saved to: it only goes where there is nothing yet, or an empty file, or an
// earlier plan, so that no users file is lost to a wrong flag.
func CheckPath(path string) error {
	refuse := func(why string) error {
		return hint.With(fmt.Errorf("--save %s: %s", path, why), "a plan is saved to a new file or in the place of an earlier plan; name another file")
	}
	if path == "-" {
		return refuse("standard output shows the plan; what apply reads goes to a file")
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return refuse(bare(err).Error())
	case !info.Mode().IsRegular():
		return refuse("is " + kindOfFile(info.Mode()))
	case info.Size() == 0:
		return nil
	}
	saved, err := Is(path)
	if err != nil {
		return refuse(bare(err).Error())
	}
	if !saved {
		return refuse("is there already, and is not a plan that provision saved")
	}
	return nil
}

// Is reports whether a file begins as a saved plan does, of whatever format. It opens only a regular file: others may never begin.
func Is(path string) (bool, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, 4096)
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return isPlan(begin[:n]), nil
}

// isPlan reports whether the first bytes of a file are those of a saved plan, of whatever format.
func isPlan(begin []byte) bool {
	compact := strings.Join(strings.Fields(string(begin)), "")
	return strings.HasPrefix(compact, `{"formatVersion":"`) && strings.Contains(compact, `"kind":"`+kind+`"`)
}

// kindOfFile names what is no regular file.
func kindOfFile(mode fs.FileMode) string {
	switch mode.Type() {
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a pipe"
	case fs.ModeSocket:
		return "a socket"
	}
	return "a device"
}

// Write puts a plan, of mode 0600, where CheckPath allows it: whole, or not at all.
func (f File) Write(path string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	if err := CheckPath(path); err != nil {
		return err
	}
	if err = outdir.WriteFile(path, append(data, '\n')); err == nil {
		return nil
	}
	// The temporary file's name would tell nobody anything.
	told := fmt.Errorf("save the plan: %s: %w", path, bare(err))
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return hint.With(told, "make room there, or save the plan somewhere else")
	}
	return told
}

// Read reads a plan that was saved in this format, and no file that has no end or may never begin. Its errors tell what the file
// is.
func Read(path string) (File, error) {
	var f File
	notPlan := func(why string) error {
		return hint.With(fmt.Errorf("%s is not a plan that provision saved%s", path, why), "a users file is given with -f: provision apply -f "+hint.ShellWord(path))
	}
	data, err := read(path, notPlan)
	if err != nil {
		return f, err
	}
	err = json.Unmarshal(data, &f)
	switch {
	case f.FormatVersion != "" && f.FormatVersion != formatVersion:
		return f, fmt.Errorf("%s has the format %s, this provision reads %s: save the plan again", path, f.FormatVersion, formatVersion)
	case err != nil || f.Kind != kind:
		return f, notPlan("")
	case len(f.Sets) == 0 || len(f.Filename) == 0:
		return f, fmt.Errorf("%s holds no plan of any set", path)
	case slices.ContainsFunc(f.Sets, func(s Set) bool { return !s.Plan.Whole() }):
		return f, hint.With(fmt.Errorf("%s has a change of nothing: somebody has edited it", path), "provision plan --save again, and review it")
	}
	return f, nil
}

func read(path string, notPlan func(string) error) ([]byte, error) {
	failed := func(err error) error { return fmt.Errorf("read the plan: %s: %w", path, bare(err)) }
	info, err := os.Stat(path)
	switch {
	case err != nil && path == "-":
		return nil, errors.New("a saved plan is read from its file, not from standard input: provision apply FILE")
	case err != nil:
		return nil, failed(err)
	case !info.Mode().IsRegular():
		return nil, notPlan(": it is " + kindOfFile(info.Mode()))
	case info.Size() > maxSize:
		return nil, notPlan(fmt.Sprintf(": it has more than %d MiB", maxSize>>20))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, failed(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize))
	if err != nil {
		return nil, failed(err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return nil, notPlan("")
	}
	return data, nil
}

// bare is the error of the system alone: the path in it is a temporary file's, or is said already.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
