package apply

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// ErrDirectoryGone is why a certificate is lost that was issued: there is nothing left to write it to.
var ErrDirectoryGone = errors.New("the output directory was removed while provision ran, and the private key with it")

// ErrNoTimeLeft is why nothing is asked for a user who ends, by the users file, before the shortest certificate would.
var ErrNoTimeLeft = errors.New("no certificate is short enough for the time that the users file leaves them")

// pipeline is one user's way to what the plan says: to a certificate in a kubeconfig, or to a kubeconfig that says something
// else of the cluster. Only one goroutine uses it.
type pipeline struct {
	*run
	user   plan.UserChange
	result *Result
	ticket *ticket // of the intent; nil where no certificate is asked for

	key    crypto.Signer       // stands in the journal until the kubeconfig is written; nil where it is sealed since an earlier run
	sealed credential.Sealed   // the key, where only its owner may have it: then it stands so in the journal, and the key itself nowhere
	spec   cluster.RequestSpec // what is asked for with the key
	sent   bool                // the API server may have the request
}

// newPipeline returns that of the i-th user of the plan. From here on the recorder expects the user's intent.
func (r *run) newPipeline(i int) *pipeline {
	p := &pipeline{run: r, user: r.plan.Users[i], result: &r.users[i]}
	if p.user.Certificate.Op != plan.Keep {
		p.ticket = r.record.expect()
	}
	return p
}

// perform brings the user to what the plan says, and fills their result. It calls entered, which may be called more than once,
// as soon as the request may be sent.
func (p *pipeline) perform(entered func()) {
	var err error
	if p.user.Certificate.Op == plan.Keep {
		err = p.rewrite()
	} else {
		err = p.certificate(entered)
	}
	if errors.Is(err, cluster.ErrUnavailable) {
		// Each further request would take as long to fail. Grants and removals do not wait for it.
		err = &StoppedError{err}
		p.stopIssuing(err)
	}
	p.settle(p.result, err)
	if p.result.Status == Failed { // and not one that was only stopped
		p.progress.failed.Add(1)
	}
	p.fatal(err)
}

// certificate goes from top to bottom:
//
//	key -> journal -> trial -> ledger -> create request -> approve -> wait -> judge -> write kubeconfig -> ledger -> drop journal
//
// A user who brings their own request enters behind the journal, and nothing of a key is here.
//
// A resumed user enters behind the creation, with the key in the journal. Until the kubeconfig is written the key stays
// there, so a crash at any instant loses nothing. A key that only its owner may have is sealed before the journal gets it, and is
// written nowhere but so.
func (p *pipeline) certificate(entered func()) error {
	defer p.ticket.skip()
	if err := p.takeKey(); err != nil {
		return err
	}
	leave, err := p.trial.enter(p.issuing)
	if err != nil {
		return errors.Join(stopped(p.issuing), p.forget())
	}
	defer leave()
	request, err := p.request(entered)
	if err != nil || p.opts.DryRun {
		return err
	}
	p.progress.await(1)
	certificate, err := p.watch.Wait(p.work, request.Ref())
	p.progress.await(-1)
	if err != nil {
		return p.ended(err)
	}
	p.progress.issue()
	return p.install(certificate)
}

// request returns the user's approved request: a new one, or that of an earlier try. Before it is sent, its intent stands in the
// ledger, and entered is called.
func (p *pipeline) request(entered func()) (cluster.Request, error) {
	if err := p.setLife(); err != nil {
		return cluster.Request{}, errors.Join(err, p.forget())
	}
	begin := func(ctx context.Context, _ cluster.RequestSpec) (cluster.Request, error) {
		if err := p.setLife(); err != nil { // it may have waited for its place
			return cluster.Request{}, err
		}
		return p.client.CreateRequest(ctx, p.spec)
	}
	if p.user.Certificate.Op == plan.Resume {
		begin = p.client.Resume
	}
	// The ledger should list what is resumed, but somebody may have deleted that since it was asked for.
	if p.record != nil && (p.user.Certificate.Op != plan.Resume || !p.ledger.Lists(p.spec.KeyHash)) {
		if err := p.ticket.intend(p.intent()); err != nil {
			if err = p.notListed(err); err != nil {
				return cluster.Request{}, err
			}
		}
	}
	p.ticket.skip()
	entered()
	request, err := p.approved(begin)
	if p.user.Request == nil && !p.opts.DryRun && !p.sent { // of an earlier try it is not known
		p.record.void(p.spec.KeyHash)
		err = errors.Join(err, p.forget())
	}
	return request, err
}

// setLife says for how long the certificate is asked, as late as that is possible: where its user ends, it is to end before that, and what
// the plan was asked about may be an hour ago.
func (p *pipeline) setLife() error {
	want := p.user.Certificate.After
	life, ok := want.Ask(p.client.ServerTime())
	if !ok {
		return fmt.Errorf("%w: until %s", ErrNoTimeLeft, want.Until.Format(time.RFC3339))
	}
	p.spec.Duration = life
	return nil
}

// approved makes or finds a request with begin and approves it, holding one place for both: were approvals to queue behind the
// creation of a thousand others, the signer would idle first and be late in the end. The request counts as sent unless the
// API server never had it: the run was told to stop before, or it was refused for good.
func (p *pipeline) approved(begin func(context.Context, cluster.RequestSpec) (cluster.Request, error)) (request cluster.Request, err error) {
	err = p.limited(p.issuing, p.requests, func() error {
		request, err = begin(p.work, p.spec)
		_, refused := errors.AsType[*cluster.RefusedError](err)
		if p.sent = !refused && !errors.Is(err, ErrNoTimeLeft); err != nil || p.opts.DryRun {
			return err
		}
		p.result.Status = Pending // from here on the next apply resumes
		if request.State() == plan.Pending {
			request, err = p.client.Approve(p.work, request, p.spec)
		}
		return err
	})
	return request, err
}

// install judges an issued certificate and writes it into the user's kubeconfig. Then the key leaves the journal.
func (p *pipeline) install(certificate []byte) error {
	entry, err := p.newEntry(certificate)
	if err != nil {
		return err
	}
	issued, err := p.judge(entry)
	if refusal, ok := errors.AsType[*credential.Refusal](err); ok {
		return p.refuse(issued, refusal)
	}
	if err != nil {
		return err
	}
	err = p.finish(p.disk, func() error {
		if err := p.reclaim(p.user); err != nil {
			return err
		}
		return p.files.Write(p.handedOut(entry), p.user.From)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", err, ErrDirectoryGone)
	}
	if err != nil {
		return err
	}
	p.result.NotBefore, p.result.NotAfter = issued.NotBefore, issued.NotAfter
	for _, ca := range issued.Further {
		p.result.CAEnds = append(p.result.CAEnds, ca.NotAfter)
	}
	p.record.outcome(complete(p.intent(), issued))
	return p.files.DropKey(p.user.Name)
}

// newEntry is what the user's kubeconfig will say with a new certificate (PEM).
func (p *pipeline) newEntry(certificate []byte) (credential.Entry, error) {
	if p.user.Own != nil {
		e := p.entry(certificate, nil)
		e.KeyFile = usersfile.KeyFileName(p.user.Name)
		return e, nil
	}
	if p.key == nil { // sealed since an earlier run
		return p.entry(certificate, nil), nil
	}
	key, err := credential.MarshalKey(p.key)
	return p.entry(certificate, key), err
}

// ended drops the key of a request of which no certificate will come to us, and returns err. One that was decided was never
// issued, so the ledger forgets it, unless it was sent before; one that somebody deleted may have been, unseen.
func (p *pipeline) ended(err error) error {
	_, decided := errors.AsType[*cluster.DecidedError](err)
	if decided && !p.resent() {
		p.record.void(p.spec.KeyHash)
	}
	if decided || errors.Is(err, cluster.ErrGone) {
		return errors.Join(err, p.files.DropKey(p.user.Name))
	}
	return err
}

// forget drops the key that was made for a request which was never sent.
func (p *pipeline) forget() error {
	if p.user.Request != nil || p.opts.DryRun {
		return nil
	}
	return p.files.DropKey(p.user.Name)
}

// intent is the ledger's record of the request.
func (p *pipeline) intent() plan.Record {
	return plan.Record{
		User: p.spec.User, Groups: p.spec.Groups, KeyHash: p.spec.KeyHash, Request: p.spec.Name, Duration: p.spec.Duration,
		Intended: p.began, By: p.client.Username(), Digest: p.plan.Digest, Resent: p.resent(), Own: p.user.Own != nil, SealedTo: p.sealed.To,
	}
}

// resent reports whether an earlier run may have sent the request too. Nobody saw what came of that, so a certificate of it may
// exist whatever becomes of this one.
func (p *pipeline) resent() bool { return p.user.Request != nil && p.user.Request.Resent }

// notListed is the error of a user of whom the ledger cannot take note: nothing is asked for that it does not list. It is
// everybody's, so the first tells it, and the others are not started. A dry run tells it and asks on.
func (r *run) notListed(err error) error {
	err = fmt.Errorf("nothing is asked for that the ledger does not list: %w", err)
	told := &StoppedError{err}
	var first error = told
	r.unlisted.Do(func() {
		first = err
		if r.opts.DryRun {
			r.unrecorded = err
		}
	})
	if r.opts.DryRun {
		return nil
	}
	return first
}
