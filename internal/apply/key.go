package apply

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/recipient"
)

// takeKey takes the user's key, which stands in the journal from then on, and says what is to be asked for with it. The key is
// a new one, or that of an earlier try.
func (p *pipeline) takeKey() error {
	want := p.user.Certificate.After
	p.spec = cluster.RequestSpec{Set: p.plan.Set, User: want.User, Groups: want.Groups, Duration: want.Duration}
	if p.user.Own != nil {
		p.spec.PEM, p.spec.KeyHash = p.user.Own, want.KeyHash
		p.spec.Name = plan.RequestName(p.plan.Set, want.User, want.KeyHash)
		return nil
	}
	if p.user.Request != nil {
		if err := p.takeKept(); err != nil {
			return err
		}
	}
	if err := p.limited(p.issuing, p.cpu, p.prepareRequest); err != nil {
		return err
	}
	p.spec.Name = plan.RequestName(p.plan.Set, want.User, p.spec.KeyHash)
	if p.user.Certificate.Op == plan.Resume {
		p.spec.Name = p.user.Request.Name
	}
	if p.user.Request != nil || p.opts.DryRun {
		return nil
	}
	return p.limited(p.issuing, p.disk, p.remember)
}

// takeKept takes the key of an earlier try out of the journal. With one that is sealed goes the request that was made with it:
// there can be no other.
func (p *pipeline) takeKept() error {
	kept, err := p.files.ReadKey(p.user.Name)
	if err != nil {
		return err
	}
	if kept.SealedKey == "" {
		p.key, err = credential.ParseKey([]byte(kept.PEM))
		return err
	}
	p.sealed = credential.Sealed{Key: kept.SealedKey, To: kept.SealedTo}
	asked, err := credential.VerifyRequest([]byte(kept.Asked))
	if err != nil {
		return fmt.Errorf("the request in the journal: %w", err)
	}
	if asked.User != p.spec.User || !slices.Equal(asked.Groups, p.spec.Groups) {
		return errors.New("the request in the journal asks for something else than the plan: plan again")
	}
	p.spec.PEM, p.spec.KeyHash = []byte(kept.Asked), asked.KeyHash
	return nil
}

// prepareRequest makes the key, if there is none yet, seals it if it is to be sealed, and makes the request for it.
func (p *pipeline) prepareRequest() (err error) {
	if p.sealed.Key != "" {
		return nil
	}
	want := p.user.Certificate.After
	if p.key == nil {
		if p.key, err = credential.NewKey(want.KeyAlgorithm); err != nil {
			return err
		}
	}
	if want.Key == plan.KeySealed {
		if err := p.seal(want.SealedTo); err != nil {
			return err
		}
	}
	if p.spec.KeyHash, err = credential.KeyHash(p.key.Public()); err != nil {
		return err
	}
	p.spec.PEM, err = credential.NewRequest(p.key, want.User, want.Groups)
	return err
}

// seal seals the key, before anything of it is written.
func (p *pipeline) seal(to []recipient.Recipient) error {
	pem, err := credential.MarshalKey(p.key)
	if err == nil {
		p.sealed, err = credential.Seal(pem, to)
	}
	return err
}

// remember puts the key into the journal, before anything is asked for with it.
func (p *pipeline) remember() error {
	entry := outdir.JournalEntry{User: p.user.Name, Request: p.spec.Name, Created: time.Now().UTC()}
	if p.sealed.Key != "" {
		entry.SealedKey, entry.SealedTo, entry.Asked = p.sealed.Key, p.sealed.To, string(p.spec.PEM)
		return p.files.WriteKey(entry)
	}
	pem, err := credential.MarshalKey(p.key)
	if err != nil {
		return err
	}
	entry.PEM = string(pem)
	return p.files.WriteKey(entry)
}
