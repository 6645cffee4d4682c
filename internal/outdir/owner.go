package outdir

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// checkOwner refuses directories of other users, who could swap files under us. "." is the output directory, and must be
// there; of the others a missing one is passed over. A symbolic link at the place of the output directory is
// fine if it leads to a safe one.
func (d *Dir) checkOwner(names ...string) error {
	for _, name := range names {
		info, err := d.root.Lstat(name)
		if name != "." && err != nil {
			continue // what is wrong there is told when it is made or opened
		}
		if err != nil {
			return openError(d.path, err)
		}
		if why := d.foreignOwner(info); why != "" {
			return fmt.Errorf("output directory %s: %s: private keys are written there; run chown %d %s, or provision as that user, or choose another with -d", d.join(name), why, d.owners[0], d.join(name))
		}
	}
	return nil
}

// checkSafe refuses directories, by path below the output directory, into which others may write by their modes. Its error
// names all directories of ours that one chmod has to mend, also those that were not asked about.
func (d *Dir) checkSafe(names ...string) error {
	var open []string
	var why, hint string
	for _, name := range []string{".", stateDir, journalDir} {
		info, err := d.root.Lstat(name)
		if name != "." && err != nil {
			continue // what is wrong there is told when it is made or opened
		}
		if err != nil {
			return openError(d.path, err)
		}
		others := writableByOthers(info)
		if others == "" || !info.IsDir() {
			continue
		}
		open = append(open, d.join(name))
		if why == "" && slices.Contains(names, name) {
			why = "output directory " + d.join(name) + ": " + others
		}
		if openedByKubelet(info) {
			hint = "; in a Kubernetes volume with fsGroup, kubelet opens the modes again at each mount: use a directory below the volume's own, and set fsGroupChangePolicy: OnRootMismatch in the pod"
		}
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("%s: private keys are written there; run chmod go-w %s, or choose another with -d%s", why, strings.Join(open, " "), hint)
}

// owners returns the ids of the users who may own what we use: first the one that this process runs as, then, for root, the
// one who called sudo. Root obeys no file mode, but in a directory of another user that user can swap the files under us.
func owners(euid int, getenv func(string) string) []int {
	list := []int{euid}
	if sudo, err := strconv.Atoi(getenv("SUDO_UID")); err == nil && euid == 0 {
		list = append(list, sudo)
	}
	return list
}

// foreignOwner returns in words that a file belongs to somebody else, or "".
func (d *Dir) foreignOwner(info fs.FileInfo) string {
	uid, known := ownerOf(info)
	if !known || slices.Contains(d.owners, uid) {
		return ""
	}
	return fmt.Sprintf("it belongs to another user (uid %d)", uid)
}
