package apply

import (
	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// rewrite changes what a kubeconfig says of the cluster and keeps its certificate.
func (p *pipeline) rewrite() error {
	return p.limited(p.start, p.disk, func() error {
		if p.opts.DryRun {
			return nil
		}
		if err := p.reclaim(p.user); err != nil {
			return err
		}
		err := p.files.Rewrite(p.entry(nil, nil), p.user.Certificate.Before.KeyHash)
		if err != nil || !p.user.Abandon {
			return err
		}
		return p.files.DropKey(p.user.Name)
	})
}

// reclaim puts the owner's mark back into a user's kubeconfig, where the plan says so.
func (r *run) reclaim(u plan.UserChange) error {
	if u.Reclaim == "" {
		return nil
	}
	owner := credential.Owner{User: u.Name}
	if c := u.Certificate.Before; c != nil {
		owner.Duration = c.Duration
	}
	return r.files.Mark(owner, u.Reclaim)
}

// entry is what the user's kubeconfig will say. certificate and key are PEM, and nil where they stay as they are.
func (p *pipeline) entry(certificate, key []byte) credential.Entry {
	k := p.user.Kubeconfig.After
	e := credential.Entry{
		Owner:       credential.Owner{User: p.user.Name},
		Context:     k.Context,
		Namespace:   k.Namespace,
		Endpoint:    k.Endpoint,
		Certificate: certificate,
		Key:         key,
	}
	if after := p.user.Certificate.After; p.spec.Duration > 0 { // as it was asked, which may be less than the plan says
		e.Owner.Duration = p.spec.Duration
	} else if after != nil {
		e.Owner.Duration = after.Duration
	}
	return e
}

// handedOut is an entry as it is written: a key that is sealed to its owner stands there only so.
func (p *pipeline) handedOut(e credential.Entry) credential.Entry {
	if p.sealed.Key != "" {
		e.Key, e.KeyFile, e.Sealed = nil, usersfile.KeyFileName(p.user.Name), p.sealed
	}
	return e
}
