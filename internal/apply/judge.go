package apply

import (
	"errors"
	"fmt"

	"provision/internal/credential"
	"provision/internal/plan"
)

// ErrRefused is behind the error of a user whose certificate is not what was asked for.
var ErrRefused = errors.New("refuse the issued certificate")

// judge decides whether an issued certificate may take the place of what the user has. It is the one place where that is
// decided; a *credential.Refusal says why not. The certificate is returned as far as it can be read.
func (p *pipeline) judge(e credential.Entry) (credential.Certificate, error) {
	asked := credential.Asked{KeyHash: p.spec.KeyHash, User: p.spec.User, Groups: p.spec.Groups, ClientCAs: p.opts.ClientCAs, Skew: p.opts.ClockSkew}
	issued, err := credential.Judge(e.Certificate, asked, p.client.ServerTime())
	switch {
	case err != nil:
	case len(e.Key) > 0:
		err = p.trial.pass(func() error { return p.prove(e, asked, issued) })
	default: // only its owner has it
		p.result.NotProved = p.user.Own == nil || asked.ClientCAs == nil // unless another of the run proves as much
		if p.noLogin {
			p.trial.unproved() // waiting would prove no more
		}
	}
	return issued, err
}

// refuse leaves all as it was, but for the ledger: that notes a certificate which may live and which is nobody's. After it
// the key goes, which is of no use: with it the next apply would get the same certificate again. Where everybody's would be
// refused, nobody else is asked for.
func (p *pipeline) refuse(issued credential.Certificate, refusal *credential.Refusal) error {
	err := fmt.Errorf("certificatesigningrequest/%s: %w: %w", p.spec.Name, ErrRefused, refusal)
	if refusal.Everybodys() {
		p.stopIssuing(&StoppedError{&SignerError{p.user.Name, err}})
	}
	record := p.intent()
	record.Refused = string(refusal.Code)
	if issued.Leaf != nil {
		record = complete(record, issued)
		record.Groups = issued.Groups
	}
	if e := p.record.write(record); e != nil {
		return errors.Join(err, fmt.Errorf("the ledger does not say so: %w", e)) // the key stays, and the next apply judges again
	}
	return errors.Join(err, p.files.DropKey(p.user.Name))
}

// complete returns a record with what an issued certificate says.
func complete(record plan.Record, issued credential.Certificate) plan.Record {
	record.Serial, record.CredentialID, record.NotBefore, record.NotAfter = issued.Serial, issued.CredentialID, issued.NotBefore, issued.NotAfter
	return record
}
