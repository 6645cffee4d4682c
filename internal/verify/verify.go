// Package verify proves that what was applied works: it logs in with each kubeconfig, as its user would, and compares
// what the API server says with what the file says. It changes nothing, and makes no sentences: a difference is a code with
// values, and package view says it in words.
package verify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// atOnce is how many users log in at a time: each is a TLS connection of its own.
const atOnce = 8

// run is the verification of the users of one set. It is safe for concurrent use.
type run struct {
	client    *cluster.Client
	files     outdir.Set
	questions map[plan.Subject][]question
	members   map[string]bool // groups that the file binds to their members
	servers   *servers
	known     func() (plan.Observed, error) // see backing; it is asked for once, and only where a key is not here
}

// Run verifies every user of desired. The results are in the order of desired.Users. The
// error is one of asking as the operator, or that of ctx: what goes wrong as a user is a difference.
func Run(ctx context.Context, desired plan.Desired, client *cluster.Client, dir *outdir.Dir) ([]Result, error) {
	questions, err := questionsOf(ctx, desired, client)
	if err != nil {
		return nil, err
	}
	r := &run{client: client, files: dir.Of(desired.Set, client.UID()), questions: questions, members: desired.Members, servers: newServers()}
	r.known = sync.OnceValues(func() (plan.Observed, error) { return r.backing(ctx, desired) })
	results := make([]Result, len(desired.Users))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, u := range desired.Users {
		g.Go(func() error {
			results[i] = r.user(ctx, u.Certificate)
			return ctx.Err()
		})
	}
	return results, g.Wait()
}

// user verifies one user, who is to have the certificate want: reads the kubeconfig, logs in with it, and asks about every grant.
// Where the private key is not in the kubeconfig, what proves as much without it takes the place of the login.
func (r *run) user(ctx context.Context, want plan.Certificate) Result {
	result := Result{User: want.User}
	file, err := r.files.ObserveUser(want.User)
	if err != nil {
		result.differs(failed(err))
		return result
	}
	if file.Certificate != nil {
		result.NotAfter = file.Certificate.NotAfter
	}
	if d := keyElsewhere(file.Certificate, want); d != nil {
		result.differs(*d)
	}
	if c := file.Certificate; c != nil && c.Key != plan.KeyHere {
		result.Key = c.Key
		r.withoutKey(ctx, &result, want, file)
		return result
	}
	entry, err := r.files.Entry(want.User)
	if err != nil {
		result.differs(failed(err))
		return result
	}
	if err := r.servers.err(addressOf(entry)); err != nil {
		result.differs(Difference{Code: NotReached, Err: err})
		return result
	}
	login, err := r.client.LogIn(entry)
	if err != nil {
		result.differs(failed(err))
		return result
	}
	defer login.Close()
	who, d := r.logIn(ctx, login, entry, file.Certificate)
	if d != nil {
		result.differs(*d)
		return result
	}
	r.current(&result, file)
	result.Groups = who.Groups
	ask := login.May
	switch {
	case !who.Reviewed:
		result.differs(Difference{Code: MayNotAsk})
		// The operator may ask about them.
		ask = func(ctx context.Context, p cluster.Probe) (bool, error) {
			return r.client.May(ctx, want.User, want.Groups, p)
		}
	case !plan.Fit(r.members, who.Groups, want.Groups):
		result.differs(Difference{Code: OtherGroups, Groups: who.Groups, Wanted: want.Groups})
	}
	r.grants(ctx, &result, want, ask)
	return result
}

// logIn finds out whom the API server takes the user of a kubeconfig for. A difference is why that is not known.
func (r *run) logIn(ctx context.Context, login *cluster.Login, entry credential.Entry, c *plan.Certificate) (cluster.Identity, *Difference) {
	at := addressOf(entry)
	who, err := login.WhoAmI(ctx)
	if errors.Is(err, cluster.ErrLoginRefused) {
		d := refused(c, r.client.ServerTime())
		if d.Code == Refused && !r.servers.refuses(at) {
			err = r.client.ProveAgain(ctx, entry)
			r.servers.noteRefusal(at, errors.Is(err, cluster.ErrLoginRefused))
		}
		if errors.Is(err, cluster.ErrLoginRefused) {
			return who, &d
		}
	}
	if err == nil {
		return who, nil
	}
	_, unreachable := errors.AsType[*cluster.UnreachableError](err)
	_, disagree := errors.AsType[*cluster.DisagreeError](err)
	d := failed(err)
	switch {
	case unreachable:
		r.servers.note(at, err)
		d.Code = NotReached
	case disagree:
		d.Code = Disagree
	case cluster.IsFront(err):
		d.Code = NotArrived
	}
	return who, &d
}

// refused is the difference of a certificate that the API server refuses: its own dates may explain it.
func refused(c *plan.Certificate, now time.Time) Difference {
	switch {
	case c == nil:
	case !now.Before(c.NotAfter):
		return Difference{Code: Expired, At: c.NotAfter}
	case now.Before(c.NotBefore):
		return Difference{Code: NotYetValid, At: c.NotBefore}
	}
	return Difference{Code: Refused}
}

// current notes what kubectl uses of a kubeconfig that it is given without a context, if that is not what was verified. Where it
// is an entry for another cluster at the same address, it cannot work: that cluster is no more.
func (r *run) current(result *Result, f plan.File) {
	now := f.Current
	switch {
	case now.Context == f.Kubeconfig.Context:
	case now.Context != "" && now.Server == f.Kubeconfig.Endpoint.Server && now.Cluster != "" && now.Cluster != r.client.UID():
		result.differs(Difference{Code: OtherCluster, Other: now})
	default:
		result.Current = &OtherCurrent{f.Name, now.Context, now.Server, f.Kubeconfig.Context}
	}
}

// grants asks one question for each grant that the user is to have, by name or through a group.
func (r *run) grants(ctx context.Context, result *Result, want plan.Certificate, ask func(context.Context, cluster.Probe) (bool, error)) {
	questions := slices.Clone(r.questions[plan.Subject{Kind: "User", Name: want.User}])
	for _, g := range want.Groups {
		questions = append(questions, r.questions[plan.Subject{Kind: "Group", Name: g}]...)
	}
	for _, q := range questions {
		if q.missing != nil {
			result.differs(*q.missing)
			continue
		}
		ok, err := holds(ctx, ask, q.probe)
		switch {
		case err != nil:
			result.differs(failed(err))
		case !ok:
			result.differs(Difference{Code: MayNot, Probe: q.probe, Role: q.role})
		default:
			result.Grants++
		}
	}
}
