package outdir

import (
	"fmt"
	"path/filepath"
	"strings"

	"provision/internal/credential"
)

// recover removes what a crash left: temporary files, whose content was never promised to anybody, and keys in the journal
// whose certificate has arrived in its kubeconfig.
func (d *Dir) recover() error {
	for _, dir := range []string{".", stateDir, journalDir} {
		names, err := d.list(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasPrefix(name, tempPrefix) {
				if err := d.root.Remove(filepath.Join(dir, name)); err != nil {
					return fmt.Errorf("remove the leftover %s: %w", d.join(dir, name), cause(err))
				}
				continue
			}
			if dir == journalDir {
				if err := d.recoverKey(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// recoverKey removes a journal entry whose key is already in the user's kubeconfig.
func (d *Dir) recoverKey(name string) error {
	k, err := d.readKey(name)
	if err != nil {
		return nil // observing reports what is wrong with it
	}
	e, err := d.Of(k.Set, k.Cluster).Entry(k.User)
	if err != nil || !(k.SealedKey != "" && k.SealedKey == e.Sealed.Key || credential.SameKey(e.Key, []byte(k.PEM))) {
		return nil
	}
	return d.removeFile(journalDir, name)
}
