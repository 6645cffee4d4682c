package view

import (
	"fmt"
	"slices"
	"time"

	"provision/internal/hint"
	"provision/internal/plan"
)

// problemWords says what must be fixed in a set, and how.
func problemWords(set string, p plan.Problem, names lister) (what, way string) {
	switch p.Code {
	case plan.NamespaceMissing:
		return fmt.Sprintf("namespace %q does not exist", p.Name), "kubectl create namespace " + p.Name
	case plan.RoleMissing:
		way = "create it, or define it under roles: in the users file"
		if p.Detail != "" {
			way = "did you mean " + p.Detail + "? else " + way
		}
		return fmt.Sprintf("%s does not exist", objectName(p.Object)), way
	case plan.ForeignObject:
		name := objectName(p.Object)
		way = "rename or remove one of the two"
		if p.Detail != "" {
			return fmt.Sprintf("%s is there already and is not ours: it belongs to the set %s", name, p.Detail), way
		}
		return name + " is there already and is not ours: it does not carry this set's label",
			fmt.Sprintf("%s; if it is this set's and lost its label: kubectl label %s %s=%s", way, name, plan.SetLabel, set)
	case plan.LabelGone:
		name := objectName(p.Object)
		way = fmt.Sprintf("remove it: kubectl delete %s", name)
		if p.Detail != "" {
			return fmt.Sprintf("%s has a name of this set's, but belongs to the set %s: what it grants stays", name, p.Detail), way
		}
		return name + " has this set's name but not its label: somebody took that off, or made it; what it grants stays", way
	case plan.ForeignFile:
		return fmt.Sprintf("%s is not ours: %s", p.Name, p.Detail), "move it away"
	case plan.FileOfOtherSet:
		return fmt.Sprintf("%s belongs to the set %s", p.Name, p.Detail), wayOutOfSet("the user", p.Detail, p.Held)
	case plan.NamedTwice:
		return fmt.Sprintf("%s names %s too, and this set has nothing of that name yet", p.AlsoAt, plan.Quoted(p.User)), "take the user out of one of the two files: who moves from one set to another leaves the old one in the same run"
	case plan.NameClaimed:
		return fmt.Sprintf("the set %s has a certificate for %s, and a users file with a mistake may be that of this set", p.Detail, plan.Quoted(p.User)), "mend the users file first"
	case plan.UnreadableFile:
		return fmt.Sprintf("%s cannot be read: %s", p.Name, p.Detail), "chmod 600 the file"
	case plan.UnmarkedFile:
		return fmt.Sprintf("%s has a certificate for %s at %s, but not the mark by which provision knows its own: a tool that drops extensions may have rewritten it", p.Name, plan.Quoted(p.User), orDash(p.Detail)),
			"if it is this set's: provision apply --reissue " + hint.ShellWord(p.User) + "; else move it away"
	case plan.ClusterNameTaken:
		way = "set cluster.name in the users file to a name of its own"
		if p.Cluster != "" {
			way = fmt.Sprintf("if that cluster is gone (rebuilt under the same name, say): --forget-cluster %s; else %s", p.Cluster, way)
		}
		return fmt.Sprintf("%s has another cluster's entry named %q", p.Name, p.Detail), way
	case plan.FrontProxyName:
		return fmt.Sprintf("%q is a name of the cluster's front proxy, which has the same CA: whoever has a certificate for it can act as anybody (kube-apiserver --requestheader-allowed-names)", p.User),
			"choose another name, or give the front proxy a CA of its own; to have it all the same, list the name under allowReserved"
	case plan.NoClientCertificates:
		return fmt.Sprintf("%s asks for no client certificate, so none works there: something in between ends TLS (a proxy, a load balancer), or the API server takes none (--client-ca-file); no certificate is asked for", p.Name),
			wayToServer
	case plan.NameReused:
		return fmt.Sprintf("somebody who was removed had the name %q, and a certificate for it lives until %s: who holds it would be %s", p.User, timeWords(p.Until), p.User),
			"choose another name, wait, or set reuse: true for this user if it is the same person"
	case plan.TooManyDeletes:
		way = fmt.Sprintf("if it is, give --allow-deletes=%d", p.Total)
		if p.Total != p.Count {
			way += ", the number of all sets together"
		}
		return fmt.Sprintf("this would delete %d users, bindings and roles of the set, more than the %d that are allowed without asking: is the users file whole? (What goes in one namespace counts once.)", p.Count, p.Allowed), way
	case plan.ClientCAEnded:
		them := "them"
		if p.Count == 1 {
			them = "it"
		}
		return fmt.Sprintf("the cluster's CA ends on %s: %s cannot be asked for, the API server would not accept %s", timeWords(p.Until), Plural(p.Count, "certificate"), them),
			"give the cluster a new CA (kube-apiserver --client-ca-file, kube-controller-manager --cluster-signing-cert-file)"
	case plan.ServerNotHTTPS:
		what = fmt.Sprintf("%s is not https: a client certificate cannot be used there", p.Detail)
		if p.Name != "" {
			what = fmt.Sprintf("your context %s leads to %s, which is not https: a client certificate cannot be used there, and whoever is there may act as you", plan.Quoted(p.Name), p.Detail)
		}
		return what, "set cluster.server in the users file to the https address of the API server, or use another context (--context)"
	case plan.CANotKnown:
		return fmt.Sprintf("your context %s skips TLS verification (insecure-skip-tls-verify), and does not say which CA the cluster has: no kubeconfig may go without", plan.Quoted(p.Name)),
			"set cluster.certificateAuthorityData in the users file, or certificate-authority-data in your own kubeconfig"
	case plan.LedgerIncomplete:
		return fmt.Sprintf("the ledger in namespace %s does not list living certificates of %s: was it deleted or edited?", p.Name, names(each(p.Items, plan.Quoted))),
			"provision apply --rebuild-ledger records them again"
	case plan.LedgerMoved:
		records := Plural(p.Count, "record") + " of living certificates"
		if p.Count == 1 {
			records = "1 record of a living certificate"
		}
		return fmt.Sprintf("the ledger of this set is in the namespace %s, with %s, and the users file says %s: who left would be forgotten, and two applies would not wait for each other",
				p.From, records, p.Name),
			"set ledger.namespace to " + p.From + " again, or move the records while nobody applies: " + moveLedger(set, p.From, p.Name)
	case plan.LedgerWrong:
		return fmt.Sprintf("the ledger in namespace %s says other things than the certificates themselves of %s: was it edited?", p.Name, names(each(p.Items, plan.Quoted))),
			"provision apply --rebuild-ledger records what the certificates say"
	case plan.LedgerUnreadable:
		return fmt.Sprintf("%s cannot be read: %s", objectName(p.Object), p.Detail),
			fmt.Sprintf("remove that entry (kubectl edit configmap %s -n %s), then provision apply --rebuild-ledger", p.Object.Name, p.Object.Namespace)
	}
	return string(p.Code), ""
}

// problemsWords says the same of several problems that are alike, with the places in the file that ask for each.
func problemsWords(set string, group []plan.Problem, names lister) (what, way string) {
	p, n := group[0], thousands(len(group))
	if len(group) == 1 {
		what, way = problemWords(set, p, names)
		if at := p.Pos.String(); at != "" {
			what = at + ": " + what
		}
		return what, way
	}
	until, ends := untilWords(group, func(p plan.Problem) time.Time { return p.Until })
	all := func(name func(plan.Problem) string, about ...func(plan.Problem) string) string {
		return names(each(group, func(p plan.Problem) string {
			return withBrackets(name(p), append(each(about, func(of func(plan.Problem) string) string { return of(p) }), p.Pos.String())...)
		}))
	}
	user := func(p plan.Problem) string { return plan.Quoted(p.User) }
	file := func(p plan.Problem) string { return p.Name }
	object := func(p plan.Problem) string { return objectName(p.Object) }
	anyObject := objectName(plan.Object{Kind: p.Object.Kind, Namespace: "", Name: "NAME"})
	if p.Object.Namespace != "" {
		anyObject = objectName(plan.Object{Kind: p.Object.Kind, Namespace: "NAMESPACE", Name: "NAME"})
	}
	_, way = problemWords(set, p, names)
	// Only those that likenessOfProblem puts together.
	//exhaustive:ignore
	switch p.Code {
	case plan.NamespaceMissing:
		return fmt.Sprintf("%s namespaces do not exist: %s", n, all(file)), "for each: kubectl create namespace NAMESPACE"
	case plan.RoleMissing:
		way = "create them, or define them under roles: in the users file"
		if p.Detail != "" {
			way = "did you mean " + p.Detail + "? else " + way
		}
		return fmt.Sprintf("%s roles do not exist: %s", n, all(object)), way
	case plan.ForeignObject:
		way = "of each two, rename or remove one"
		if p.Detail != "" {
			return fmt.Sprintf("%s objects are there already and are not ours: they belong to the set %s: %s", n, p.Detail, all(object)), way
		}
		return fmt.Sprintf("%s objects are there already and are not ours: they do not carry this set's label: %s", n, all(object)),
			fmt.Sprintf("%s; if they are this set's and lost their label, for each: kubectl label %s %s=%s", way, anyObject, plan.SetLabel, set)
	case plan.LabelGone:
		way = "remove each: kubectl delete " + anyObject
		if p.Detail != "" {
			return fmt.Sprintf("%s bindings have names of this set's, but belong to the set %s: what they grant stays: %s", n, p.Detail, all(object)), way
		}
		return fmt.Sprintf("%s bindings have this set's name but not its label: somebody took that off, or made them; what they grant stays: %s", n, all(object)), way
	case plan.ForeignFile:
		return fmt.Sprintf("each of %s files is not ours: %s: %s", n, p.Detail, all(file)), "move them away"
	case plan.FileOfOtherSet:
		return fmt.Sprintf("%s files belong to the set %s: %s", n, p.Detail, all(file)), wayOutOfSet("the users", p.Detail, p.Held)
	case plan.NamedTwice:
		return fmt.Sprintf("%s names are in other users files too, and this set has nothing of them yet: %s", n, all(user, func(p plan.Problem) string { return p.AlsoAt.String() })),
			"take each user out of one of the two files: those who move from one set to another leave the old one in the same run"
	case plan.NameClaimed:
		return fmt.Sprintf("the set %s has certificates for %s of the names, and a users file with a mistake may be that of this set: %s", p.Detail, n, all(user)), way
	case plan.UnreadableFile:
		return fmt.Sprintf("%s files cannot be read: %s: %s", n, p.Detail, all(file)), "chmod 600 the files"
	case plan.UnmarkedFile:
		return fmt.Sprintf("%s files have certificates for their users at %s, but not the mark by which provision knows its own: a tool that drops extensions may have rewritten them: %s", n, orDash(p.Detail), all(file)),
			"if they are this set's: " + reissueWords(each(group, func(p plan.Problem) string { return p.User })) + "; else move them away"
	case plan.ClusterNameTaken:
		return fmt.Sprintf("%s files have another cluster's entry of a name that is needed: %s", n, all(file, func(p plan.Problem) string { return fmt.Sprintf("%q", p.Detail) })), way
	case plan.FrontProxyName:
		return fmt.Sprintf("%s names are the cluster's front proxy's, which has the same CA: whoever has a certificate for one can act as anybody (kube-apiserver --requestheader-allowed-names): %s", n, all(user)),
			"choose other names, or give the front proxy a CA of its own; to have them all the same, list the names under allowReserved"
	case plan.NameReused:
		return fmt.Sprintf("people who were removed had %s of the names, and certificates for them live %s: who holds those would be these users: %s", n, until, all(user, ends)),
			"choose other names, wait, or set reuse: true for those who are the same people"
	case plan.LedgerUnreadable:
		return fmt.Sprintf("%s ConfigMaps of the ledger cannot be read: %s: %s", n, p.Detail, all(func(p plan.Problem) string { return objectName(p.Object) })),
			"remove that entry of each (kubectl edit configmap NAME -n NAMESPACE), then provision apply --rebuild-ledger"
	}
	return string(p.Code), ""
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
	case plan.NamespaceMissing, plan.FrontProxyName, plan.NamedTwice, plan.NameReused:
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
