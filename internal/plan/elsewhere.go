package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"provision/internal/usersfile"
)

// Elsewhere is what a cluster has besides a set, as far as its plan asks for it.
type Elsewhere struct {
	Held     Holdings    // what bindings outside the set grant to the subjects of the questions
	Powerful []Binding   // those of OthersRoles whose roles allow everything
	Ledgers  []SetLedger // of all sets, where the questions need them
}

// Questions are what plans have to ask of elsewhere.
type Questions struct {
	all Proposals
	now time.Time
	of  []question // of each plan
}

type question struct {
	fresh   map[Subject][]string // names that are given for the first time, with the users who get them
	left    map[string][]string  // people who left, with the groups in their living certificates
	holders map[string][]string  // users of the file with the groups in their certificates

	released []string // groups that the set binds no more
}

// Ask finds out what the plans have to ask, as of now.
func (all Proposals) Ask(now time.Time) Questions {
	q := Questions{all, now, make([]question, len(all))}
	for i, p := range all {
		q.of[i] = question{fresh: p.NewNames(p.Observed), left: p.Left(p.Desired, p.Observed, now)}
		q.of[i].released = p.Released(p.Desired, p.Observed)
		if !p.Desired.Revoke { // of those who are revoked it is told when that is done
			q.of[i].holders = GroupsHeld(p.Desired, p.Observed, now)
		}
	}
	return q
}

// Subjects are those of whom has to be known what others grant them: those who get a name for the first time, those who left and
// those whose certificate outlives them, and everybody in the files.
func (q Questions) Subjects() map[Subject]bool {
	who := map[Subject]bool{}
	for i, p := range q.all {
		for _, of := range []map[string][]string{q.of[i].left, q.of[i].holders} {
			for name, groups := range of {
				for _, s := range Identities(name, groups) {
					who[s] = true
				}
			}
		}
		for s := range q.of[i].fresh {
			who[s] = true
		}
		for _, g := range q.of[i].released {
			who[Subject{Kind: "Group", Name: g}] = true
		}
		for _, w := range p.Warnings {
			if w.Code == StillAuthenticates {
				for _, g := range w.Items {
					who[Subject{Kind: "Group", Name: g}] = true
				}
			}
		}
	}
	return who
}

// OthersRoles are the bindings that the plan makes or changes and whose roles are not of the set: what these allow is not
// known without asking. That cluster-admin allows everything is. A revoke gives nobody anything: those who follow in a group's place have
// it already.
func (p Proposal) OthersRoles() []Binding {
	if p.Desired.Revoke {
		return nil
	}
	own := map[ObjectKey]bool{}
	for _, c := range p.Roles {
		if c.After != nil {
			own[c.After.Key()] = true
		}
	}
	var grants []Binding
	for _, c := range p.Bindings {
		if (c.Op == Create || c.Op == Update) && !own[c.After.Role()] && c.After.RoleRef != ClusterAdminRole {
			grants = append(grants, *c.After)
		}
	}
	return grants
}

// Ledgers reports whether the ledgers of all sets have to be known: whose a name or a group is that a plan gives for the first
// time or that is bound no more, and whose kubeconfigs those in the directory are that no file of the run describes.
func (q Questions) Ledgers() bool {
	return len(q.all.unfiled()) > 0 || q.AnyNames()
}

// AnyNames reports whether any of the plans gives a name or a group for the first time, or binds a group no more.
func (q Questions) AnyNames() bool {
	for i := range q.all {
		if q.Names(i) {
			return true
		}
	}
	return false
}

// Names reports whether the plan at i gives a name or a group for the first time, or binds a group no more: it cannot be told
// without the ledgers.
func (q Questions) Names(i int) bool {
	return q.all[i].Failed == nil && len(q.of[i].users())+len(q.all[i].NewlyBoundGroups())+len(q.of[i].released) > 0
}

// users are the users among the new names.
func (q question) users() map[string]bool {
	names := map[string]bool{}
	for s := range q.fresh {
		if s.Kind == "User" {
			names[s.Name] = true
		}
	}
	return names
}

// Answer adds to the plans what is to be told of elsewhere, of which there is one for each of them. Plans that failed are left
// as they are.
func (q Questions) Answer(found []Elsewhere) {
	told := map[HeldKey]bool{} // what one set tells, another need not
	for i, of := range q.of {
		p, e := &q.all[i], found[i]
		if p.Failed != nil {
			continue
		}
		p.stillGranted(e.Held)
		p.Warnings = append(p.Warnings, slices.Concat(
			TakenNames(of.users(), p.Set, p.beside(e.Ledgers), p.Observed.Earliest(q.now)),
			SharedGroups(p.Desired, p.NewlyBoundGroups(), p.beside(e.Ledgers), p.Observed.Earliest(q.now)),
			p.releasedGroups(p.Desired, of.released, p.beside(e.Ledgers), e.Held, p.Observed.Earliest(q.now)),
			q.all.leaversBound(of.left, e.Held),
			p.UnboundGroups(p.Desired, p.Observed, func(s Subject) bool { return len(e.Held[s]) > 0 }),
			grantedElsewhere(of.fresh, e.Held),
			powerfulGrants(e.Powerful),
			p.outside(of, e.Held, told),
		)...)
	}
	if len(q.all) > 0 {
		first := &q.all[0]
		first.Warnings = append(first.Warnings, UnfiledSets(q.all.unfiled(), found[0].Ledgers, first.Observed.Earliest(q.now))...)
	}
}

// stillGranted keeps, of the groups of people whose certificates outlive them, or their generation, only those that anything is bound
// to.
func (p *Proposal) stillGranted(held Holdings) {
	stays := p.StillBound(p.Observed)
	for i, w := range p.Warnings {
		if w.Code == NewGeneration {
			p.Warnings[i].Held = held.Beyond(nil, w.User, w.Items)
		}
		if w.Code == StillAuthenticates || w.Code == NewGeneration {
			if w.Code == StillAuthenticates {
				p.Warnings[i].Left = slices.DeleteFunc(slices.Clone(w.Items), func(g string) bool {
					_, whole := p.Desired.Whole[g]
					return !whole || !stays[Subject{Kind: "Group", Name: g}]
				})
			}
			p.Warnings[i].Items = slices.DeleteFunc(slices.Clone(w.Items), func(g string) bool {
				s := Subject{Kind: "Group", Name: g}
				return !stays[s] && len(held[s]) == 0
			})
		}
	}
}

// beside are the ledgers in the namespace of the plan's own, and in the usual one. Elsewhere anybody who may write ConfigMaps can
// invent sets, and a saved plan does not survive a new grave warning.
func (p Proposal) beside(ledgers []SetLedger) []SetLedger {
	return slices.DeleteFunc(slices.Clone(ledgers), func(l SetLedger) bool {
		return l.Namespace != p.Ledger.Namespace && l.Namespace != DefaultLedgerNamespace
	})
}

// unfiled are the sets that no users file of the run describes, although kubeconfigs of theirs are in the directory: the file
// has gone, or the set was renamed. While a file of the run has a mistake there are none, for it may be that one.
func (all Proposals) unfiled() map[string]bool {
	if len(all) == 0 || all[0].Partial || all[0].Desired.Revoke || all[0].Desired.Destroy {
		return nil
	}
	described, owners := setOf(all, func(p Proposal) string { return p.Set }), map[string]bool{}
	for _, p := range all {
		for _, f := range p.Observed.Files {
			if f.State == FileOtherSet && !described[f.Owner] {
				owners[f.Owner] = true
			}
		}
	}
	return owners
}

// leaversBound tells what people who left still have from others: by name, and by the groups in their living certificates.
// Another set of this run means to give what it gives to their names, and perhaps one whose users file has a mistake, too.
func (all Proposals) leaversBound(left map[string][]string, held Holdings) []Warning {
	meant := map[string]map[string]bool{} // set -> its users
	partial := false
	for _, p := range all {
		partial = partial || p.Partial
		meant[p.Set] = p.Desired.names()
	}
	var list []Warning
	for _, name := range slices.Sorted(maps.Keys(left)) {
		w := Warning{Code: LeaverBound, User: name}
		for _, s := range Identities(name, left[name]) {
			for _, h := range held[s] {
				if users, described := meant[h.Set]; h.Set == "" || !users[name] && (described || !partial) {
					w.Held = append(w.Held, h)
				}
			}
		}
		if len(w.Held) > 0 {
			list = append(list, w)
		}
	}
	return list
}

// grantedElsewhere warns of names that are given for the first time and are bound already: who gets such a certificate gets
// that too.
func grantedElsewhere(fresh map[Subject][]string, held Holdings) []Warning {
	var list []Warning
	for _, subject := range slices.SortedFunc(maps.Keys(fresh), func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	}) {
		w := Warning{Code: GrantedElsewhere}
		if subject.Kind == "User" {
			w.User = subject.Name
		} else {
			w.Name = subject.Name
		}
		for _, h := range held[subject] {
			if fresher(fresh, h) {
				w.Held = append(w.Held, h)
			}
		}
		if len(w.Held) > 0 {
			list = append(list, w)
		}
	}
	return list
}

// fresher reports whether a right is told of because a name is new that has it: any of a user's, and of one generation of theirs.
// Groups are often bound elsewhere on purpose: of those only what allows everything is told.
func fresher(fresh map[Subject][]string, h Held) bool {
	_, ok := fresh[h.Subject]
	return ok && (h.Subject.Kind == "User" || usersfile.IsGenerationGroup(h.Subject.Name) || h.Power == PowerAdmin)
}

// powerfulGrants warns of roles that allow everything, which others made and which the plan grants to somebody.
func powerfulGrants(powerful []Binding) []Warning {
	var list []Warning
	for _, b := range powerful {
		list = append(list, Warning{Code: PowerfulGrant, Namespace: b.Namespace, Role: b.RoleRef, Subjects: b.Subjects})
	}
	return list
}

// outside tells what the users of a plan have from outside the file: all that is not told already, of new names or with
// another set.
func (p Proposal) outside(of question, held Holdings, told map[HeldKey]bool) []Warning {
	var list []Held
	gives := p.Desired.Gives()
	for user, groups := range of.holders {
		for _, h := range held.Beyond(gives.To(user, groups), user, groups) {
			if !told[h.Key()] && !fresher(of.fresh, h) {
				told[h.Key()] = true
				list = append(list, h)
			}
		}
	}
	return OutsideWarnings(list)
}
