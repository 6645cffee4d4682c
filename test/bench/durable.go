package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// inMemory is a folder on no disk.
const inMemory = "/dev/shm"

// durable compares a directory on the disk with one in memory, where a sync costs nothing.
func (b *bench) durable(ctx context.Context, r *result) error {
	r.About = fmt.Sprintf("%d users, raised signer, the output directory on the disk (%s) and in memory (%s), where a sync costs nothing: the difference is what\n"+
		"the disk and the syncs cost. The servers' own data is on the disk in both; etcd does not sync here.", b.users, filepath.Dir(b.temp), inMemory)
	memory, err := os.MkdirTemp(inMemory, "provision-bench-")
	if errors.Is(err, fs.ErrNotExist) {
		r.note("not measured: this machine has no %s", inMemory)
		return nil
	}
	if err != nil {
		return err
	}
	defer os.RemoveAll(memory)
	p, err := b.startPlane(ctx, raisedLimit...)
	if err != nil {
		return err
	}
	defer p.Stop()
	const onDisk, inShm = "on the disk", "in memory"
	for round := range b.rounds {
		set := fmt.Sprintf("durable-%d", round)
		disk, err := b.apply(b.temp, set, b.users, "ECDSA-P256")
		if err != nil {
			return err
		}
		shm, err := b.apply(memory, set, b.users, "ECDSA-P256")
		if err != nil {
			return err
		}
		disk.name, shm.name = onDisk, inShm
		commands := []command{disk, shm}
		for i := range commands {
			if _, err := b.run(ctx, p, r, round+1, commands[(i+round)%2]); err != nil {
				return err
			}
		}
	}
	r.compare(fmt.Sprintf("Apply of %d users", b.users), b.users, inShm, onDisk)
	each, err := syncCost(b.temp)
	if err != nil {
		return err
	}
	r.note("writing and syncing one file of 4 KB on this disk, one after another: %.2f ms", 1000*each)
	return b.countSyncs(ctx, p, r)
}

// countSyncs counts the calls of one more apply.
func (b *bench) countSyncs(ctx context.Context, p *plane, r *result) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		r.note("syncs not counted: this machine has no strace")
		return nil
	}
	c, err := b.apply(b.temp, "traced", b.users, "ECDSA-P256")
	if err != nil {
		return err
	}
	trace := filepath.Join(c.dir, "trace")
	c.argv = append([]string{strace, "-f", "--seccomp-bpf", "-y", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs", "-o", trace}, c.argv...)
	if _, err := b.run(ctx, p, &result{}, 0, c); err != nil {
		r.note("syncs not counted: %s", strings.SplitN(err.Error(), "\n", 2)[0])
		return nil
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		return err
	}
	files, directories := 0, 0
	for _, m := range regexp.MustCompile(`(?:fsync|fdatasync)\(\d+<([^>]*)>`).FindAllSubmatch(text, -1) {
		if info, err := os.Stat(string(m[1])); err == nil && info.IsDir() {
			directories++
		} else {
			files++
		}
	}
	r.note("syncs of one apply of %d users, by strace: %d of files (%.2f per user: journal and kubeconfig), %d of directories (%.3f per user)",
		b.users, files, float64(files)/float64(b.users), directories, float64(directories)/float64(b.users))
	return nil
}

// syncCost is what one durable write costs in seconds.
func syncCost(dir string) (float64, error) {
	const n = 100
	data := make([]byte, 4096)
	begun := time.Now()
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("sync-%d", i))
		f, err := os.Create(path)
		if err != nil {
			return 0, err
		}
		_, err = f.Write(data)
		if err == nil {
			err = f.Sync()
		}
		if err := errors.Join(err, f.Close(), os.Remove(path)); err != nil {
			return 0, err
		}
	}
	return time.Since(begun).Seconds() / n, nil
}
