package view

import (
	"fmt"
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// warningTexts say what a person should know, for each code but those of outsideWords.
var warningTexts = map[plan.WarningCode]string{
	plan.StillAuthenticates: "{{.User}} still authenticates until {{time .Until}}: Kubernetes cannot revoke a certificate{{with .Items}}; what is bound to the groups in it still holds: {{$.List .}}{{end}}" +
		"{{with .Left}}; to bind the members of {{$.List .}} instead, at once: provision revoke {{shell $.User}}{{end}}",
	plan.KeyChangesHands: "{{.User}}'s private key changes hands: {{.KeyWas}} -> {{.KeyWillBe}}: make sure that {{.User}} has that" +
		"{{if not .Until.IsZero}}; whoever has the one before can log in with it until {{time .Until}}{{end}}",
	plan.Escrowed:         "{{.List .Left}} can open the {{if eq (len .Items) 1}}private key{{else}}private keys{{end}} of {{.List .Items}} too, and log in as {{if eq (len .Items) 1}}that user{{else}}these users{{end}} (escrow in the users file)",
	plan.NotProved:        "nobody has logged in with the certificate of {{.List .Items}}: only its owner has the private key; what can be judged without a login is as it should be",
	plan.StillInGroup:     "{{.User}}'s old certificate still says {{.List .Items}} until {{time .Until}}: Kubernetes cannot revoke it",
	plan.ClusterAdmin:     "cluster-admin {{where .Namespace}} goes to {{.List (subjects .Subjects)}}",
	plan.DurationLater:    "the duration in the file differs from that of the present certificate of {{.List .Items}}: it counts from the next certificate",
	plan.ShorterThanAsked: "the signer shortened certificates from {{duration .Asked}} to {{duration .Issued}} (kube-controller-manager --cluster-signing-duration): {{.List .Items}}",
	plan.EndsWithCA:       "the cluster's CA ends on {{time .Until}}, and with it what it signs, whatever was asked for: {{.List .Items}}",
	plan.LongerThanAsked:  "the signer issued certificates for {{duration .Issued}} where {{duration .Asked}} were asked for, so they cannot be relied on to end: {{.List .Items}}",
	plan.OlderLives:       "the certificates that are replaced go on until {{time .Until}} at the latest: Kubernetes cannot revoke them: {{.List .Items}}",
	plan.UnboundGroup:     "nothing is bound to the group {{quoted .Name}}, which is given for the first time: {{if .To}}did you mean {{quoted .To}}?{{else}}is it spelled right?{{end}} It goes to {{.List .Items}}",
	plan.PowerfulRole:     "{{role .Warning}} of this set allows everything{{roleReach .Warning}}, or lets its holders give themselves more: {{rules .Rules}}",
	plan.PowerfulGrant:    "{{object (.Role.In \"\")}} allows everything, or lets its holders give themselves more: {{where .Namespace}} it goes to {{.List (subjects .Subjects)}}",
	plan.IssuedElsewhere:  "no kubeconfig here, but a valid certificate, for {{.List .Items}}: the kubeconfig is in another directory, or lost; --reissue-missing issues a new one here",
	plan.MisplacedKubeconfig: "{{.Name}} holds {{.User}}'s private key, which is good until {{time .Until}}" +
		"{{if not .To}}: a copy is as good as the original; remove it if nobody needs it" +
		"{{else}}{{if misspelt .Warning}}, but the file's name is spelled in another way (upper case, or Unicode as macOS writes it){{end}}: rename it to {{.To}}{{end}}",
	plan.MisplacedOfLeaver: "{{.Name}} holds the private key of {{.User}}, who is out of the set and can log in with it until {{time .Until}}: remove it",
	plan.ClusterReplaced:   "kubeconfigs have an entry for another cluster ({{.Name}}) at {{.To}}: if that one is gone (rebuilt, say), --forget-cluster {{.Name}} takes its entries out: {{.List .Items}}",
	plan.NothingToForget:   "--forget-cluster {{.Name}}: no kubeconfig here has an entry of this set for that cluster",
	plan.OtherEntries: "{{.Name}} has entries that provision did not make for {{.User}}: {{.EntryList}}" +
		": if {{.User}} does not know them, take them out: they may run a program of somebody else's",
	plan.ForeignRequest: "requests carry this set's label and wait for approval, but no key of ours made them: do not approve them: {{.List .Items}}",
	plan.SwappedRequest: "certificatesigningrequest/{{.Name}} has the name of {{.User}}'s request, but another key made it: it is not approved; find out who made it (kubectl get csr {{.Name}} -o yaml)",
	plan.ReservedNames:  "the file allows itself names that belong to Kubernetes itself, with all that the cluster grants them: {{.List .Items}}",
	plan.NameAgain: "{{if .Items}}somebody who left {{.Sets}} had the name {{quoted .User}}, and can log in with it until {{time .Until}}: if that is not the same person, choose another name" +
		"{{else}}somebody who left had the name {{.User}}, and can log in with it until {{time .Until}} (reuse: true)" +
		"{{if .Generation}}; what this set grants to them counts for that certificate, too: generation: {{.Generation}} in the users file keeps it out{{end}}{{end}}",
	plan.NameInOtherSet: "{{quoted .User}} has a certificate in {{.Sets}}: one name, so " +
		"{{if gt (len .Items) 1}}what any of the sets grants counts for all{{else}}what either set grants counts for both{{end}}",
	plan.LabelCopied:      "bindings carry this set's label, but not a name of this set: they are left alone: {{.List (objects .Objects)}}",
	plan.LedgerDamaged:    "{{object .Object}} cannot be read, so what it says of anybody's certificates is not known: {{.To}}",
	plan.GrantedElsewhere: "{{grantee .Warning}} has rights from outside this set already: {{.List (grants .Warning)}}",
	plan.ElsewhereEnds: "nothing here renews the certificate of {{.List .Items}}, whose kubeconfig is not here, and it ends soon ({{if gt (len .Items) 1}}the first {{end}}{{time .Until}}): " +
		"--renew-elsewhere, or renewElsewhere: true in the users file, issues a new one here",
	plan.LostLives: "a certificate whose kubeconfig is not here goes on until {{time .Until}} at the latest, for {{.List .Items}}: Kubernetes cannot revoke it. " +
		"If it was stolen, not lost, a new one does not help: raise the user's generation in the users file",
	plan.LedgerCopy: "namespace {{.Namespace}} has ConfigMaps that look like records of this set, whose ledger is in the namespace {{.Name}}" +
		"{{with .Items}}, with living certificates of {{$.List .}}{{end}}" +
		"{{with .Left}}; by them alone somebody who left had the name, and can log in with it: {{$.List .}}{{end}}" +
		": if ledger.namespace was {{.Namespace}}, move them ({{moveLedger .To .Namespace .Name}}); if not, somebody has put them there",
	plan.LedgerUnsearched: "namespace {{.Namespace}} has no records of this set, and other namespaces cannot be searched (list configmaps): if ledger.namespace was changed, move them first",
	plan.SharedGroup:      "the group {{quoted .Name}} is in other living certificates too, and what is granted to it now counts for them: {{.List (holders .Holders)}}",
	plan.GroupReleased: "this set binds the group {{quoted .Name}} no more, but its members by their names: who is not one loses what the set grants to it" +
		"{{with .Holders}}; it is in living certificates of {{$.List (holders .)}}{{end}}" +
		"{{with .Held}}; others bind it too, so people may have it whom no ledger knows (OIDC, say): {{$.List (grants $.Warning)}}{{end}}" +
		"; bindTo: Group in the users file keeps it bound",
	plan.GroupEnds: "the group {{quoted .Name}}, which {{.List .Left}} has in a living certificate, is taken out of this set's bindings, and its members are bound instead: whoever else has it loses what the set grants to it" +
		"{{with .Holders}}; it is in living certificates of {{$.List (holders .)}}{{end}}" +
		"{{with .Held}}; others bind it too, so people may have it whom no ledger knows (OIDC, say): {{$.List (grants $.Warning)}}{{end}}" +
		"{{with .Items}}; the next apply binds further members, of whom no certificate with it is known: {{$.List .}}{{end}}",
	plan.NothingSelected: "no namespace has the labels {{.Name}}: nothing is granted by them",
	plan.SetUnfiled: "the set {{.Name}} has kubeconfigs in this directory and living certificates ({{.List .Items}}), and no users file of this run describes it: nothing of it changes. " +
		"If its file has gone, or it has another name now: provision destroy --set {{.Name}}; to look first: provision status --all-sets",
	plan.LeaverBound:  "{{quoted .User}} has left this set, and bindings that are not of this set still grant to the name or to groups in a living certificate; each line says how to take one of them away:",
	plan.ClockDiffers: "{{clock .Seconds}}",
	plan.NotBegun:     "{{.User}}'s certificate begins only at {{time .Until}}: the clock of this machine or of the signer is wrong",
	plan.CANotChecked: "whether certificates are signed by the cluster's current CA was not checked: {{cause .To}}",
	plan.NewGeneration: "{{.User}} has generation {{.Generation}} now: older kubeconfigs of theirs lose what this set grants, at once, so {{.User}} is without it until the new one is in use; " +
		"the older ones can still log in until {{time .Until}}" + olderKeep,
	plan.WithoutUntilNew: "{{object (.Role.In \"\")}} {{where .Namespace}} goes over to a group that only the new certificates have: until the new kubeconfigs are in use, it is missing for {{.List .Items}}",
	plan.FrontProxyAnybody: "the API server takes every client certificate of this cluster's CA for that of its front proxy, so whoever has one can act as anybody: " +
		"give the front proxy a CA of its own (kube-apiserver --requestheader-client-ca-file), or set --requestheader-allowed-names",
	plan.LocalServer:  "the kubeconfigs lead to {{.Name}}, which only {{if .To}}a pod{{else}}this machine{{end}} reaches: set cluster.server in the users file to the address that the users reach, or to this one if that is meant",
	plan.LocalProxy:   "the kubeconfigs go through your own proxy {{.Name}}, which only this machine reaches: set cluster.proxyURL in the users file (\"\" is none), or to this one if that is meant",
	plan.PrivateProxy: "the proxy-url of your own context, {{.Name}}, holds a user name or a password: the kubeconfigs do not get it, and go through no proxy; set cluster.proxyURL in the users file, \"\" if none is meant",
	plan.OtherCluster: "{{if .To}}the users file says {{.List .Items}}, which is what your context {{quoted .To}} leads to, not {{quoted .Name}}: is this the cluster that it is meant for? cluster.uid in the users file ties it to one" +
		"{{else}}the kubeconfigs of this set here are for {{.List (addresses .Clusters)}}, and this cluster has never had one of the set: is it the cluster that is meant? cluster.uid in the users file ties the set to one{{end}}",
	plan.NotBlockedByVersion: "NOT BLOCKED: certificates cannot be blocked at admission in Kubernetes {{.Name}}, which does not tell one from another; 1.32 does",
	plan.NotBlockedByRights:  "{{if .Items}}NOT BLOCKED: {{.List .Items}}{{else}}the block at admission stays as it is{{end}}: you lack permissions for it, and all else is done:",
	plan.OwnNotBlocked:       "NOT BLOCKED: a certificate of {{quoted .User}}, which is the one that runs this command",
	plan.SystemNotBlocked:    "NOT BLOCKED: a certificate of {{quoted .User}} whose id the ledger does not have: it could only be blocked by name, and components of Kubernetes have such names",
	plan.NameNotBlocked:      "NOT BLOCKED: a certificate of {{quoted .User}} whose id the ledger does not have: it could only be blocked by name, and in {{with .Name}}the set {{.}}{{else}}this set{{end}} somebody has the name",
	plan.BlockNotRead:        "the ledger says that certificates are blocked at admission, and whether they are cannot be seen: {{cause .To}}",
	plan.OwnKey: "{{quoted .User}} gets a certificate for a key that was not made here, and who has that key is {{quoted .User}} to the cluster: compare it with what they say: {{.Name}} (SHA-256)" +
		"{{with .To}}, before {{.}}{{end}}",
	plan.NewRequestDue: "{{quoted .User}} has to make a new request{{since .Since}}, for no key is used twice: {{.Why}}" +
		"{{if not .Until.IsZero}}; until {{time .Until}} they can log in as before{{end}}: {{.RequestCommand}}",
	plan.EndsPassed:      "what has ended as the users file says is still in it, and counts as not there: take it out, or give it a later end: {{.List (ends .Ends)}}",
	plan.OutlivesEnd:     "{{quoted .User}} ends {{moment .Since}} by the users file, and can log in until {{time .Until}}, without what this set grants: Kubernetes cannot revoke a certificate",
	plan.NoTimeLeft:      "no certificate is asked for, as Kubernetes issues none for less than 10m, and the users file ends them before that: {{.List .Items}}",
	plan.EndsAfterCA:     "the cluster's CA ends {{time .Until}}, and no certificate goes on after it, whatever the users file says: {{.List (ends .Ends)}}",
	plan.ServersDisagree: "the API servers behind {{.Name}} do not agree about certificates of one client CA: {{.Count}} of {{.Total}} logins were refused; nobody gets a new certificate for it; " + wayToAgree,
}

// olderKeep says what a new generation does not end.
const olderKeep = "{{with .Items}}; what is bound to the groups in them still holds: {{$.List .}}{{end}}" +
	"{{if .Held}}; what others have bound to the name or these groups still holds: {{.List (grants .Warning)}}{{end}}"

// warningWords says what a person should know. It knows every code; of another it says the code.
func warningWords(w plan.Warning, names lister) string {
	if w.Outside() {
		return outsideWords(w, names)
	}
	if text, ok := warningTexts[w.Code]; ok {
		return fill(text, warned{Warning: w, names: names})
	}
	return string(w.Code)
}

// warned is what the texts of warnings are about: a warning, or the first of several that are alike.
type warned struct {
	plan.Warning
	All    []plan.Warning
	Last   time.Time // the last Until of them
	Differ bool      // they have several
	names  lister
}

// List writes a list of names.
func (w warned) List(items []string) string { return w.names(items) }

// KeyWas says where a private key was, and for whom it was sealed.
func (w warned) KeyWas() string { return keyWords(plan.KeyPlace(w.Name), w.Left) }

// KeyWillBe says where it will be.
func (w warned) KeyWillBe() string { return keyWords(plan.KeyPlace(w.To), w.Items) }

// N counts the warnings.
func (w warned) N() string { return thousands(len(w.All)) }

// Sets names the sets in Items.
func (w warned) Sets() string {
	if len(w.Items) == 1 {
		return "the set " + w.Items[0]
	}
	return "the sets " + w.names(w.Items)
}

// EntryList names Entries, and the one of them that is the current context.
func (w warned) EntryList() string {
	s := w.names(each(w.Entries, plan.Entry.String))
	if w.To != "" {
		s += "; the current context, " + plan.Quoted(w.To) + ", is one of them"
	}
	return s
}

// clockWords says by how much the clock of this machine is wrong, or the API server's: how many seconds it is ahead.
func clockWords(seconds int) string {
	ahead, side := time.Duration(seconds)*time.Second, "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	return fmt.Sprintf("the clock of this machine is %s %s the API server's: set it right (date; timedatectl); until then a certificate counts as living if either clock says so, and renewals go by the API server's",
		usersfile.FormatDuration(ahead.Abs().Round(time.Minute)), side)
}

// subjectTexts names subjects: "user jane", "group a:b".
func subjectTexts(list []plan.Subject) []string { return each(list, plan.Subject.String) }

// objectNames names objects.
func objectNames(list []plan.Object) []string { return each(list, objectName) }

// holderTexts names people with a certificate of a set: "jane (set web)".
func holderTexts(list []plan.Holder) []string {
	return each(list, func(h plan.Holder) string { return plan.Quoted(h.User) + " (set " + h.Set + ")" })
}

// addressTexts names clusters with their servers: "prod (https://prod:6443)".
func addressTexts(list []plan.Address) []string {
	return each(list, func(a plan.Address) string { return a.Name + " (" + a.Server + ")" })
}

// grantedTo names the subject to which others grant what a warning tells of.
func grantedTo(w plan.Warning) string {
	return w.Held[0].Subject.String()
}

// grantedBy names the bindings that a warning tells of, with their roles.
func grantedBy(w plan.Warning) []string {
	return each(w.Held, func(h plan.Held) string {
		return objectName(h.Binding.Object()) + " (" + objectName(h.Binding.RoleRef.In("")) + ")"
	})
}

// similarGroupWords doubts a group that may be misspelt.
func similarGroupWords(user, group, defined string) string {
	return fmt.Sprintf("user %s is in the group %s, which is not under groups: %s", plan.Quoted(user), plan.Quoted(group), meantWords(defined))
}
