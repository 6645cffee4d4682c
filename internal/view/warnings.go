package view

import (
	"fmt"
	"strings"
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// warningsWords says what a person should know of one warning, or of several that are alike. Of grave ones nobody is left out: the
// person who approves a plan must read all of the power that it gives, and five harmless names must not hide a sixth.
func warningsWords(group []plan.Warning, names lister) string {
	w, n := group[0], thousands(len(group))
	if w.Grave() {
		names = everyone
	}
	if len(group) == 1 {
		return warningWords(w, names)
	}
	until, ends := untilWords(group, func(w plan.Warning) time.Time { return w.Until })
	users := func() string {
		return names(each(group, func(w plan.Warning) string { return withBrackets(plan.Quoted(w.User), ends(w)) }))
	}
	named := func() string {
		return names(each(group, func(w plan.Warning) string { return plan.Quoted(w.Name) }))
	}
	namespaces := func() string {
		return names(each(group, func(w plan.Warning) string { return w.Namespace }))
	}
	items, subjects := names(w.Items), names(subjectTexts(w.Subjects))
	// Only those that likeness puts together.
	//exhaustive:ignore
	switch w.Code {
	case plan.StillAuthenticates:
		s := fmt.Sprintf("%s users still authenticate %s: Kubernetes cannot revoke a certificate", n, until)
		if len(w.Items) > 0 {
			s += "; what is bound to the groups in theirs still holds: " + items
		}
		return s + ": " + users()
	case plan.StillInGroup:
		return fmt.Sprintf("the old certificates of %s users still say %s %s: Kubernetes cannot revoke them: %s", n, items, until, users())
	case plan.ClusterAdmin:
		return fmt.Sprintf("cluster-admin in %s namespaces goes to %s: %s", n, subjects, namespaces())
	case plan.ShorterThanAsked:
		asked := askedWords(group)
		return fmt.Sprintf("the signer shortened the certificates of %s to %s (kube-controller-manager --cluster-signing-duration): %s", Plural(len(asked), "user"), usersfile.FormatDuration(w.Issued), names(asked))
	case plan.LongerThanAsked:
		asked := askedWords(group)
		return fmt.Sprintf("the signer issued the certificates of %s for %s where less was asked for, so they cannot be relied on to end: %s", Plural(len(asked), "user"), usersfile.FormatDuration(w.Issued), names(asked))
	case plan.UnboundGroup:
		return fmt.Sprintf("nothing is bound to %s groups, which are given for the first time: are they spelled right? %s", n,
			names(each(group, func(w plan.Warning) string { return meantGroup(w.Name, w.To, names(w.Items)) })))
	case plan.PowerfulRole:
		return fmt.Sprintf("%s roles of this set allow everything%s, or let their holders give themselves more: %s: %s", n, reachWords(w), strings.Join(ruleTexts(w.Rules), "; "), names(each(group, roleWords)))
	case plan.PowerfulGrant:
		return fmt.Sprintf("%s grants%s are of roles that allow everything, or let their holders give themselves more, and go to %s: %s", n, reachWords(w), subjects, names(each(group, roleWords)))
	case plan.MisplacedKubeconfig:
		return misplacedWords(group, names)
	case plan.MisplacedOfLeaver:
		return fmt.Sprintf("%s kubeconfigs hold the private keys of people who are out of the set and can log in with them %s: remove them: %s", n, until,
			names(each(group, func(w plan.Warning) string { return withBrackets(w.Name, plan.Quoted(w.User)+"'s", ends(w)) })))
	case plan.NothingToForget:
		return fmt.Sprintf("--forget-cluster: no kubeconfig here has an entry of this set for %s of the clusters: %s", n, named())
	case plan.OtherEntries:
		s := fmt.Sprintf("%s kubeconfigs have entries that provision did not make for their users: %s", n, names(each(w.Entries, plan.Entry.String)))
		if w.To != "" {
			s += "; the current context, " + plan.Quoted(w.To) + ", is one of them"
		}
		return s + ": if their users do not know them, take them out: they may run a program of somebody else's: " +
			names(each(group, func(w plan.Warning) string { return w.Name }))
	case plan.SwappedRequest:
		return fmt.Sprintf("%s requests have the names of users' requests, but other keys made them: they are not approved; find out who made them (kubectl get csr NAME -o yaml): %s", n,
			names(each(group, func(w plan.Warning) string { return withBrackets(w.Name, plan.Quoted(w.User)+"'s") })))
	case plan.NameAgain:
		if len(w.Items) > 0 {
			return fmt.Sprintf("people who left %s had %s of the names, and can log in with them %s: if those are not the same people, choose other names: %s", setsWords(w.Items, names), n, until, users())
		}
		return fmt.Sprintf("people who left had %s of the names, and can log in with them %s (reuse: true): %s", n, until, users())
	case plan.NameInOtherSet:
		return fmt.Sprintf("%s users have certificates in %s too: one name each, so what any of the sets grants counts for all: %s", n, setsWords(w.Items, names), users())
	case plan.LedgerDamaged:
		return fmt.Sprintf("%s ConfigMaps cannot be read, so what they say of anybody's certificates is not known: %s: %s", n, w.To,
			names(each(group, func(w plan.Warning) string { return objectName(w.Object) })))
	case plan.GrantedElsewhere:
		return fmt.Sprintf("%s names are granted something outside this set already, and who gets them gets that too: %s: to %s", n, names(grantedBy(w)),
			names(each(group, grantedTo)))
	case plan.LedgerCopy:
		return fmt.Sprintf("%s namespaces have ConfigMaps that look like records of this set, whose ledger is in the namespace %s: if ledger.namespace was one of them, move them (%s); if not, somebody has put them there: %s",
			n, w.Name, moveLedger(w.To, "NAMESPACE", w.Name), names(each(group, func(w plan.Warning) string {
				if len(w.Items) == 0 {
					return w.Namespace
				}
				s := "living certificates of " + names(w.Items)
				if len(w.Left) > 0 {
					s += "; left by them: " + names(w.Left)
				}
				return withBrackets(w.Namespace, s)
			})))
	case plan.SharedGroup:
		return fmt.Sprintf("%s groups are in other living certificates too, and what is granted to them now counts for those: %s: %s", n, names(each(w.Holders, holderWords)), named())
	case plan.SetUnfiled:
		return fmt.Sprintf("%s sets have kubeconfigs in this directory and living certificates, and no users file of this run describes them: nothing of them changes. "+
			"If their files have gone, or they have other names now: provision destroy --set SET; to look first: provision status --all-sets: %s",
			n, names(each(group, func(w plan.Warning) string { return withBrackets(w.Name, names(w.Items)) })))
	case plan.LeaverBound:
		return fmt.Sprintf("%s people have left this set, and bindings that are not of this set still grant to their names or to groups in a living certificate; each line says how to take some of that away: %s", n, users())
	case plan.NotBegun:
		last, differ := latest(group, func(w plan.Warning) time.Time { return w.Until })
		begins := func(w plan.Warning) string {
			if differ {
				return "at " + timeWords(w.Until)
			}
			return ""
		}
		when := "at " + timeWords(last)
		if differ {
			when = "later, the last " + when
		}
		return fmt.Sprintf("the certificates of %s users begin only %s: the clock of this machine or of the signer is wrong: %s", n, when,
			names(each(group, func(w plan.Warning) string { return withBrackets(plan.Quoted(w.User), begins(w)) })))
	case plan.WithoutUntilNew:
		return fmt.Sprintf("%s: in %s", movesToGroupWords(w, "in "+n+" namespaces", names), namespaces())
	}
	return strings.Join(each(group, func(w plan.Warning) string { return warningWords(w, names) }), "; ")
}

// askedWords names each user with how long a certificate was asked for.
func askedWords(group []plan.Warning) []string {
	var users []string
	for _, w := range group {
		for _, user := range w.Items {
			users = append(users, withBrackets(plan.Quoted(user), "asked for "+usersfile.FormatDuration(w.Asked)))
		}
	}
	return users
}

// reachWords says that something reaches the whole cluster; "": it is in a namespace, which is named elsewhere.
func reachWords(w plan.Warning) string {
	if w.Namespace != "" {
		return ""
	}
	return " " + whereWords("")
}

// roleWords names a role and where it is bound.
func roleWords(w plan.Warning) string {
	switch {
	case w.Role.Kind == "Role":
		return objectName(w.Role.In(w.Namespace))
	case w.Namespace != "":
		return objectName(w.Role.In("")) + " " + whereWords(w.Namespace)
	}
	return objectName(w.Role.In(""))
}

// misplacedWords names kubeconfigs that are in wrong places in one way, and says what to do with them.
func misplacedWords(group []plan.Warning, names lister) string {
	until, ends := untilWords(group, func(w plan.Warning) time.Time { return w.Until })
	what := misplacement(group[0])
	files := names(each(group, func(w plan.Warning) string {
		if what == aCopy {
			return withBrackets(w.Name, plan.Quoted(w.User)+"'s", ends(w))
		}
		return w.Name + " to " + w.To
	}))
	s := fmt.Sprintf("%s kubeconfigs hold private keys of users whose names they do not have, which are good %s", thousands(len(group)), until)
	// A file for another place is renamed, which is said below.
	//exhaustive:ignore
	switch what {
	case aCopy:
		return s + ": a copy is as good as the original; remove those that nobody needs: " + files
	case misspelt:
		return s + ", but the files' names are spelled in another way (upper case, or Unicode as macOS writes it): rename " + files
	}
	return s + ": rename " + files
}

// similarGroupsWords doubts several groups, each as meantGroup names it.
func similarGroupsWords(groups []string, names lister) string {
	return fmt.Sprintf("groups that are not under groups are given %s: are they spelled right? %s", times(len(groups)), names(groups))
}

// meantGroup names a group that may be misspelt, with those who get it, and with the one that may be meant, if there is one.
func meantGroup(group, defined, who string) string {
	return withBrackets(plan.Quoted(group), "to "+who, meantWords(defined))
}

// meantWords asks whether another name was meant; "" asks nothing.
func meantWords(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean " + plan.Quoted(name) + "?"
}

// alike is what warnings that are told together have in common. A field of a warning that is not in it may differ: the users and
// objects that each is about.
type alike struct {
	code  plan.WarningCode
	wide  bool // in the whole cluster, which is said by itself
	kind  string
	name  string
	to    string
	items string
}

// likeness is equal for warnings that are told together.
func likeness(w plan.Warning) any {
	l := alike{code: w.Code}
	// Other warnings are told each by itself.
	//exhaustive:ignore
	switch w.Code {
	case plan.NotBegun, plan.SwappedRequest, plan.UnboundGroup, plan.NothingToForget, plan.MisplacedOfLeaver, plan.SetUnfiled, plan.LeaverBound:
	case plan.StillAuthenticates, plan.StillInGroup, plan.NameAgain, plan.NameInOtherSet:
		l.items = values(w.Items)
	case plan.SharedGroup:
		l.items = values(w.Holders)
	case plan.GrantedElsewhere:
		l.items = values(grantedBy(w))
		if w.User == "" {
			l.kind = "Group"
		}
	case plan.ClusterAdmin, plan.PowerfulGrant:
		l.wide, l.items = w.Namespace == "", values(w.Subjects)
	case plan.PowerfulRole:
		l.wide, l.kind, l.items = w.Namespace == "", w.Role.Kind, values(w.Rules)
	case plan.WithoutUntilNew:
		l.wide, l.kind, l.name, l.items = w.Namespace == "", w.Role.Kind, w.Role.Name, values(w.Items)
	case plan.ShorterThanAsked, plan.LongerThanAsked:
		l.to = w.Issued.String()
	case plan.LedgerDamaged:
		l.to = w.To
	case plan.LedgerCopy:
		l.name, l.to = w.Name, w.To
	case plan.OtherEntries:
		l.to, l.items = w.To, values(w.Entries)
	case plan.MisplacedKubeconfig:
		l.kind = string(misplacement(w))
	default:
		return nil
	}
	return l
}

// misplaced is the way in which a kubeconfig is in a wrong place.
type misplaced string

const (
	aCopy     misplaced = "copy"     // the user has another one
	misspelt  misplaced = "misspelt" // its name is the user's in another spelling
	elsewhere misplaced = "renamed"
)

func misplacement(w plan.Warning) misplaced {
	switch {
	case w.To == "":
		return aCopy
	case usersfile.SameFileName(w.Name, w.To):
		return misspelt
	}
	return elsewhere
}
