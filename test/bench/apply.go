package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Names of the programs that are compared.
const (
	minimalEach       = "minimal client, a binding each"
	minimalShared     = "minimal client, shared bindings"
	provisionName     = "provision apply"
	provisionInMemory = "provision apply, kubeconfigs in memory"
	planName          = "provision plan"
	minimalName       = "its lower bound"
	bareName          = "the lists, and the files read but not decoded"
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
	memory, err := os.MkdirTemp(inMemory, "provision-bench-")
	if err != nil {
		r.note("the files in memory are not measured: %s", err)
	} else {
		defer os.RemoveAll(memory)
	}
	warm, err := b.apply(b.temp, "warm-up", b.users/2, "ECDSA-P256") // as the minimal client had
	if err != nil {
		return err
	}
	if _, err := b.run(ctx, p, &result{}, 0, warm); err != nil {
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
		if memory != "" { // where a sync costs nothing, as to the minimal client, which writes no file
			apply, err := b.apply(memory, set, b.users, "ECDSA-P256")
			if err != nil {
				return err
			}
			apply.name = provisionInMemory
			commands = append(commands, apply)
		}
		for i := range commands { // each is first, second, third in turn
			if _, err := b.run(ctx, p, r, round+1, commands[(i+round)%len(commands)]); err != nil {
				return err
			}
		}
	}
	r.compare(fmt.Sprintf("Apply of %d users", b.users), b.users, minimalEach, provisionName, provisionInMemory, minimalShared)
	r.requestTable(b.users, provisionName, minimalEach, minimalShared)
	each, ours := r.Samples.of(minimalEach, b.users), r.Samples.of(provisionName, b.users)
	r.atLeast("raised signer: at least 0.95 of the lower bound's throughput, one binding per user", median(ratios(each, ours, wall)), 0.95, "%.2f")
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
	most := 100 + float64(users)/100
	r.Targets = append(r.Targets, target{fmt.Sprintf("%d users: 2 requests per user (create, approve), everything else O(1) per set and page of a list: at most %.0f", users, most),
		fmt.Sprintf("%.3f per user, and %.0f others in the whole run", per, others), per <= 2 && others <= most})
}

// compare makes the table of a comparison. The first name is the yardstick.
func (r *result) compare(title string, users int, names ...string) {
	t := r.table(title, "", "wall s", "users/s", "throughput against the first", "CPU ms per user", "the servers' CPU ms per user", "peak memory", "requests per user")
	yardstick := r.Samples.of(names[0], users)
	for _, name := range names {
		s := r.Samples.of(name, users)
		if len(s) == 0 {
			continue
		}
		t.row(name, spread(s.values(wall), seconds), fmt.Sprintf("%.0f", float64(users)/s.median(wall)),
			spread(ratios(yardstick, s, wall), hundredths), fmt.Sprintf("%.2f", 1000*s.median(cpuPerUser)),
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
		t.row(s[0].Name, spread(s.values(wall), seconds), fmt.Sprintf("%.3f", s.median(wall)/bound), spread(ratios(s, lower, wall), thousandths),
			fmt.Sprintf("%.1f", float64(b.users)/s.median(wall)), seconds(s.median(cpu)), megabytes(s.median(rss)))
	}
	r.atMost(fmt.Sprintf("stock signer, %d users: at most 1.02 of the lower bound's wall time", b.users), median(ratios(ours, lower, wall)), 1.02, "%.3f")
	return nil
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
	r.atMost(fmt.Sprintf("RSA-3072, %d users: within 1.1 of making the keys alone", b.rsaUsers), median(ratios(ours, keys, wall)), 1.1, "%.2f")
	r.note("cores in use by provision: %.2f of %d; by the keys alone: %.2f", ours.median(func(s sample) float64 { return s.CPU / s.Wall }), runtime.NumCPU(),
		keys.median(func(s sample) float64 { return s.CPU / s.Wall }))
	return nil
}

// spread is the median, with the least and the greatest.
func spread(list []float64, format func(float64) string) string {
	if len(list) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%s-%s)", format(median(list)), format(slices.Min(list)), format(slices.Max(list)))
}

func seconds(s float64) string      { return hundredths(s) }
func hundredths(n float64) string   { return fmt.Sprintf("%.2f", n) }
func thousandths(n float64) string  { return fmt.Sprintf("%.3f", n) }
func milliseconds(s float64) string { return fmt.Sprintf("%.0f", 1000*s) }
func megabytes(n float64) string    { return fmt.Sprintf("%.0f MB", n/1e6) }
