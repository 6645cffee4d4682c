package outdir

import (
	"context"
	"fmt"
	"os"
	"time"
)

// takeLock takes the lock of the directory and keeps it in d. It waits up to wait, or until ctx ends, for another run in this
// directory to end, and for nothing else: a file system without locks will have none in a minute either.
func (d *Dir) takeLock(ctx context.Context, wait time.Duration) error {
	lock, err := d.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", d.join(lockFile), cause(err))
	}
	if err := d.tryModes(lock); err != nil {
		lock.Close()
		return err
	}
	for until := time.Now().Add(wait); ; {
		err := TryLock(lock)
		if err == nil {
			d.lock = lock
			return nil
		}
		if !IsHeld(err) {
			lock.Close()
			return fmt.Errorf("lock %s: %w: %s has no locks, so that two runs could write at once: choose a directory on a local file system with -d",
				d.join(lockFile), err, d.fileSystem())
		}
		if time.Now().After(until) || ctx.Err() != nil {
			lock.Close()
			return fmt.Errorf("%s is in use: another provision is writing to this directory; wait for it to end, or give a longer --lock-timeout", d.path)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond): // the kernel has no wait with a limit
		}
	}
}
