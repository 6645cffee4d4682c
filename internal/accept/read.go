package accept

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxFile is how many bytes a received file, a key or an identity may have.
const MaxFile = 1 << 20

// maxOwn is how many bytes the person's own kubeconfig may have.
const maxOwn = 16 << 20

// ReadFile reads a file that a person was sent, or a key or identity of theirs; "-" is standard input. Anything but a regular file
// of at most MaxFile bytes is an error.
func ReadFile(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return readAll("standard input", stdin, MaxFile)
	}
	return readRegular(path, MaxFile)
}

// readRegular reads a regular file of at most so many bytes. Errors name it.
func readRegular(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(path, f, most)
}

func readAll(path string, from io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s has more than %d MiB", path, most>>20)
	}
	return data, nil
}

// cause drops the path and the call from an error of the system: our messages name the path.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
