package outdir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// ID returns the name of this directory among all that apply the same set: 26 random characters that are made once and kept
// in the directory, which must be open to be written to. Together with the lock it tells a run that comes back after a crash
// from another run. Others read it in the cluster, so a text in the file's place that is no id of ours is not passed on: a new
// id replaces it.
func (d *Dir) ID() (string, error) {
	data, err := d.read(filepath.Join(stateDir, idFile))
	if id := string(data); err == nil && isID(id) {
		return id, nil
	}
	if _, unfit := errors.AsType[unfitError](err); err != nil && !unfit && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", d.join(stateDir, idFile), cause(err))
	}
	id := rand.Text()
	return id, d.writeFile(stateDir, idFile, []byte(id))
}

// isID reports whether a text has the form of rand.Text's: 26 letters of base32.
func isID(s string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return len(s) == 26 && strings.Trim(s, alphabet) == ""
}
