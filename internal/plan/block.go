package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// BlockMode is whether revoke blocks certificates at admission.
type BlockMode string

// Modes of revoke.
const (
	BlockAuto   BlockMode = "auto"   // where the cluster and the operator's permissions allow it
	BlockAlways BlockMode = "always" // and where they do not, that is an error
	BlockNever  BlockMode = "never"
)

// BlockedCertificate is a certificate with which the API server lets nobody write anything, run anything in a pod or get a token.
type BlockedCertificate struct {
	User        string    `json:"user"`
	Fingerprint string    `json:"fingerprint,omitempty"` // hex SHA-256 of the certificate; "": whatever certificate the user has
	Since       time.Time `json:"since"`                 // the day on which somebody blocked it
	Until       time.Time `json:"until"`                 // the first day on which it has ended
	// Restored is that the ledger says it, and nobody named the user in this run. Anybody who can edit the ledger could lock out an
	// administrator that way, so whoever may delete the block passes.
	Restored bool `json:"restored,omitempty"`
}

// ID is the certificate's id as audit logs show it, or, without one, what stands for all of the user.
func (c BlockedCertificate) ID() string {
	if c.Fingerprint == "" {
		return "any certificate of the name"
	}
	return credentialPrefix + c.Fingerprint
}

// same reports whether two entries are about one certificate.
func (c BlockedCertificate) same(other BlockedCertificate) bool {
	return c.User == other.User && c.Fingerprint == other.Fingerprint
}

// Block is what a set blocks at admission: a ValidatingAdmissionPolicy and its binding.
type Block struct {
	Certificates []BlockedCertificate `json:"certificates"` // sorted

	// Only of one that was found.
	Altered bool   `json:"altered,omitempty"` // the two objects do not say just that, or one of them is not there
	Version string `json:"-"`                 // of both objects
}

// Covers reports whether all of some certificates are blocked, of which there must be one, and the block in force as far as its
// objects say.
func (b *Block) Covers(user string, records []Record) bool {
	return b != nil && !b.Altered && len(records) > 0 && !slices.ContainsFunc(records, func(r Record) bool {
		return slices.ContainsFunc(r.blocked(time.Time{}), func(want BlockedCertificate) bool {
			return !slices.ContainsFunc(b.Certificates, func(c BlockedCertificate) bool {
				return c.User == user && (c.Fingerprint == "" || c.Fingerprint == want.Fingerprint)
			})
		})
	})
}

// With is b with some certificates added and without those that are dropped: sorted, each once; all that was there stays as it was, but
// for what the ledger had restored and a person adds now.
func (b *Block) With(add, drop []BlockedCertificate) Block {
	var list []BlockedCertificate
	if b != nil {
		list = slices.Clone(b.Certificates)
	}
	for _, c := range add {
		at := slices.IndexFunc(list, c.same)
		switch {
		case at < 0:
			list = append(list, c)
		case list[at].Restored && !c.Restored:
			list[at] = c
		}
	}
	list = slices.DeleteFunc(list, func(c BlockedCertificate) bool { return slices.ContainsFunc(drop, c.same) })
	slices.SortFunc(list, func(x, y BlockedCertificate) int {
		return cmp.Or(strings.Compare(x.User, y.User), strings.Compare(x.Fingerprint, y.Fingerprint), x.Since.Compare(y.Since))
	})
	return Block{Certificates: slices.CompactFunc(list, BlockedCertificate.same)}
}

// BlockDifference is what a change adds to a block, and what it drops.
func BlockDifference(c Change[Block]) (added, dropped []BlockedCertificate) {
	var before, after []BlockedCertificate
	if c.Before != nil {
		before = c.Before.Certificates
	}
	if c.After != nil {
		after = c.After.Certificates
	}
	return difference(before, after)
}

// credentialPrefix is how Kubernetes begins the id of a client certificate
// (staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go).
const credentialPrefix = "X509SHA256="

// Fingerprint reads the hex SHA-256 of a certificate from its id, with or without Kubernetes' prefix. Nothing else ever gets into a
// policy.
func Fingerprint(id string) (string, bool) {
	hex := strings.TrimPrefix(id, credentialPrefix)
	if len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", false
	}
	return hex, true
}

// dayOf is the day of a moment.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// blocked is the certificate of a record as it is blocked since a day. A record of which it is not known what was issued, or not
// what else, stands for all certificates of its name, too; that comes first.
func (r Record) blocked(since time.Time) []BlockedCertificate {
	c := BlockedCertificate{User: r.User, Since: dayOf(since), Until: dayOf(r.Until()).Add(24 * time.Hour)}
	var list []BlockedCertificate
	hex, known := Fingerprint(r.CredentialID)
	if !known || r.Resent {
		list = append(list, c)
	}
	if known {
		c.Fingerprint = hex
		list = append(list, c)
	}
	return list
}

// Nameless reports whether certificates may have to be blocked by name alone: then it has to be known who else has that name.
func Nameless(desired Desired, observed Observed) bool {
	if observed.Block != nil && slices.ContainsFunc(observed.Block.Certificates, func(c BlockedCertificate) bool { return c.Fingerprint == "" }) {
		return true
	}
	return desired.blocks() && len(observed.LedgerProblems) > 0 || slices.ContainsFunc(observed.Ledger, func(r Record) bool {
		_, known := Fingerprint(r.CredentialID)
		return (desired.blocks() || r.IsBlocked()) && (!known || r.Resent)
	})
}

// blocks reports whether certificates are to be blocked now.
func (d Desired) blocks() bool { return d.Block == BlockAuto || d.Block == BlockAlways }

// blocking is what the block of a set is decided from.
type blocking struct {
	observed Observed
	records  []Record                      // as they will be
	named    []BlockedCertificate          // that somebody blocks now, by the user's name
	inUse    func(user string) bool        // somebody else has, or gets, the name: it is not blocked as such
	lifted   func(BlockedCertificate) bool // somebody unblocks it now; nil: nothing
	lives    time.Time
}

// change decides what becomes of the block: what was named comes, what the ledger has and the policy lost is put back, what has ended
// goes, and what somebody has altered is made as it was. Nil: nothing changes.
func (d blocking) change() *Change[Block] {
	before := d.observed.Block
	if d.observed.BlockUnread != "" && len(d.named) == 0 {
		return nil
	}
	var ended, lifted, again []BlockedCertificate
	stays := func(c BlockedCertificate) bool { return d.keep(c, &ended, &lifted, &again) }
	add := slices.DeleteFunc(slices.Clone(d.named), func(c BlockedCertificate) bool { return !d.addable(c) })
	restored := slices.DeleteFunc(d.restored(before), func(c BlockedCertificate) bool { return slices.ContainsFunc(add, c.same) })
	after := before.With(slices.Concat(add, restored), nil)
	after.Certificates = slices.DeleteFunc(after.Certificates, func(c BlockedCertificate) bool { return !stays(c) })

	c := Change[Block]{Op: Update, Before: before, After: &after}
	added, _ := BlockDifference(c)
	if new := without(added, restored, itself); len(new) > 0 {
		c.Reasons = append(c.Reasons, Reason{Code: BlockedNow})
	}
	if before != nil && before.Altered {
		c.Reasons = append(c.Reasons, Reason{Code: BlockAltered})
	}
	for _, r := range []struct {
		code ReasonCode
		list []BlockedCertificate
	}{{BlockRestored, restored}, {BlockEnded, ended}, {BlockLifted, lifted}, {BlockNameAgain, again}} {
		if len(r.list) > 0 {
			c.Reasons = append(c.Reasons, Reason{Code: r.code, Added: blockedUsers(r.list)})
		}
	}
	switch {
	case len(c.Reasons) == 0, before == nil && len(after.Certificates) == 0:
		return nil
	case before == nil:
		c.Op = Create
	case len(after.Certificates) == 0:
		c.Op, c.After = Delete, nil
	}
	return &c
}

// keep reports whether a certificate stays blocked, or notes why not.
func (d blocking) keep(c BlockedCertificate, ended, lifted, again *[]BlockedCertificate) bool {
	var why *[]BlockedCertificate
	switch {
	case !d.lives.Before(c.Until):
		why = ended
	case d.lifted != nil && d.lifted(c):
		why = lifted
	case c.Fingerprint == "" && (d.inUse(c.User) || ofKubernetes(c.User)):
		why = again
	default:
		return true
	}
	*why = append(*why, c)
	return false
}

// addable reports whether a certificate may be blocked: never the one that runs the command, nor a name that somebody else has, or
// may have.
func (d blocking) addable(c BlockedCertificate) bool {
	return c.Until.After(d.lives) && !d.own(c) && (c.Fingerprint != "" || !d.inUse(c.User) && !ofKubernetes(c.User))
}

// ofKubernetes reports whether a name is one of Kubernetes' own: a component has it by a certificate that is in no ledger.
func ofKubernetes(name string) bool { return strings.HasPrefix(name, "system:") }

// own reports whether a certificate is the operator's, or may be.
func (d blocking) own(c BlockedCertificate) bool { return d.observed.OwnCertificate.is(c) }

// restored are the certificates that the ledger says are blocked, and that the policy does not have.
func (d blocking) restored(before *Block) []BlockedCertificate {
	var list []BlockedCertificate
	for _, r := range d.records {
		if !r.IsBlocked() || !r.Live(d.lives) {
			continue
		}
		for _, c := range r.blocked(r.Blocked) {
			c.Restored = true
			there := before != nil && slices.ContainsFunc(before.Certificates, c.same)
			if !there && d.addable(c) && !slices.ContainsFunc(list, c.same) && !(d.lifted != nil && d.lifted(c)) {
				list = append(list, c)
			}
		}
	}
	return list
}

// blockedUsers are the users of blocked certificates, each once.
func blockedUsers(list []BlockedCertificate) []string {
	var names []string
	for _, c := range list {
		names = append(names, c.User)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
