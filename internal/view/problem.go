package view

import (
	"fmt"
	"slices"
	"time"

	"provision/internal/plan"
)

// problemTexts say what must be fixed in a set, and how.
var problemTexts = map[plan.ProblemCode]struct{ what, way string }{
	plan.NamespaceMissing: {`namespace {{printf "%q" .Name}} does not exist`, "kubectl create namespace {{.Name}}  # or set namespaces: create in the users file"},
	plan.NamespaceEnding:  {`namespace {{printf "%q" .Name}} is being deleted`, "wait until it is gone, or take it out of the users file"},
	plan.RoleMissing: {"{{object .Object}} does not exist",
		"{{with .Detail}}did you mean {{.}}? else {{end}}create it, or define it under roles: in the users file"},
	plan.ForeignObject: {"{{object .Object}} is there already and is not ours: {{if .Detail}}it belongs to the set {{.Detail}}{{else}}it does not carry this set's label{{end}}",
		"rename or remove one of the two{{if not .Detail}}; if it is this set's and lost its label: kubectl label {{object .Object}} " + setLabel + "{{end}}"},
	plan.LabelGone: {"{{object .Object}} has {{if .Detail}}a name of this set's, but belongs to the set {{.Detail}}: what it grants stays" +
		"{{else}}this set's name but not its label: somebody took that off, or made it; what it grants stays{{end}}", "remove it: kubectl delete {{object .Object}}"},
	plan.ForeignFile:    {"{{.Name}} is not ours: {{.Detail}}", "move it away"},
	plan.FileOfOtherSet: {"{{.Name}} belongs to the set {{.Detail}}", `{{wayOutOfSet "the user" .Detail .Held}}`},
	plan.NamedTwice: {"{{.AlsoAt}} names {{quoted .User}} too, and this set has nothing of that name yet",
		"take the user out of one of the two files: who moves from one set to another leaves the old one in the same run"},
	plan.NameClaimed:    {"the set {{.Detail}} has a certificate for {{quoted .User}}, and a users file with a mistake may be that of this set", "mend the users file first"},
	plan.UnreadableFile: {"{{.Name}} cannot be read: {{.Detail}}", "chmod 600 the file"},
	plan.UnmarkedFile: {"{{.Name}} has a certificate for {{quoted .User}} at {{orDash .Detail}}, but not the mark by which provision knows its own: a tool that drops extensions may have rewritten it",
		"if it is this set's: provision apply --reissue {{shell .User}}; else move it away"},
	plan.ClusterNameTaken: {`{{.Name}} has another cluster's entry named {{printf "%q" .Detail}}`,
		"{{with .Cluster}}if that cluster is gone (rebuilt under the same name, say): --forget-cluster {{.}}; else {{end}}set cluster.name in the users file to a name of its own"},
	plan.FrontProxyName: {`{{printf "%q" .User}} is a name of the cluster's front proxy, which has the same CA: whoever has a certificate for it can act as anybody (kube-apiserver --requestheader-allowed-names)`,
		"choose another name, or give the front proxy a CA of its own; to have it all the same, list the name under allowReserved"},
	plan.NoClientCertificates: {"{{.Name}} asks for no client certificate, so none works there: something in between ends TLS (a proxy, a load balancer), " +
		"or the API server takes none (--client-ca-file); no certificate is asked for", wayToServer},
	plan.NameReused: {`somebody who was removed had the name {{printf "%q" .User}}, and a certificate for it lives until {{time .Until}}: who holds it would be {{.User}}`,
		"choose another name, wait, or set reuse: true for this user if it is the same person"},
	plan.GenerationLowered: {`{{printf "%q" .User}} has {{generation .Generation}} in the file, and a higher one was used before: a number that was left would come to life again in older kubeconfigs`,
		"set generation: {{.Least}} for this user, or a higher number to end all earlier kubeconfigs; until then nothing changes for them"},
	plan.GenerationEnded: {`{{printf "%q" .User}} has {{generation .Generation}} in the file: such certificates of theirs were revoked, and one lives until {{time .Until}}`,
		"set generation: {{.Least}} for this user: they get a new kubeconfig, and all earlier ones stay without what this set grants"},
	plan.GroupEnded: {"the group {{quoted .Name}} is not bound itself: a certificate of {{quoted .User}} that was taken back on {{time .Since}} has it until {{time .Until}}; its members are bound instead",
		"set bindTo: Members for it, or shared: true to bind the group again, for that certificate too"},
	plan.TooManySubjects: {"in the namespaces that its selectors find, the bindings of this set would name somebody {{.Count}} times, and may do so {{.Allowed}} times: nothing is done",
		"bind groups themselves (bindTo: Group), select fewer namespaces, or split the file"},
	plan.UserEnded: {"{{quoted .User}} ended {{moment .Until}} by the users file, and gets nothing",
		"give the user a later until, or none; or leave them out of the command line"},
	plan.KeyUsed: {"the key of {{quoted .User}}'s request {{if not .Name}}is your own" +
		"{{else if ne .Name .User}}was used for {{quoted .Name}}{{with .Detail}} of the set {{.}}{{end}}" +
		"{{else}}was used before{{with .Detail}}, in the set {{.}}{{end}}{{end}}{{since .Since}}: no key is used twice, since whoever had it may have it still",
		"have them make a new one: {{.RequestCommand}}"},
	plan.NewRequestMissing: {"{{quoted .User}} needs another certificate{{since .Since}} ({{.Why}}), and the key of their request was used", "have them make a new one: {{.RequestCommand}}"},
	plan.TooManyDeletes: {"this would delete {{.Count}} users, bindings and roles of the set, more than the {{.Allowed}} that are allowed without asking: " +
		"is the users file whole? (What goes in one namespace counts once.)",
		"if it is, give --allow-deletes={{.Total}}{{if ne .Total .Count}}, the number of all sets together{{end}}"},
	plan.ClientCAEnded: {`the cluster's CA ends on {{time .Until}}: {{plural .Count "certificate"}} cannot be asked for, the API server would not accept {{if eq .Count 1}}it{{else}}them{{end}}`,
		"give the cluster a new CA (kube-apiserver --client-ca-file, kube-controller-manager --cluster-signing-cert-file)"},
	plan.ServerNotHTTPS: {"{{if .Name}}your context {{quoted .Name}} leads to {{.Detail}}, which is not https: a client certificate cannot be used there, and whoever is there may act as you" +
		"{{else}}{{.Detail}} is not https: a client certificate cannot be used there{{end}}",
		"set cluster.server in the users file to the https address of the API server, or use another context (--context)"},
	plan.CANotKnown: {"your context {{quoted .Name}} skips TLS verification (insecure-skip-tls-verify), and does not say which CA the cluster has: no kubeconfig may go without",
		"set cluster.certificateAuthorityData in the users file, or certificate-authority-data in your own kubeconfig"},
	plan.LedgerIncomplete: {"the ledger in namespace {{.Name}} does not list living certificates of {{.Users}}: was it deleted or edited?",
		"provision apply --rebuild-ledger records them again"},
	plan.LedgerMoved: {`the ledger of this set is in the namespace {{.From}}, with {{plural .Count "record"}} of {{if eq .Count 1}}a living certificate{{else}}living certificates{{end}}, ` +
		"and the users file says {{.Name}}: who left would be forgotten, and two applies would not wait for each other",
		"set ledger.namespace to {{.From}} again, or move the records while nobody applies: {{moveLedger .Set .From .Name}}"},
	plan.BlockUnsupported: {"certificates cannot be blocked at admission in Kubernetes {{.Name}}, which does not tell one from another",
		"--block=auto takes away all else, and ends with 0; Kubernetes 1.32 can block"},
	plan.LedgerWrong: {"the ledger in namespace {{.Name}} says other things than the certificates themselves of {{.Users}}: was it edited?",
		"provision apply --rebuild-ledger records what the certificates say"},
	plan.LedgerUnreadable: {"{{object .Object}} cannot be read: {{.Detail}}",
		"remove that entry (kubectl edit configmap {{.Object.Name}} -n {{.Object.Namespace}}), then provision apply --rebuild-ledger"},
}

// setLabel is the label of the set's objects.
const setLabel = plan.SetLabel + "={{.Set}}"

// problemsTexts say the same of several problems that likenessOfProblem puts together: what of all, and behind that of each,
// with a second thing about it in brackets. The way is that of the first where there is no other.
var problemsTexts = map[plan.ProblemCode]struct{ what, each, about, way string }{
	plan.NamespaceMissing: {"{{.N}} namespaces do not exist: ", "{{.Name}}", "", "set namespaces: create in the users file, and apply makes them; or for each: kubectl create namespace NAMESPACE"},
	plan.NamespaceEnding:  {"{{.N}} namespaces are being deleted: ", "{{.Name}}", "", "wait until they are gone, or take them out of the users file"},
	plan.RoleMissing: {"{{.N}} roles do not exist: ", "{{object .Object}}", "",
		"{{with .Detail}}did you mean {{.}}? else {{end}}create them, or define them under roles: in the users file"},
	plan.ForeignObject: {"{{.N}} objects are there already and are not ours: {{if .Detail}}they belong to the set {{.Detail}}{{else}}they do not carry this set's label{{end}}: ", "{{object .Object}}", "",
		"of each two, rename or remove one{{if not .Detail}}; if they are this set's and lost their label, for each: kubectl label {{.AnyObject}} " + setLabel + "{{end}}"},
	plan.LabelGone: {"{{.N}} bindings have {{if .Detail}}names of this set's, but belong to the set {{.Detail}}: what they grant stays: " +
		"{{else}}this set's name but not its label: somebody took that off, or made them; what they grant stays: {{end}}", "{{object .Object}}", "", "remove each: kubectl delete {{.AnyObject}}"},
	plan.ForeignFile:    {"each of {{.N}} files is not ours: {{.Detail}}: ", "{{.Name}}", "", "move them away"},
	plan.FileOfOtherSet: {"{{.N}} files belong to the set {{.Detail}}: ", "{{.Name}}", "", `{{wayOutOfSet "the users" .Detail .Held}}`},
	plan.NamedTwice: {"{{.N}} names are in other users files too, and this set has nothing of them yet: ", "{{quoted .User}}", "{{.AlsoAt}}",
		"take each user out of one of the two files: those who move from one set to another leave the old one in the same run"},
	plan.NameClaimed:    {"the set {{.Detail}} has certificates for {{.N}} of the names, and a users file with a mistake may be that of this set: ", "{{quoted .User}}", "", ""},
	plan.UnreadableFile: {"{{.N}} files cannot be read: {{.Detail}}: ", "{{.Name}}", "", "chmod 600 the files"},
	plan.UnmarkedFile: {"{{.N}} files have certificates for their users at {{orDash .Detail}}, but not the mark by which provision knows its own: a tool that drops extensions may have rewritten them: ", "{{.Name}}", "",
		"if they are this set's: {{.Reissue}}; else move them away"},
	plan.ClusterNameTaken: {"{{.N}} files have another cluster's entry of a name that is needed: ", "{{.Name}}", `{{printf "%q" .Detail}}`, ""},
	plan.FrontProxyName: {"{{.N}} names are the cluster's front proxy's, which has the same CA: whoever has a certificate for one can act as anybody (kube-apiserver --requestheader-allowed-names): ", "{{quoted .User}}", "",
		"choose other names, or give the front proxy a CA of its own; to have them all the same, list the names under allowReserved"},
	plan.NameReused: {"people who were removed had {{.N}} of the names, and certificates for them live " + goOn + ": who holds those would be these users: ", "{{quoted .User}}", "{{if .Differ}}until {{time .Until}}{{end}}",
		"choose other names, wait, or set reuse: true for those who are the same people"},
	plan.GenerationLowered: {"{{.N}} users have lower generations in the file than were used before: a number that was left would come to life again in older kubeconfigs: ", "{{quoted .User}}", "generation: {{.Least}}",
		"set the number in brackets for each of them, or a higher one to end all earlier kubeconfigs; until then nothing changes for them"},
	plan.GenerationEnded: {"certificates of {{.N}} users with the generation that the file gives were revoked, and live " + goOn + ": ", "{{quoted .User}}", "{{if .Differ}}until {{time .Until}}, {{end}}generation: {{.Least}}",
		"set the number in brackets for each of them: they get new kubeconfigs, and all earlier ones stay without what this set grants"},
	plan.GroupEnded: {"{{.N}} groups are not bound themselves: certificates that were taken back have them " + goOn + "; their members are bound instead: ", "{{quoted .Name}}", "of {{quoted .User}} on {{time .Since}}{{if .Differ}}, until {{time .Until}}{{end}}",
		"set bindTo: Members for each, or shared: true to bind the group again, for those certificates too"},
	plan.UserEnded: {"{{.N}} users have ended by the users file, and get nothing: ", "{{quoted .User}}", "{{moment .Until}}",
		"give each of them a later until, or none; or leave them out of the command line"},
	plan.KeyUsed: {"the keys of {{.N}} requests were used before: no key is used twice, since whoever had it may have it still: ",
		"{{quoted .User}}", "{{if not .Name}}your own; {{else if ne .Name .User}}for {{quoted .Name}}{{with .Detail}} of the set {{.}}{{end}}{{since .Since}}; {{end}}{{.RequestCommand}}",
		"have each of them make a new one, by the command in brackets"},
	plan.NewRequestMissing: {"{{.N}} users need other certificates, and the keys of their requests were used: ",
		"{{quoted .User}}", "{{.Why}}{{since .Since}}; {{.RequestCommand}}", "have each of them make a new one, by the command in brackets"},
	plan.LedgerUnreadable: {"{{.N}} ConfigMaps of the ledger cannot be read: {{.Detail}}: ", "{{object .Object}}", "",
		"remove that entry of each (kubectl edit configmap NAME -n NAMESPACE), then provision apply --rebuild-ledger"},
}

// troubled is what the texts of problems are about: a problem of a set, or the first of several that are alike.
type troubled struct {
	plan.Problem
	Set    string
	All    []plan.Problem
	Last   time.Time // the last Until of them
	Differ bool      // they have several
	names  lister
}

// N counts the problems.
func (t troubled) N() string { return thousands(len(t.All)) }

// Users names the users in Items.
func (t troubled) Users() string { return t.names(each(t.Items, plan.Quoted)) }

// AnyObject stands for the object of each.
func (t troubled) AnyObject() string {
	of := plan.Object{Kind: t.Object.Kind, Name: "NAME"}
	if t.Object.Namespace != "" {
		of.Namespace = "NAMESPACE"
	}
	return objectName(of)
}

// Reissue is the command that reissues the certificates of all.
func (t troubled) Reissue() string {
	return reissueWords(each(t.All, func(p plan.Problem) string { return p.User }))
}

// problemWords says what must be fixed in a set, and how. It knows every code; of another it says the code.
func problemWords(set string, p plan.Problem, names lister) (what, way string) {
	texts, ok := problemTexts[p.Code]
	if !ok {
		return string(p.Code), ""
	}
	t := troubled{Problem: p, Set: set, names: names}
	return fill(texts.what, t), fill(texts.way, t)
}

// problemsWords says the same of several problems that are alike, with the places in the file that ask for each.
func problemsWords(set string, group []plan.Problem, names lister) (what, way string) {
	what, way = problemWords(set, group[0], names)
	if len(group) == 1 {
		if at := group[0].Pos.String(); at != "" {
			what = at + ": " + what
		}
		return what, way
	}
	all := troubled{Problem: group[0], Set: set, All: group, names: names}
	all.Last, all.Differ = latest(group, func(p plan.Problem) time.Time { return p.Until })
	texts := problemsTexts[all.Code]
	if texts.way != "" {
		way = fill(texts.way, all)
	}
	return fill(texts.what, all) + names(each(group, func(p plan.Problem) string {
		one := all
		one.Problem = p
		return withBrackets(fill(texts.each, one), fill(texts.about, one), p.Pos.String())
	})), way
}

// generationWords names a generation: "generation 2", "no generation".
func generationWords(generation int) string {
	if generation == 0 {
		return "no generation"
	}
	return fmt.Sprintf("generation %d", generation)
}

// likenessOfProblem is equal for problems that have one way out.
func likenessOfProblem(p plan.Problem) any {
	type alike struct {
		code                  plan.ProblemCode
		kind, detail, cluster string
		held                  bool
	}
	l := alike{code: p.Code, held: p.Held}
	// Other problems are told each by itself.
	//exhaustive:ignore
	switch p.Code {
	case plan.NamespaceMissing, plan.NamespaceEnding, plan.FrontProxyName, plan.NamedTwice, plan.NameReused, plan.GenerationLowered, plan.GenerationEnded, plan.GroupEnded, plan.UserEnded, plan.KeyUsed, plan.NewRequestMissing:
	case plan.RoleMissing, plan.ForeignObject, plan.LabelGone:
		l.kind, l.detail = p.Object.Kind, p.Detail
	case plan.ForeignFile, plan.FileOfOtherSet, plan.UnreadableFile, plan.UnmarkedFile, plan.NameClaimed, plan.LedgerUnreadable:
		l.detail = p.Detail
	case plan.ClusterNameTaken: // the name may be the cluster's, or a context's of the user
		l.cluster = p.Cluster
	default:
		return nil
	}
	return l
}

// leftOut returns a problem with all that some problems leave out of the plan, the grants of one role in one namespace once.
func leftOut(group []plan.Problem) plan.Problem {
	type grant struct {
		namespace string
		role      plan.RoleRef
	}
	var all plan.Problem
	at := map[grant]int{}
	for _, p := range group {
		all.Roles = append(all.Roles, p.Roles...)
		for _, b := range p.Grants {
			g := grant{b.Namespace, b.RoleRef}
			i, known := at[g]
			if !known {
				at[g] = len(all.Grants)
				all.Grants = append(all.Grants, plan.Binding{Namespace: b.Namespace, RoleRef: b.RoleRef, Subjects: slices.Clone(b.Subjects)})
				continue
			}
			all.Grants[i].Subjects = append(all.Grants[i].Subjects, b.Subjects...)
		}
	}
	return all
}

// leftOutWords names what a problem leaves out of the plan; "": the problem itself says it.
func leftOutWords(p plan.Problem, names lister) string {
	var parts []string
	for _, r := range p.Roles {
		parts = append(parts, objectName(plan.Role{Namespace: r.Namespace, Name: r.Name}.Object()))
	}
	for _, b := range p.Grants {
		parts = append(parts, objectName(b.RoleRef.In(b.Namespace))+" for "+names(subjectTexts(b.Subjects)))
	}
	return names(parts)
}
