// Package verify proves that what was applied works: it logs in with each kubeconfig, as its user would, and compares
// what the API server says with what the file says. It changes nothing.
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

const (
	// atOnce is how many users log in at a time: each is a TLS connection of its own.
	atOnce = 8
	// settle is how long a refusal is asked again: each API server learns of a new binding a little later.
	settle = 10 * time.Second
)

// Result is what was found for one user.
type Result struct {
	User        string
	Groups      []string // as the API server sees them
	NotAfter    time.Time
	Grants      int // that hold
	Differences []string
	Unreachable string // the one difference, when nobody answers at the server of her kubeconfig; most often it is everybody's
}

// OK says whether everything is as the file says.
func (r Result) OK() bool { return len(r.Differences) == 0 }

// Run verifies every user of desired. The results are in the order of desired.Users.
func Run(ctx context.Context, desired plan.Desired, client *cluster.Client, dir *outdir.Dir, timeout time.Duration, userAgent string) ([]Result, error) {
	probes, err := probesOf(ctx, desired, client)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(desired.Users))
	down := &servers{errs: map[string]error{}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, u := range desired.Users {
		g.Go(func() error {
			results[i] = user(ctx, u, desired.Set, probes, down, client, dir, timeout, userAgent)
			return ctx.Err()
		})
	}
	return results, g.Wait()
}

// probesOf finds the questions for every subject: one per grant.
func probesOf(ctx context.Context, desired plan.Desired, client *cluster.Client) (map[plan.Subject][]question, error) {
	type found struct {
		probe   cluster.Probe
		ok      bool
		missing string
	}
	own := map[plan.ObjectKey]bool{}
	for _, r := range desired.Roles {
		own[plan.ObjectKey{Namespace: r.Namespace, Name: r.Name}] = true
	}
	questions := make([]found, len(desired.Bindings))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, b := range desired.Bindings {
		g.Go(func() (err error) {
			questions[i].probe, questions[i].ok, err = client.Probe(ctx, b)
			if !errors.Is(err, cluster.ErrRoleMissing) {
				return err
			}
			key := plan.ObjectKey{Name: b.RoleRef.Name}
			if b.RoleRef.Kind == "Role" {
				key.Namespace = b.Namespace
			}
			questions[i].missing = err.Error() + ": create it, or define it under roles: in the users file"
			if own[key] {
				questions[i].missing = err.Error() + ": run `provision apply`"
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	probes := map[plan.Subject][]question{}
	for i, b := range desired.Bindings {
		if !questions[i].ok && questions[i].missing == "" {
			continue
		}
		for _, s := range b.Subjects {
			probes[s] = append(probes[s], question{questions[i].probe, strings.ToLower(b.RoleRef.Kind) + "/" + b.RoleRef.Name, questions[i].missing})
		}
	}
	return probes, nil
}

func user(ctx context.Context, u plan.User, set string, probes map[plan.Subject][]question, down *servers, client *cluster.Client, dir *outdir.Dir, timeout time.Duration, userAgent string) Result {
	want := u.Certificate
	r := Result{User: want.User}
	differ := func(format string, args ...any) { r.Differences = append(r.Differences, fmt.Sprintf(format, args...)) }
	files, err := dir.ObserveUser(want.User, set, client.UID())
	if err != nil {
		differ("%v", err)
		return r
	}
	if files.Certificate != nil {
		r.NotAfter = files.Certificate.NotAfter
	}
	entry, err := dir.ReadEntry(want.User, client.UID())
	if err != nil {
		differ("%v", err)
		return r
	}
	at := entry.Server + " " + entry.ProxyURL
	if err := down.err(at); err != nil {
		r.Unreachable = err.Error()
		differ("%v", err)
		return r
	}
	login, err := cluster.LogIn(entry, timeout, userAgent)
	if err != nil {
		differ("%v", err)
		return r
	}
	defer login.Close()
	name, groups, err := login.WhoAmI(ctx)
	if _, ok := errors.AsType[*cluster.UnreachableError](err); ok {
		r.Unreachable = err.Error()
		down.note(at, err)
	}
	if errors.Is(err, cluster.ErrLoginRefused) {
		differ("%s", refused(files.Certificate, time.Now()))
		return r
	}
	if err != nil {
		differ("%v", err)
		return r
	}
	r.Groups = groups
	if name != want.User {
		differ("the API server says user %q", name)
	}
	if !slices.Equal(groups, want.Groups) {
		differ("the API server says groups %q, the file says %q", strings.Join(groups, " "), strings.Join(want.Groups, " "))
	}
	questions := slices.Clone(probes[plan.Subject{Kind: "User", Name: want.User}])
	for _, g := range want.Groups {
		questions = append(questions, probes[plan.Subject{Kind: "Group", Name: g}]...)
	}
	for _, q := range questions {
		if q.missing != "" {
			differ("%s", q.missing)
			continue
		}
		ok, err := holds(ctx, login, q.probe)
		switch {
		case err != nil:
			differ("%v", err)
		case !ok:
			differ("may not %s, which %s grants", q.probe, q.role)
		default:
			r.Grants++
		}
	}
	return r
}

// question shows whether a grant of a role holds.
type question struct {
	probe   cluster.Probe
	role    string
	missing string // what is to be done about a role that is not there; then there is nothing to ask
}

// servers remembers where nobody answers: trying once is enough for everybody. It is safe for concurrent use.
type servers struct {
	mu   sync.Mutex
	errs map[string]error
}

func (s *servers) note(at string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs[at] = err
}

func (s *servers) err(at string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errs[at]
}

// refused says why the API server does not accept a certificate, where its own dates explain it.
func refused(c *plan.Certificate, now time.Time) string {
	const minute = "2006-01-02 15:04 UTC"
	switch {
	case c == nil:
	case !now.Before(c.NotAfter):
		return "expired " + c.NotAfter.UTC().Format(minute) + ": run `provision apply`"
	case now.Before(c.NotBefore):
		return "not valid before " + c.NotBefore.UTC().Format(minute) + ": check the clocks"
	}
	return cluster.ErrLoginRefused.Error()
}

// holds asks, and asks again for a while when the answer is no.
func holds(ctx context.Context, login *cluster.Login, q cluster.Probe) (bool, error) {
	within, done := context.WithTimeout(ctx, settle)
	defer done()
	for refused := false; ; refused = true {
		ok, err := login.May(within, q)
		if refused && within.Err() != nil && ctx.Err() == nil { // the time ended while it was asked once more
			return false, nil
		}
		if ok || err != nil {
			return ok, err
		}
		select {
		case <-within.Done():
			return false, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}
