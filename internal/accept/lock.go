package accept

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"provision/internal/outdir"
)

// lockPatience is how long others may take who write the kubeconfig: kubectl holds its lock for milliseconds.
const lockPatience = 10 * time.Second

// lockMode tells a lock of ours from kubectl's, which has no permission at all.
const lockMode = 0o600

// LockedError reports that somebody else has the lock of a kubeconfig, or left it.
type LockedError struct{ Lock string }

// Error says it in words.
func (e *LockedError) Error() string {
	return e.Lock + " is there: somebody else writes your kubeconfig, or was killed while they did: nothing was changed"
}

// lockBoth takes the locks of a kubeconfig and of the file that it links to, in the order of their names.
func lockBoth(ctx context.Context, paths ...string) (release func(), err error) {
	slices.Sort(paths)
	var held []func()
	release = func() {
		for _, one := range held {
			one()
		}
	}
	for _, path := range slices.Compact(paths) {
		one, err := lock(ctx, path)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, one)
	}
	return release, nil
}

// lock takes the lock that kubectl takes of a kubeconfig: a file beside it that must not be there. kubectl leaves that for ever
// where it is killed. Ours is held in the kernel too, so that one whose holder is gone is known, and taken over.
func lock(ctx context.Context, path string) (release func(), err error) {
	name := path + ".lock"
	for until := time.Now().Add(lockPatience); ; {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, lockMode)
		switch {
		case err == nil:
			// Somebody may have taken it for one that was left, before it was held here, and may even be done with it.
			if err := outdir.TryLock(f); outdir.IsHeld(err) || !stands(name, f) {
				f.Close()
				f = nil
			}
		case errors.Is(err, fs.ErrExist):
			f = takeOver(name)
		default:
			return nil, notWritten(path, err)
		}
		if f != nil {
			return func() {
				os.Remove(name)
				f.Close()
			}, nil
		}
		if time.Now().After(until) {
			return nil, &LockedError{name}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", name, ctx.Err())
		case <-time.After(20 * time.Millisecond): // nobody tells that it has gone
		}
	}
}

// takeOver opens and holds a lock of ours whose holder is gone; nil: it is none.
func takeOver(name string) *os.File {
	place, err := os.Lstat(name)
	if err != nil || !place.Mode().IsRegular() || place.Mode().Perm() != lockMode {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	if outdir.TryLock(f) == nil && stands(name, f) { // else its holder has just removed it
		return f
	}
	f.Close()
	return nil
}

// stands reports whether an open file is the one of a name.
func stands(name string, f *os.File) bool {
	opened, errOpened := f.Stat()
	place, err := os.Lstat(name)
	return errOpened == nil && err == nil && os.SameFile(opened, place)
}
