package plan

import (
	"slices"
	"time"
)

// unfingerprinted is for how long a name is blocked of which the ledger could not tell what certificates it has: no signer gives
// more by default.
const unfingerprinted = 366 * 24 * time.Hour

// computeBlock decides what an apply does to the block. records are those of the ledger as it will be. A name as such is no
// longer blocked once somebody has it again: their new certificate must work.
func computeBlock(desired Desired, observed Observed, records []Record, at moment) *Change[Block] {
	by := byUser(records)
	inUse := func(name string) bool {
		u := slices.IndexFunc(desired.Users, func(u User) bool { return u.Certificate.User == name })
		given := u >= 0 && (desired.Users[u].Reuse || reused(by[name], at.lives).IsZero())
		return given || held(by[name]) || observed.NamesElsewhere[name] != ""
	}
	return blocking{observed: observed, records: records, inUse: inUse, lives: at.lives}.change()
}

// held reports whether somebody has a certificate who was not noted to have left.
func held(records []Record) bool {
	return slices.ContainsFunc(records, func(r Record) bool { return r.Used() && r.Removed.IsZero() })
}

// adopt notes in a record that its certificate is blocked, if the block has it: the note may have been lost.
func (o Observed) adopt(r Record, now time.Time) (Record, bool) {
	if o.Block == nil || r.IsBlocked() {
		return r, false
	}
	for _, c := range r.blocked(now) {
		if !slices.ContainsFunc(o.Block.Certificates, c.same) {
			return r, false
		}
	}
	r.Blocked = now.UTC().Truncate(time.Second)
	return r, true
}

// blockLeavers plans to block the living certificates of people: those of their records, as they will be, and what the ledger cannot tell
// of. It returns what stands in the way as a warning, or, where the block was asked for outright, as a problem.
func (p *Plan) blockLeavers(desired Desired, observed Observed, names []string, records []Record, at moment) {
	var wanted []BlockedCertificate
	for _, r := range records {
		if slices.Contains(names, r.User) && r.Live(at.lives) {
			wanted = append(wanted, r.blocked(at.now)...)
		}
	}
	if len(observed.LedgerProblems) > 0 {
		for _, name := range names {
			wanted = append(wanted, BlockedCertificate{User: name, Since: dayOf(at.now), Until: dayOf(at.now.Add(unfingerprinted))})
		}
	}
	p.block(desired, observed, wanted, names, records, at)
}

// blockOne plans to block a certificate whose owner stays: by its fingerprint, never by their name alone.
func (p *Plan) blockOne(desired Desired, observed Observed, c Certificate, records []Record, at moment) {
	var wanted []BlockedCertificate
	for _, r := range records {
		if r.KeyHash == c.KeyHash && r.Live(at.lives) {
			wanted = append(wanted, r.blocked(at.now)...)
		}
	}
	wanted = slices.DeleteFunc(wanted, func(b BlockedCertificate) bool { return b.Fingerprint == "" })
	p.block(desired, observed, wanted, nil, records, at)
}

// block plans to block certificates. Leaving are the people none of whose certificates is to be of use.
func (p *Plan) block(desired Desired, observed Observed, wanted []BlockedCertificate, leaving []string, records []Record, at moment) {
	if !desired.blocks() {
		return
	}
	if observed.WithoutCredentialIDs != "" {
		if desired.Block == BlockAlways {
			p.Problems = append(p.Problems, Problem{Code: BlockUnsupported, Name: observed.WithoutCredentialIDs})
		} else {
			p.Warnings = append(p.Warnings, Warning{Code: NotBlockedByVersion, Name: observed.WithoutCredentialIDs})
		}
		return
	}
	by := byUser(live(records, at.lives))
	inUse := func(name string) bool {
		return held(by[name]) && !slices.Contains(leaving, name) || observed.NamesElsewhere[name] != ""
	}
	d := blocking{observed: observed, records: records, named: wanted, inUse: inUse, lives: at.lives}
	for _, c := range wanted {
		switch {
		case d.own(c):
			p.Warnings = append(p.Warnings, Warning{Code: OwnNotBlocked, User: c.User})
		case c.Fingerprint == "" && ofKubernetes(c.User):
			p.Warnings = append(p.Warnings, Warning{Code: SystemNotBlocked, User: c.User})
		case !d.addable(c):
			p.Warnings = append(p.Warnings, Warning{Code: NameNotBlocked, User: c.User, Name: observed.NamesElsewhere[c.User]})
		}
	}
	p.Block = d.change()
}

// noteBlocked has the ledger note which of some certificates are blocked. records are those of the ledger as they will be.
func (p *Plan) noteBlocked(observed Observed, theirs func(Record) bool, records []Record, at moment) {
	block := observed.Block
	if p.Block != nil {
		block = p.Block.After
	}
	if block == nil {
		return
	}
	for _, r := range records {
		known := r.blocked(at.now) // what is known best of it is the last
		if !theirs(r) || r.IsBlocked() || !r.Live(at.lives) || !slices.ContainsFunc(block.Certificates, known[len(known)-1].same) {
			continue
		}
		marked := r
		marked.Blocked = at.now.UTC().Truncate(time.Second)
		if !marked.IsBlocked() { // unblocked in the same second
			marked.Blocked = marked.Unblocked.Add(time.Second)
		}
		i := slices.IndexFunc(p.Ledger.Records, func(c Change[Record]) bool { return c.After != nil && c.After.KeyHash == r.KeyHash })
		if i >= 0 {
			p.Ledger.Records[i].After = &marked
		} else {
			p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: Update, Before: &r, After: &marked, Reasons: []Reason{{Code: BlockedNow}}})
		}
	}
}

// Unblock plans to let certificates through again that the set has blocked: those with an id, or all of a user.
func Unblock(desired Desired, observed Observed, ids []string, now time.Time) Plan {
	at := observed.at(now)
	p := Plan{Set: desired.Set, Digest: desired.Digest, Ledger: Ledger{Namespace: desired.LedgerNamespace, CreateNamespace: !observed.LedgerNamespace}}
	p.Warnings = append(damages(observed.LedgerProblems), awayWarnings(desired, observed, at)...)
	lifted := func(c BlockedCertificate) bool { return slices.ContainsFunc(ids, c.named) }
	by := byUser(observed.Ledger)
	inUse := func(name string) bool { return held(live(by[name], at.lives)) || observed.NamesElsewhere[name] != "" }
	p.Block = blocking{observed: observed, records: observed.Ledger, inUse: inUse, lifted: lifted, lives: at.lives}.change()
	for _, before := range observed.Ledger {
		if !before.IsBlocked() || !slices.ContainsFunc(before.blocked(before.Blocked), lifted) {
			continue
		}
		after := before
		after.Unblocked = at.now.UTC().Truncate(time.Second)
		if !after.Unblocked.After(after.Blocked) { // in the same second
			after.Unblocked = after.Blocked.Add(time.Second)
		}
		p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: Update, Before: &before, After: &after, Reasons: []Reason{{Code: BlockLifted, Added: []string{before.User}}}})
	}
	return p
}

// named reports whether an id or a user's name means the certificate.
func (c BlockedCertificate) named(id string) bool {
	fingerprint, is := Fingerprint(id)
	return is && c.Fingerprint == fingerprint || id == c.User
}

// Blocks reports whether an id or a user's name means anything that the set has blocked, by its policy or by its ledger, now or once: an
// unblock that was killed may have left half of a block.
func Blocks(observed Observed, id string) bool {
	if observed.Block != nil && slices.ContainsFunc(observed.Block.Certificates, func(c BlockedCertificate) bool { return c.named(id) }) {
		return true
	}
	return slices.ContainsFunc(observed.Ledger, func(r Record) bool {
		return !r.Blocked.IsZero() && slices.ContainsFunc(r.blocked(r.Blocked), func(c BlockedCertificate) bool { return c.named(id) })
	})
}

// blocksMore reports whether the plan blocks anything, or puts right what somebody has altered.
func (p Plan) blocksMore() bool {
	if p.Block == nil || p.Block.Op == Delete {
		return false
	}
	added, _ := BlockDifference(*p.Block)
	return len(added) > 0 || asks(p.Block.Reasons, BlockAltered)
}

// WithoutBlock leaves the block as it is where the operator lacks permissions for it, and warns of that; where the block
// was asked for outright, or none of those is missing, nothing happens. All else that is missing stays.
func (p *Proposal) WithoutBlock() {
	var lacks, others []Permission
	for _, n := range p.Missing {
		if n.Group == admissionGroup {
			lacks = append(lacks, n)
		} else {
			others = append(others, n)
		}
	}
	if len(lacks) == 0 || p.Desired.Block == BlockAlways {
		return
	}
	p.Missing = others
	p.Warnings = append(p.Warnings, Warning{Code: NotBlockedByRights, Items: blockUsersOf(p.Block), Permissions: lacks})
	p.Block = nil
	p.Ledger.Records = slices.DeleteFunc(p.Ledger.Records, func(c Change[Record]) bool {
		return len(c.Reasons) == 1 && (c.Reasons[0].Code == BlockedNow || c.Reasons[0].Code == BlockLifted)
	})
	for i, c := range p.Ledger.Records {
		if c.After != nil && !asks(c.Reasons, BlockKnown) {
			after := *c.After
			after.Blocked = time.Time{}
			if c.Before != nil {
				after.Blocked = c.Before.Blocked
			}
			p.Ledger.Records[i].After = &after
		}
	}
}

// blockUsersOf are the users of whom a change blocks certificates.
func blockUsersOf(c *Change[Block]) []string {
	if c == nil {
		return nil
	}
	added, _ := BlockDifference(*c)
	return blockedUsers(added)
}

// BlockWarnings tell what of a set's block is not as it should be, or cannot be seen, although the ledger says that there is one.
func BlockWarnings(observed Observed, lives time.Time) []Warning {
	marked := slices.ContainsFunc(observed.Ledger, func(r Record) bool { return r.IsBlocked() && r.Live(lives) })
	if marked && observed.BlockUnread != "" {
		return []Warning{{Code: BlockNotRead, To: observed.BlockUnread}}
	}
	return nil
}

// BlocksAll reports whether every certificate is blocked of those that the set knows to live under a name, once the plan is done, and
// whether there is any.
func (p Proposal) BlocksAll(user string, now time.Time) (all, some bool) {
	records := byUser(p.Observed.Ledger)[user]
	for _, c := range p.Ledger.Records {
		if c.Op == Create && c.After.User == user {
			records = append(records, *c.After)
		}
	}
	records = live(records, p.Observed.Earliest(now))
	if len(records) == 0 && len(p.Observed.LedgerProblems) > 0 {
		records = []Record{{User: user}} // whatever it is
	}
	return p.blockAfter().Covers(user, records), len(records) > 0
}

// Blocks reports whether one certificate is blocked once the plan is done.
func (p Proposal) Blocks(c Certificate) bool {
	return p.blockAfter().Covers(c.User, []Record{{User: c.User, CredentialID: c.CredentialID}})
}

// blockAfter is the block of the set once the plan is done; nil: none.
func (p Proposal) blockAfter() *Block {
	if p.Block != nil {
		return p.Block.After
	}
	return p.Observed.Block
}
