package view

import (
	"fmt"
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

const (
	// goOn says until when what several have goes on, and userGoesOn names each user, with that where it differs.
	goOn       = "until {{time .Last}}{{if .Differ}} at the latest{{end}}"
	userGoesOn = "{{quoted .User}}{{if .Differ}} (until {{time .Until}}){{end}}"
)

// warningsTexts say what a person should know of several warnings that likeness puts together: of all, and behind that of each.
var warningsTexts = map[plan.WarningCode]struct{ all, each string }{
	plan.StillAuthenticates: {"{{.N}} users still authenticate " + goOn + ": Kubernetes cannot revoke a certificate" +
		"{{with .Items}}; what is bound to the groups in theirs still holds: {{$.List .}}{{end}}" +
		"{{with .Left}}; to bind the members of {{$.List .}} instead, at once: provision revoke USER, for each{{end}}: ", userGoesOn},
	plan.StillInGroup: {"the old certificates of {{.N}} users still say {{.List .Items}} " + goOn + ": Kubernetes cannot revoke them: ", userGoesOn},
	plan.KeyChangesHands: {"the private keys of {{.N}} users change hands: make sure that these users have the new ones" +
		"{{if not .Last.IsZero}}; whoever has the ones before can log in with them " + goOn + "{{end}}: ",
		"{{quoted .User}} ({{.KeyWas}} -> {{.KeyWillBe}}{{if .Differ}}; until {{time .Until}}{{end}})"},
	plan.ClusterAdmin: {"cluster-admin in {{.N}} namespaces goes to {{.List (subjects .Subjects)}}: ", "{{.Namespace}}"},
	plan.NameNotBlocked: {"NOT BLOCKED: certificates of {{.N}} users whose ids the ledger does not have: they could only be blocked by name, " +
		"and in {{with .Name}}the set {{.}}{{else}}this set{{end}} somebody has their names: ", "{{quoted .User}}"},
	plan.ShorterThanAsked: {"the signer shortened the certificates of {{plural (len .All) \"user\"}} to {{duration .Issued}} (kube-controller-manager --cluster-signing-duration): ", askedFor},
	plan.LongerThanAsked: {"the signer issued the certificates of {{plural (len .All) \"user\"}} for {{duration .Issued}} where less was asked for, " +
		"so they cannot be relied on to end: ", askedFor},
	plan.UnboundGroup: {"nothing is bound to {{.N}} groups, which are given for the first time: are they spelled right? ",
		"{{quoted .Name}} (to {{.List .Items}}{{with .To}}, did you mean {{quoted .}}?{{end}})"},
	plan.PowerfulRole: {"{{.N}} roles of this set allow everything" + widely + ", or let their holders give themselves more: {{rules .Rules}}: ", "{{role .Warning}}{{roleReach .Warning}}"},
	plan.PowerfulGrant: {"{{.N}} grants" + widely + " are of roles that allow everything, or let their holders give themselves more, and go to {{.List (subjects .Subjects)}}: ",
		"{{role .Warning}}{{roleReach .Warning}}"},
	plan.MisplacedKubeconfig: {"{{.N}} kubeconfigs hold private keys of users whose names they do not have, which are good " + goOn +
		"{{if not .To}}: a copy is as good as the original; remove those that nobody needs: {{else}}" +
		"{{if misspelt .Warning}}, but the files' names are spelled in another way (upper case, or Unicode as macOS writes it){{end}}: rename {{end}}",
		"{{.Name}}{{if .To}} to {{.To}}{{else}} ({{quoted .User}}'s{{if .Differ}}, until {{time .Until}}{{end}}){{end}}"},
	plan.MisplacedOfLeaver: {"{{.N}} kubeconfigs hold the private keys of people who are out of the set and can log in with them " + goOn + ": remove them: ",
		"{{.Name}} ({{quoted .User}}'s{{if .Differ}}, until {{time .Until}}{{end}})"},
	plan.NothingToForget: {"--forget-cluster: no kubeconfig here has an entry of this set for {{.N}} of the clusters: ", "{{quoted .Name}}"},
	plan.OtherEntries: {"{{.N}} kubeconfigs have entries that provision did not make for their users: {{.EntryList}}" +
		": if their users do not know them, take them out: they may run a program of somebody else's: ", "{{.Name}}"},
	plan.SwappedRequest: {"{{.N}} requests have the names of users' requests, but other keys made them: they are not approved; find out who made them (kubectl get csr NAME -o yaml): ",
		"{{.Name}} ({{quoted .User}}'s)"},
	plan.NameAgain: {"people who left {{if .Items}}{{.Sets}} {{end}}had {{.N}} of the names, and can log in with them " + goOn +
		"{{if .Items}}: if those are not the same people, choose other names{{else}} (reuse: true)" +
		"{{if .Generation}}; what this set grants to them counts for those certificates, too: higher generations in the users file keep those out{{end}}{{end}}: ", userGoesOn},
	plan.NameInOtherSet:   {"{{.N}} users have certificates in {{.Sets}} too: one name each, so what any of the sets grants counts for all: ", "{{quoted .User}}"},
	plan.LedgerDamaged:    {"{{.N}} ConfigMaps cannot be read, so what they say of anybody's certificates is not known: {{.To}}: ", "{{object .Object}}"},
	plan.GrantedElsewhere: {"{{.N}} names have rights from outside this set already: {{.List (grants .Warning)}}: to ", "{{grantee .Warning}}"},
	plan.LedgerCopy: {"{{.N}} namespaces have ConfigMaps that look like records of this set, whose ledger is in the namespace {{.Name}}: " +
		"if ledger.namespace was one of them, move them ({{moveLedger .To \"NAMESPACE\" .Name}}); if not, somebody has put them there: ",
		"{{.Namespace}}{{with .Items}} (living certificates of {{$.List .}}{{with $.Left}}; left by them: {{$.List .}}{{end}}){{end}}"},
	plan.SharedGroup: {"{{.N}} groups are in other living certificates too, and what is granted to them now counts for those: {{.List (holders .Holders)}}: ", "{{quoted .Name}}"},
	plan.GroupReleased: {"this set binds {{.N}} groups no more, but their members by their names: who is not one loses what the set grants to them" +
		"{{with .Holders}}; they are in living certificates of {{$.List (holders .)}}{{end}}" +
		"{{with .Held}}; others bind them too, so people may have them whom no ledger knows (OIDC, say): {{$.List (grants $.Warning)}}{{end}}" +
		"; bindTo: Group in the users file keeps them bound: ", "{{quoted .Name}}"},
	plan.GroupEnds: {"{{.N}} groups, which {{.List .Left}} has in living certificates, are taken out of this set's bindings, and their members are bound instead: whoever else has them loses what the set grants to them" +
		"{{with .Holders}}; they are in living certificates of {{$.List (holders .)}}{{end}}" +
		"{{with .Held}}; others bind them too, so people may have them whom no ledger knows (OIDC, say): {{$.List (grants $.Warning)}}{{end}}" +
		"{{with .Items}}; the next apply binds further members, of whom no certificate with them is known: {{$.List .}}{{end}}: ", "{{quoted .Name}}"},
	plan.NothingSelected: {"no namespace has the labels of {{.N}} selectors: nothing is granted by them: ", "{{.Name}}"},
	plan.SetUnfiled: {"{{.N}} sets have kubeconfigs in this directory and living certificates, and no users file of this run describes them: nothing of them changes. " +
		"If their files have gone, or they have other names now: provision destroy --set SET; to look first: provision status --all-sets: ",
		"{{.Name}}{{with .Items}} ({{$.List .}}){{end}}"},
	plan.OwnKey: {"{{.N}} users get certificates for keys that were not made here, and who has such a key is that user to the cluster: compare them with what they say (SHA-256): ",
		"{{quoted .User}} {{.Name}}{{with .To}} (before {{.}}){{end}}"},
	plan.NewRequestDue: {"{{.N}} users have to make new requests, for no key is used twice: ",
		"{{quoted .User}}{{since .Since}} ({{.Why}}): {{.RequestCommand}}"},
	plan.LeaverBound: {"{{.N}} people have left this set, and bindings that are not of this set still grant to their names or to groups in a living certificate; " +
		"each line says how to take some of that away: ", "{{quoted .User}}"},
	plan.OutlivesEnd: {"{{.N}} users can log in after their end by the users file, " + goOn + ", without what this set grants: Kubernetes cannot revoke a certificate: ",
		"{{quoted .User}} (ends {{moment .Since}}{{if .Differ}}, certificate until {{time .Until}}{{end}})"},
	plan.NotBegun: {"the certificates of {{.N}} users begin only {{if .Differ}}later, the last {{end}}at {{time .Last}}: the clock of this machine or of the signer is wrong: ",
		"{{quoted .User}}{{if .Differ}} (at {{time .Until}}){{end}}"},
	plan.NewGeneration: {"{{.N}} users have new generations: older kubeconfigs of theirs lose what this set grants, at once, so they are without it until the new ones are in use; " +
		"the older ones can still log in " + goOn + olderKeep + ": ", userGoesOn},
	plan.WithoutUntilNew: {"{{object (.Role.In \"\")}} in {{.N}} namespaces goes over to a group that only the new certificates have: " +
		"until the new kubeconfigs are in use, it is missing for {{.List .Items}}: in ", "{{.Namespace}}"},
}

const (
	// widely says that something reaches the whole cluster; what is in a namespace is named with it.
	widely = "{{if not .Namespace}} in the whole cluster{{end}}"
	// askedFor names a user with how long a certificate was asked for.
	askedFor = "{{range .Items}}{{quoted .}}{{end}} (asked for {{duration .Asked}})"
)

// warningsWords says what a person should know of one warning, or of several that are alike. Of grave ones nobody is left out: the
// person who approves a plan must read all of the power that it gives, and five harmless names must not hide a sixth.
func warningsWords(group []plan.Warning, names lister) string {
	if group[0].Grave() {
		names = everyone
	}
	if len(group) == 1 {
		return warningWords(group[0], names)
	}
	all := warned{Warning: group[0], All: group, names: names}
	all.Last, all.Differ = latest(group, func(w plan.Warning) time.Time { return w.Until })
	if all.Code == plan.ShorterThanAsked || all.Code == plan.LongerThanAsked {
		all.All = forEach(group)
	}
	texts := warningsTexts[all.Code]
	return fill(texts.all, all) + names(each(all.All, func(w plan.Warning) string {
		one := all
		one.Warning = w
		return fill(texts.each, one)
	}))
}

// forEach makes a warning of each of the users in Items.
func forEach(group []plan.Warning) []plan.Warning {
	var single []plan.Warning
	for _, w := range group {
		for _, user := range w.Items {
			w.Items = []string{user}
			single = append(single, w)
		}
	}
	return single
}

// roleObject names the role of a warning where it is.
func roleObject(w plan.Warning) string {
	if w.Role.Kind == "Role" {
		return objectName(w.Role.In(w.Namespace))
	}
	return objectName(w.Role.In(""))
}

// roleReach says where a ClusterRole is bound in a namespace; "": the name of the role says it, or it reaches the whole cluster.
func roleReach(w plan.Warning) string {
	if w.Role.Kind == "Role" || w.Namespace == "" {
		return ""
	}
	return " " + whereWords(w.Namespace)
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
	wide  bool // in the whole cluster, or with a generation, which is said by itself
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
	case plan.KeyChangesHands:
		l.wide = w.Until.IsZero()
	case plan.NotBegun, plan.SwappedRequest, plan.UnboundGroup, plan.NothingToForget, plan.MisplacedOfLeaver, plan.NothingSelected, plan.SetUnfiled, plan.LeaverBound, plan.OwnKey, plan.NewRequestDue, plan.OutlivesEnd:
	case plan.NameAgain:
		l.wide, l.items = w.Generation > 0, values(w.Items)
	case plan.StillAuthenticates, plan.StillInGroup, plan.NameInOtherSet:
		l.items = values(w.Items)
	case plan.SharedGroup:
		l.items = values(w.Holders)
	case plan.GroupEnds:
		l.items, l.to = values(w.Holders, grantedBy(w), w.Items), values(w.Left)
	case plan.GroupReleased:
		l.items = values(w.Holders, grantedBy(w))
	case plan.GrantedElsewhere:
		l.items = values(grantedBy(w))
		if w.User == "" {
			l.kind = "Group"
		}
	case plan.ClusterAdmin, plan.PowerfulGrant:
		l.wide, l.items = w.Namespace == "", values(w.Subjects)
	case plan.PowerfulRole:
		l.wide, l.kind, l.items = w.Namespace == "", w.Role.Kind, values(w.Rules)
	case plan.NewGeneration:
		l.items, l.to = values(w.Items), values(grantedBy(w))
	case plan.WithoutUntilNew:
		l.wide, l.kind, l.name, l.items = w.Namespace == "", w.Role.Kind, w.Role.Name, values(w.Items)
	case plan.ShorterThanAsked, plan.LongerThanAsked:
		l.to = w.Issued.String()
	case plan.NameNotBlocked:
		l.name = w.Name
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
