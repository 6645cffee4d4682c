package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

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
			t.row(strconv.Itoa(n), spread(s.values(wall), seconds), spread(lower.values(wall), seconds), spread(ratios(s, lower, wall), hundredths),
				fmt.Sprintf("%.2f", 1000*s.median(wallPerUser)), seconds(s.median(cpu)), seconds(lower.median(cpu)), hundredths(median(ratios(s, lower, cpu))),
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
		r.atMost(fmt.Sprintf("%d users%s: no-op plan at most twice its lower bound", most, with), median(ratios(s, lower, wall)), 2, "%.2f")
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
