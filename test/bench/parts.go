package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the programs that are compared.
const (
	minimalEach   = "minimal client, a binding each"
	minimalShared = "minimal client, shared bindings"
	provisionName = "provision apply"
	planName      = "provision plan"
	minimalName   = "its lower bound"
	bareName      = "the lists, and the files read but not decoded"
)

// folder makes a fresh folder.
func (b *bench) folder() (string, error) { return os.MkdirTemp(b.temp, "run-") }

// apply is `provision apply --yes` of n users into an empty directory, in a fresh folder below in. The folders stay until
// the part ends: an ext4 without a journal looks at every file deleted in the last minutes before it makes a new one,
// and a round must not pay for the one before.
func (b *bench) apply(in, set string, n int, algorithm string) (command, error) {
	dir, err := os.MkdirTemp(in, "run-")
	if err != nil {
		return command{}, err
	}
	return command{name: provisionName, users: n, dir: dir, argv: []string{b.binary, "apply", "--yes"}}, writeUsers(dir, set, n, algorithm)
}

func (b *bench) minimal(name, set string, n int, flags ...string) command {
	argv := append([]string{b.self, "minimal-client", "-n", strconv.Itoa(n), "-set", set}, flags...)
	return command{name: name, users: n, argv: argv}
}

// run measures one command and tells how it went. Before it the servers are at rest and hold nothing of earlier runs.
func (b *bench) run(ctx context.Context, p *plane, r *result, round int, c command) (sample, error) {
	if err := p.clean(ctx); err != nil {
		return sample{}, err
	}
	return b.runOn(ctx, p, r, round, c)
}

// runOn is run on what is there.
func (b *bench) runOn(ctx context.Context, p *plane, r *result, round int, c command) (sample, error) {
	s, err := p.measure(ctx, c)
	if err != nil {
		return s, err
	}
	s.Round = round
	r.Samples = append(r.Samples, s)
	fmt.Fprintf(b.log, "round %d: %s, %d users: %.2f s, %.0f ms CPU, %s\n", round, s.Name, s.Users, s.Wall, 1000*s.CPU, megabytes(float64(s.RSS)))
	return s, nil
}

// raised compares with a signer that has no limit of its own: then requests are all that counts.
func (b *bench) raised(ctx context.Context, r *result) error {
	r.About = fmt.Sprintf("%d users, kube-controller-manager with `%s`, fresh set and empty directory in each of %d rounds.\n"+
		"Requests are the API server's own count (`apiserver_request_total`), without what the signer writes and without leases.",
		b.users, strings.Join(raisedLimit, " "), b.rounds)
	p, err := b.startPlane(ctx, raisedLimit...)
	if err != nil {
		return err
	}
	defer p.Stop()
	workers, err := b.tune(ctx, p, r)
	if err != nil {
		return err
	}
	for round := range b.rounds {
		set := fmt.Sprintf("raised-%d", round)
		apply, err := b.apply(b.temp, set, b.users, "ECDSA-P256")
		if err != nil {
			return err
		}
		commands := []command{
			b.minimal(minimalEach, set, b.users, "-binding-each", "-workers", strconv.Itoa(workers)),
			apply,
			b.minimal(minimalShared, set, b.users, "-workers", strconv.Itoa(workers)),
		}
		for i := range commands { // each is first, second and third in turn
			if _, err := b.run(ctx, p, r, round+1, commands[(i+round)%len(commands)]); err != nil {
				return err
			}
		}
	}
	r.compare(fmt.Sprintf("Apply of %d users", b.users), b.users, minimalEach, provisionName, minimalShared)
	r.requestTable(b.users, provisionName, minimalEach, minimalShared)
	each, ours := r.Samples.of(minimalEach, b.users), r.Samples.of(provisionName, b.users)
	r.atLeast("raised signer: at least 0.95 of the lower bound's throughput, one binding per user", each.median(wall)/ours.median(wall), 0.95, "%.2f")
	r.perUserTarget(ours)
	return nil
}

// tune finds how many workers make the minimal client fastest: it is the yardstick.
func (b *bench) tune(ctx context.Context, p *plane, r *result) (int, error) {
	n := max(b.users/2, 50)
	if _, err := b.run(ctx, p, &result{}, 0, b.minimal("warm-up", "warm-up", n)); err != nil {
		return 0, err
	}
	if b.workers > 0 {
		return b.workers, nil
	}
	t := r.table(fmt.Sprintf("The minimal client's workers, %d users each", n), "workers", "s")
	best, least := 0, math.Inf(1)
	for _, workers := range []int{4, 8, 16, 32, 64} {
		set := fmt.Sprintf("tune-%d", workers)
		s, err := b.run(ctx, p, &result{}, 0, b.minimal(fmt.Sprintf("minimal client, %d workers", workers), set, n, "-binding-each", "-workers", strconv.Itoa(workers)))
		if err != nil {
			return 0, err
		}
		t.row(strconv.Itoa(workers), seconds(s.Wall))
		if s.Wall < least {
			best, least = workers, s.Wall
		}
	}
	r.note("the minimal client runs with %d workers, its fastest here, one connection and protobuf", best)
	return best, nil
}

// perUserTarget judges the number of requests, which does not depend on the machine.
func (r *result) perUserTarget(runs samples) {
	per := runs.median(func(s sample) float64 {
		created, approved, _ := s.counts()
		return float64(created+approved) / float64(s.Users)
	})
	users := runs[0].Users
	others := runs.median(otherRequests)
	// A list has a page for each 500 users, the ledger a ConfigMap for each 1,000.
	most := 60 + float64(users)/50
	r.Targets = append(r.Targets, target{fmt.Sprintf("%d users: 2 requests per user (create, approve), everything else O(1) per set and page of a list: at most %.0f", users, most),
		fmt.Sprintf("%.3f per user, and %.0f others in the whole run", per, others), per <= 2 && others <= most})
}

// compare makes the table of a comparison. The first name is the yardstick.
func (r *result) compare(title string, users int, names ...string) {
	t := r.table(title, "", "wall s", "users/s", "throughput against the first", "CPU ms per user", "the servers' CPU ms per user", "peak memory", "requests per user")
	yardstick := r.Samples.of(names[0], users).median(wall)
	for _, name := range names {
		s := r.Samples.of(name, users)
		if len(s) == 0 {
			continue
		}
		t.row(name, spread(s.values(wall), seconds), fmt.Sprintf("%.0f", float64(users)/s.median(wall)),
			fmt.Sprintf("%.2f", yardstick/s.median(wall)), fmt.Sprintf("%.2f", 1000*s.median(cpuPerUser)),
			fmt.Sprintf("%.2f", 1000*s.median(serversPerUser)), megabytes(s.median(rss)), fmt.Sprintf("%.3f", s.median(requestsPerUser)))
	}
}

// requestTable says which requests there were.
func (r *result) requestTable(users int, names ...string) {
	found := map[string]bool{}
	for _, s := range r.Samples {
		for name := range s.Requests {
			found[name] = true
		}
	}
	t := r.table(fmt.Sprintf("Requests of one run with %d users, as the API server counts them (median of the rounds)", users),
		append([]string{"request"}, names...)...)
	for _, request := range slices.Sorted(maps.Keys(found)) {
		cells := []string{request}
		if request == signerWrites {
			cells[0] += " (the signer's)"
		} else if strings.HasSuffix(request, leases) {
			cells[0] += " (also the servers' own)"
		}
		for _, name := range names {
			cells = append(cells, fmt.Sprintf("%.0f", r.Samples.of(name, users).median(func(s sample) float64 { return float64(s.Requests[request]) })))
		}
		t.row(cells...)
	}
	refused := 0
	for _, s := range r.Samples {
		refused += s.Refused
	}
	r.note("requests refused by priority and fairness (429): %d", refused)
}

// stock compares with the signer as it is shipped: 30 at once, then 20 a second.
func (b *bench) stock(ctx context.Context, r *result) error {
	bound := float64(b.users-30) / 20
	r.About = fmt.Sprintf("%d users, kube-controller-manager as it is shipped: 30 certificates at once, then 20 a second, so at least\n"+
		"(n-30)/20 = %.1f s. Before each round the signer was idle for %.0f s, so that it may issue 30 at once again.", b.users, bound, bucketFull.Seconds())
	p, err := b.startPlane(ctx)
	if err != nil {
		return err
	}
	defer p.Stop()
	if _, err := b.run(ctx, p, &result{}, 0, b.minimal("warm-up", "warm-up", 30)); err != nil {
		return err
	}
	for round := range b.rounds {
		set := fmt.Sprintf("stock-%d", round)
		apply, err := b.apply(b.temp, set, b.users, "ECDSA-P256")
		if err != nil {
			return err
		}
		commands := []command{b.minimal(minimalEach, set, b.users, "-binding-each"), apply}
		for i := range commands {
			if err := p.clean(ctx); err != nil {
				return err
			}
			if err := pause(ctx, bucketFull); err != nil {
				return err
			}
			if _, err := b.runOn(ctx, p, r, round+1, commands[(i+round)%2]); err != nil {
				return err
			}
		}
	}
	t := r.table(fmt.Sprintf("Apply of %d users", b.users), "", "wall s", "against (n-30)/20", "against the lower bound", "users/s", "CPU s", "peak memory")
	lower, ours := r.Samples.of(minimalEach, b.users), r.Samples.of(provisionName, b.users)
	for _, s := range []samples{lower, ours} {
		t.row(s[0].Name, spread(s.values(wall), seconds), fmt.Sprintf("%.3f", s.median(wall)/bound), fmt.Sprintf("%.3f", s.median(wall)/lower.median(wall)),
			fmt.Sprintf("%.1f", float64(b.users)/s.median(wall)), seconds(s.median(cpu)), megabytes(s.median(rss)))
	}
	r.atMost(fmt.Sprintf("stock signer, %d users: at most 1.02 of the lower bound's wall time", b.users), ours.median(wall)/lower.median(wall), 1.02, "%.3f")
	return nil
}

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

// curve shows whether a user costs the same in a large set as in a small one.
func (b *bench) curve(ctx context.Context, r *result) error {
	r.About = "Apply with the raised signer, in ascending and then in descending order of sizes; the minimal client (shared bindings) between\n" +
		"them. After the first apply of each size, a plan that finds nothing to do, beside its own lower bound: the same lists through client-go\n" +
		"in protobuf, and the same files read and decoded with clientcmd and crypto/x509; once with the users' requests still in the cluster, as in the\n" +
		"first hour or two after an apply, and once without them, as later."
	p, err := b.startPlane(ctx, raisedLimit...)
	if err != nil {
		return err
	}
	defer p.Stop()
	if _, err := b.run(ctx, p, &result{}, 0, b.minimal("warm-up", "warm-up", b.sizes[0])); err != nil {
		return err
	}
	for i, n := range b.sizes {
		if err := b.applyOnce(ctx, p, r, 1, fmt.Sprintf("up-%d", i), n, true); err != nil {
			return err
		}
	}
	for i, n := range b.sizes {
		if _, err := b.run(ctx, p, r, 1, b.minimal(minimalShared, fmt.Sprintf("minimal-%d", i), n)); err != nil {
			return err
		}
	}
	for i, n := range slices.Backward(b.sizes) {
		if err := b.applyOnce(ctx, p, r, 2, fmt.Sprintf("down-%d", i), n, false); err != nil {
			return err
		}
	}
	b.curveTables(r)
	return nil
}

// applyOnce applies n users and, if it is asked to, measures the plan after it.
func (b *bench) applyOnce(ctx context.Context, p *plane, r *result, round int, set string, n int, plan bool) error {
	apply, err := b.apply(b.temp, set, n, "ECDSA-P256")
	if err != nil {
		return err
	}
	if _, err := b.run(ctx, p, r, round, apply); err != nil || !plan {
		return err
	}
	for _, with := range []string{withRequests, withoutRequests} {
		if with == withoutRequests {
			if err := p.deleteRequests(ctx); err != nil {
				return err
			}
		}
		if err := p.quiet(ctx); err != nil {
			return err
		}
		for round := range b.rounds {
			commands := []command{
				{name: minimalName + with, users: n, dir: apply.dir, argv: []string{b.self, "minimal-plan", "-set", set}},
				{name: planName + with, users: n, dir: apply.dir, argv: []string{b.binary, "plan", "--detailed-exitcode"}},
				{name: bareName + with, users: n, dir: apply.dir, argv: []string{b.self, "minimal-plan", "-set", set, "-decode=false"}},
			}
			for i := range commands {
				if _, err := b.runOn(ctx, p, r, round+1, commands[(i+round)%len(commands)]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

const (
	withRequests    = ", requests there"
	withoutRequests = ", requests gone"
)

func (b *bench) curveTables(r *result) {
	t := r.table("Apply, raised signer", "users", "wall s", "ms per user", "CPU ms per user", "the servers' CPU ms per user", "peak memory", "requests per user", "minimal client, ms per user")
	for _, n := range b.sizes {
		s := r.Samples.of(provisionName, n)
		t.row(strconv.Itoa(n), spread(s.values(wall), seconds), fmt.Sprintf("%.2f", 1000*s.median(wallPerUser)), fmt.Sprintf("%.2f", 1000*s.median(cpuPerUser)),
			fmt.Sprintf("%.2f", 1000*s.median(serversPerUser)), megabytes(s.median(rss)), fmt.Sprintf("%.3f", s.median(requestsPerUser)),
			fmt.Sprintf("%.2f", 1000*r.Samples.of(minimalShared, n).median(wallPerUser)))
	}
	for _, with := range []string{withRequests, withoutRequests} {
		t := r.table("Plan with nothing to do"+with, "users", "wall s", "lower bound s", "ratio", "ms per user", "CPU s", "lower bound's CPU s", "ratio", "peak memory", "lower bound's peak memory", "without decoding s", "requests")
		for _, n := range b.sizes {
			s, lower := r.Samples.of(planName+with, n), r.Samples.of(minimalName+with, n)
			t.row(strconv.Itoa(n), spread(s.values(wall), seconds), spread(lower.values(wall), seconds), fmt.Sprintf("%.2f", s.median(wall)/lower.median(wall)),
				fmt.Sprintf("%.2f", 1000*s.median(wallPerUser)), seconds(s.median(cpu)), seconds(lower.median(cpu)), fmt.Sprintf("%.2f", s.median(cpu)/lower.median(cpu)),
				megabytes(s.median(rss)), megabytes(lower.median(rss)),
				seconds(r.Samples.of(bareName+with, n).median(wall)), fmt.Sprintf("%.0f", s.median(otherRequests)))
		}
	}
	most := b.sizes[len(b.sizes)-1]
	applied := r.Samples.of(provisionName, most)
	r.atMost(fmt.Sprintf("%d users: apply's peak memory at most 300 MB", most), applied.median(rss)/1e6, 300, "%.0f MB")
	r.perUserTarget(applied)
	for _, with := range []string{withRequests, withoutRequests} {
		s, lower := r.Samples.of(planName+with, most), r.Samples.of(minimalName+with, most)
		r.atMost(fmt.Sprintf("%d users%s: no-op plan at most twice its lower bound", most, with), s.median(wall)/lower.median(wall), 2, "%.2f")
		r.atMost(fmt.Sprintf("%d users%s: no-op plan's peak memory at most 250 MB", most, with), s.median(rss)/1e6, 250, "%.0f MB")
	}
	if slices.Contains(b.sizes, 1000) && most > 1000 {
		for _, name := range []string{provisionName, planName + withRequests, planName + withoutRequests} {
			ratio := r.Samples.of(name, most).median(wallPerUser) / r.Samples.of(name, 1000).median(wallPerUser)
			r.atMost(fmt.Sprintf("%s: cost per user at %d at most 1.1 of that at 1000", name, most), ratio, 1.1, "%.2f")
		}
		r.note("the minimal client's own cost per user at %d is %.2f of that at 1000", most,
			r.Samples.of(minimalShared, most).median(wallPerUser)/r.Samples.of(minimalShared, 1000).median(wallPerUser))
	}
}

// rsa compares with making the keys alone.
func (b *bench) rsa(ctx context.Context, r *result) error {
	r.About = fmt.Sprintf("%d users with RSA-3072 keys, raised signer, against making %d such keys on all cores and nothing else.\n"+
		"How long a key takes is chance, so the rounds differ.", b.rsaUsers, b.rsaUsers)
	p, err := b.startPlane(ctx, raisedLimit...)
	if err != nil {
		return err
	}
	defer p.Stop()
	const alone = "the keys alone"
	for round := range b.rounds {
		apply, err := b.apply(b.temp, fmt.Sprintf("rsa-%d", round), b.rsaUsers, "RSA-3072")
		if err != nil {
			return err
		}
		commands := []command{{name: alone, users: b.rsaUsers, argv: []string{b.self, "keys-alone", "-n", strconv.Itoa(b.rsaUsers)}}, apply}
		for i := range commands {
			if _, err := b.run(ctx, p, r, round+1, commands[(i+round)%2]); err != nil {
				return err
			}
		}
	}
	r.compare(fmt.Sprintf("%d users with RSA-3072", b.rsaUsers), b.rsaUsers, alone, provisionName)
	keys, ours := r.Samples.of(alone, 0), r.Samples.of(provisionName, 0)
	r.atMost(fmt.Sprintf("RSA-3072, %d users: within 1.1 of making the keys alone", b.rsaUsers), ours.median(wall)/keys.median(wall), 1.1, "%.2f")
	r.note("cores in use by provision: %.2f of %d; by the keys alone: %.2f", ours.median(func(s sample) float64 { return s.CPU / s.Wall }), runtime.NumCPU(),
		keys.median(func(s sample) float64 { return s.CPU / s.Wall }))
	return nil
}

// durable compares a directory on the disk with one in memory, where a sync costs nothing.
func (b *bench) durable(ctx context.Context, r *result) error {
	const memory = "/dev/shm"
	r.About = fmt.Sprintf("%d users, raised signer, the output directory on the disk (%s) and in memory (%s), where a sync costs nothing: the difference is what\n"+
		"the disk and the syncs cost. The servers' own data is on the disk in both; etcd does not sync here.", b.users, filepath.Dir(b.temp), memory)
	inMemory, err := os.MkdirTemp(memory, "provision-bench-")
	if errors.Is(err, fs.ErrNotExist) {
		r.note("not measured: this machine has no %s", memory)
		return nil
	}
	if err != nil {
		return err
	}
	defer os.RemoveAll(inMemory)
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
		shm, err := b.apply(inMemory, set, b.users, "ECDSA-P256")
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

// spread is the median, with the least and the greatest.
func spread(list []float64, format func(float64) string) string {
	if len(list) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%s-%s)", format(median(list)), format(slices.Min(list)), format(slices.Max(list)))
}

func seconds(s float64) string      { return fmt.Sprintf("%.2f", s) }
func milliseconds(s float64) string { return fmt.Sprintf("%.0f", 1000*s) }
func megabytes(n float64) string    { return fmt.Sprintf("%.0f MB", n/1e6) }
