package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

//go:embed manual.sh
var manualScript []byte

// manual measures what people do by hand.
func (b *bench) manual(ctx context.Context, r *result) error {
	r.About = fmt.Sprintf("`test/bench/manual.sh`: the procedure of the Kubernetes documentation for one user, as a script with openssl and the bundled kubectl\n"+
		"%s, for %d users, one after another and four at a time. Stock signer: it is far from its limit.", kubernetesVersion(b), b.manualUsers)
	if _, err := exec.LookPath("openssl"); err != nil {
		r.note("not measured: this machine has no openssl")
		return nil
	}
	p, err := b.startPlane(ctx)
	if err != nil {
		return err
	}
	defer p.Stop()
	const one, four = "one after another", "four at a time"
	for round := range b.rounds {
		for i, parallel := range []int{1, 4} {
			dir, err := b.folder()
			if err != nil {
				return err
			}
			script := filepath.Join(dir, "manual.sh")
			if err := os.WriteFile(script, manualScript, 0o755); err != nil {
				return err
			}
			ca, err := p.CA()
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, "cluster.ca"), ca, 0o600); err != nil {
				return err
			}
			line := fmt.Sprintf("i=0; while [ $i -lt %d ]; do echo user-$i; i=$((i+1)); done | xargs -n 1 -P %d %s", b.manualUsers, parallel, script)
			c := command{name: []string{one, four}[i], users: b.manualUsers, dir: dir, argv: []string{"sh", "-c", line}, env: []string{"SERVER=" + p.Server()}}
			if _, err := b.run(ctx, p, r, round+1, c); err != nil {
				return err
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*.kubeconfig")); len(files) != b.manualUsers {
				return fmt.Errorf("the script made %d kubeconfigs for %d users", len(files), b.manualUsers)
			}
		}
	}
	t := r.table(fmt.Sprintf("The documented procedure, %d users", b.manualUsers), "", "s per user", "users/s", "CPU s per user", "requests per user")
	for _, name := range []string{one, four} {
		s := r.Samples.of(name, 0)
		t.row(name, spread(s.values(wallPerUser), seconds), fmt.Sprintf("%.2f", 1/s.median(wallPerUser)),
			seconds(s.median(cpuPerUser)), fmt.Sprintf("%.1f", s.median(requestsPerUser)))
	}
	s, err := execute(ctx, command{name: "kubectl", users: 1, argv: []string{filepath.Join(p.BinDir(), "kubectl"), "version", "--client"}})
	if err != nil {
		return err
	}
	r.note("the script runs kubectl 8 times for each user, and each start of it costs %.0f ms of CPU", 1000*s.CPU)
	return nil
}

func kubernetesVersion(b *bench) string {
	path := b.kubernetes
	if path == "" {
		path = "../../bin/kubernetes"
	}
	out, err := exec.Command(path, "kubectl", "version", "--client").Output()
	if m := regexp.MustCompile(`v[0-9.]+`).Find(out); err == nil && m != nil {
		return string(m)
	}
	return ""
}
