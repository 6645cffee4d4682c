package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// start measures what a person waits for before anything happens.
func (b *bench) start(ctx context.Context, r *result) error {
	const runs, users = 20, 100
	r.About = fmt.Sprintf("%d runs each, without a cluster.", runs)
	dir, err := b.folder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeUsers(dir, "start", users, "ECDSA-P256"); err != nil {
		return err
	}
	commands := []command{
		{name: "provision --help", users: 1, dir: dir, argv: []string{b.binary, "--help"}},
		{name: fmt.Sprintf("provision validate, %d users", users), users: users, dir: dir, argv: []string{b.binary, "validate"}},
	}
	for round := range runs {
		for _, c := range commands {
			s, err := execute(ctx, c)
			if err != nil {
				return err
			}
			s.Round = round + 1
			r.Samples = append(r.Samples, s)
		}
	}
	t := r.table("Start", "", "wall ms", "CPU ms", "peak memory")
	for _, c := range commands {
		s := r.Samples.of(c.name, 0)
		t.row(c.name, spread(s.values(wall), milliseconds), spread(s.values(cpu), milliseconds), megabytes(s.median(rss)))
		r.atMost(c.name+": under 50 ms of CPU", 1000*s.median(cpu), 50, "%.0f ms")
	}
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	r.note("the program's file has %s (%s)", megabytes(float64(info.Size())), buildFlags(b.binary))
	return nil
}

// buildFlags says how a Go program was built.
func buildFlags(path string) string {
	out, err := exec.Command("go", "version", "-m", path).Output()
	if err != nil {
		return "build flags unknown"
	}
	var flags []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == "build" && (strings.HasPrefix(fields[1], "-trimpath") || strings.HasPrefix(fields[1], "CGO_ENABLED")) {
			flags = append(flags, fields[1])
		}
	}
	return strings.Join(flags, " ")
}
