package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"provision/internal/plan"
)

// The words for a plan's codes. Package plan knows codes and values only; everything a person reads is said here.

// shellWord writes a word so that a shell takes it for one word.
func shellWord(word string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.:/@%+=,", r)
	}
	if !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// timeWords writes a moment as people need it: to the minute, with its zone.
func timeWords(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// reasonWords says why something changes.
func reasonWords(r plan.Reason) string {
	switch r.Code {
	case plan.NoKubeconfig:
		return "no kubeconfig yet"
	case plan.Unreadable:
		return "the file is unreadable (" + r.To + "): it is moved aside, to *.kubeconfig.unreadable-*"
	case plan.NoCertificate:
		return "the kubeconfig has no usable certificate"
	case plan.Expired:
		return "expired " + timeWords(r.At)
	case plan.KeyMismatch:
		return "key and certificate do not match"
	case plan.SubjectChanged:
		return fmt.Sprintf("the certificate is for user %q", r.From)
	case plan.GroupsChanged:
		return "groups changed: " + plusMinus(r)
	case plan.KeyAlgorithmChanged:
		return fmt.Sprintf("key algorithm changed: %s -> %s", r.From, r.To)
	case plan.CAChanged:
		return "not signed by the cluster's current CA"
	case plan.RequestPending:
		return "request " + r.To + " waits for approval, and its key is here"
	case plan.RequestApproved:
		return "request " + r.To + " is approved, and its key is here"
	case plan.RequestIssued:
		return "request " + r.To + " is issued, and its key is here"
	case plan.RequestDenied:
		return "the last request was denied" + inBrackets(r.To)
	case plan.RequestFailed:
		return "the signer refused the last request" + inBrackets(r.To)
	case plan.RequestGone:
		return "request " + r.To + " has gone from the cluster"
	case plan.RequestMisissued:
		return "the certificate that was issued for request " + r.To + " is not for its key: find out what signs here"
	case plan.RequestSwapped:
		return "another request has taken the name of ours, " + r.To + ", and is not approved: find out who made it (kubectl get csr -o yaml)"
	case plan.NewCertificate:
		return "new certificate"
	case plan.ServerChanged:
		return fmt.Sprintf("server changed: %s -> %s", r.From, r.To)
	case plan.CADataChanged:
		return "the cluster's CA changed"
	case plan.TLSChanged:
		return fmt.Sprintf("%s -> %s", r.From, r.To)
	case plan.NamespaceChanged:
		return fmt.Sprintf("namespace changed: %s -> %s", r.From, r.To)
	case plan.NamesChanged:
		return fmt.Sprintf("context changed: %s -> %s", orDash(r.From), r.To)
	case plan.ModeTooOpen:
		return fmt.Sprintf("others may read the file: mode %s -> %s", r.From, r.To)
	case plan.EntryEdited:
		return "the entry was edited, and is made as it was: " + strings.Join(r.Added, ", ")
	case plan.RenewDue:
		return "ends " + timeWords(r.At) + " (renewBefore " + r.To + ")"
	case plan.Requested:
		return "you asked for a new one"
	case plan.OutcomeKnown:
		return "the certificate was issued"
	case plan.NotRecorded:
		return "the ledger did not list it"
	case plan.Superseded:
		return "the request of an earlier try no longer fits the file"
	case plan.RevokedNow:
		return "revoked"
	case plan.NotInFile:
		return "no longer in the users file"
	case plan.SetDestroyed:
		return "the set is destroyed"
	case plan.InFile:
		return "not in the cluster yet"
	case plan.SubjectsChanged:
		return "subjects changed"
	case plan.RulesChanged:
		return "rules changed"
	case plan.RoleRefChanged:
		return fmt.Sprintf("somebody made it anew for %s: it is replaced", r.From)
	}
	return string(r.Code)
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func reasonsWords(list []plan.Reason) string {
	words := make([]string, 0, len(list))
	for _, r := range list {
		words = append(words, reasonWords(r))
	}
	return strings.Join(words, "; ")
}

func plusMinus(r plan.Reason) string {
	var parts []string
	for _, a := range r.Added {
		parts = append(parts, "+"+a)
	}
	for _, d := range r.Removed {
		parts = append(parts, "-"+d)
	}
	return strings.Join(parts, " ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// warningWords says what a person should know.
func warningWords(w plan.Warning) string {
	switch w.Code {
	case plan.StillAuthenticates:
		s := fmt.Sprintf("%s still authenticates until %s: Kubernetes cannot revoke a certificate", w.User, timeWords(w.Until))
		if len(w.Items) > 0 {
			s += "; what is bound to the groups in it still holds: " + strings.Join(w.Items, ", ")
		}
		return s
	case plan.StillInGroup:
		return fmt.Sprintf("%s's old certificate still says %s until %s: Kubernetes cannot revoke it", w.User, strings.Join(w.Items, ", "), timeWords(w.Until))
	case plan.ClusterAdmin:
		return fmt.Sprintf("cluster-admin %s goes to %s", whereWords(w.Namespace), strings.Join(w.Items, ", "))
	case plan.DurationLater:
		return fmt.Sprintf("the duration in the file differs from that of the present certificate of %s: it counts from the next certificate", listed(w.Items))
	case plan.ShorterThanAsked:
		return fmt.Sprintf("the signer shortened certificates from %s to %s (kube-controller-manager --cluster-signing-duration, or the end of the CA): %s", w.From, w.To, listed(w.Items))
	case plan.LongerThanAsked:
		return fmt.Sprintf("the signer issued certificates for %s where %s were asked for, so they cannot be relied on to end: %s", w.To, w.From, listed(w.Items))
	case plan.OlderLives:
		return fmt.Sprintf("the certificates that are replaced go on until %s at the latest: Kubernetes cannot revoke them: %s", timeWords(w.Until), listed(w.Items))
	case plan.UnboundGroup:
		return fmt.Sprintf("nothing is bound to the group %s, which is given for the first time: is it spelled right? It goes to %s", plan.Quoted(w.Name), listed(w.Items))
	case plan.PowerfulRole:
		return fmt.Sprintf("%s of this set allows everything, or lets its holders give themselves more: %s",
			objectName(plan.Role{Namespace: w.Namespace}.Kind(), w.Namespace, w.Name), strings.Join(w.Items, "; "))
	case plan.PowerfulGrant:
		return fmt.Sprintf("%s allows everything, or lets its holders give themselves more: %s it goes to %s", w.Name, whereWords(w.Namespace), strings.Join(w.Items, ", "))
	case plan.IssuedElsewhere:
		return fmt.Sprintf("no kubeconfig here, but a valid certificate, for %s: the kubeconfig is in another directory, or lost; --reissue-missing issues a new one here", listed(w.Items))
	case plan.OtherEntries:
		s := fmt.Sprintf("%s has entries that provision did not make: %s", w.Name, listed(w.Items))
		if w.To != "" {
			s += "; the current context, " + plan.Quoted(w.To) + ", is one of them"
		}
		return s + ": if " + w.User + " does not know them, take them out: they may run a program of somebody else's"
	case plan.ForeignRequest:
		return fmt.Sprintf("requests carry this set's label and wait for approval, but no key of ours made them: do not approve them: %s", listed(w.Items))
	case plan.SwappedRequest:
		return fmt.Sprintf("certificatesigningrequest/%s has the name of %s's request, but another key made it: it is not approved; find out who made it (kubectl get csr %s -o yaml)", w.Name, w.User, w.Name)
	case plan.ReservedNames:
		return fmt.Sprintf("the file allows itself names that belong to Kubernetes itself, with all that the cluster grants them: %s", strings.Join(w.Items, ", "))
	case plan.NameAgain:
		if len(w.Items) > 0 {
			return fmt.Sprintf("somebody who left the set %s had the name %s, and can log in with it until %s: if that is not the same person, choose another name", listed(w.Items), plan.Quoted(w.User), timeWords(w.Until))
		}
		return fmt.Sprintf("somebody who left had the name %s, and can log in with it until %s (reuse: true)", w.User, timeWords(w.Until))
	case plan.NameInOtherSet:
		return fmt.Sprintf("%s has a certificate in the set %s: one name, so what either set grants counts for both", plan.Quoted(w.User), listed(w.Items))
	case plan.LabelCopied:
		return fmt.Sprintf("bindings carry this set's label, but not a name of this set: they are left alone: %s", listed(w.Items))
	case plan.LedgerDamaged:
		return fmt.Sprintf("%s cannot be read, so what it says of anybody's certificates is not known: %s", objectName("configmap", w.Namespace, w.Name), w.To)
	case plan.GrantedElsewhere:
		return fmt.Sprintf("%s is granted something outside this set already, and who gets the name gets that too: %s", w.Name, strings.Join(w.Items, ", "))
	case plan.NotBegun:
		return fmt.Sprintf("%s's certificate begins only at %s: the clock of this machine or of the signer is wrong", w.User, timeWords(w.Until))
	case plan.SimilarGroup:
		return similarGroupWords(w.User, w.Name, w.To)
	case plan.CANotChecked:
		return fmt.Sprintf("whether certificates are signed by the cluster's current CA was not checked: %s", w.To)
	case plan.Insecure:
		return "your own context skips TLS verification, and so will the kubeconfigs: set cluster.certificateAuthorityData in the users file"
	}
	return string(w.Code)
}

// whereWords says how far a binding reaches.
func whereWords(namespace string) string {
	if namespace == "" {
		return "in the whole cluster"
	}
	return "in namespace " + namespace
}

// similarGroupWords doubts a group that may be misspelt.
func similarGroupWords(user, group, defined string) string {
	return fmt.Sprintf("user %s is in the group %s, which is not under groups: did you mean %s?", plan.Quoted(user), plan.Quoted(group), plan.Quoted(defined))
}

// listed writes a long list as its first few and a count.
func listed(items []string) string {
	const few = 5
	if len(items) <= few {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(items[:few], ", "), thousands(len(items)-few))
}

// problemWords says what must be fixed, and how.
func problemWords(set string, p plan.Problem) (what, hint string) {
	switch p.Code {
	case plan.NamespaceMissing:
		return fmt.Sprintf("namespace %q does not exist", p.Name), "kubectl create namespace " + p.Name
	case plan.RoleMissing:
		hint = "create it, or define it under roles: in the users file"
		if p.Detail != "" {
			hint = "did you mean " + p.Detail + "? else " + hint
		}
		return fmt.Sprintf("%s does not exist", objectName(p.Kind, p.Namespace, p.Name)), hint
	case plan.ForeignObject:
		name := objectName(p.Kind, p.Namespace, p.Name)
		hint = "rename or remove one of the two"
		if p.Detail != "" {
			return fmt.Sprintf("%s is there already and is not ours: it belongs to the set %s", name, p.Detail), hint
		}
		return name + " is there already and is not ours: it does not carry this set's label",
			fmt.Sprintf("%s; if it is this set's and lost its label: kubectl label %s %s=%s", hint, name, plan.SetLabel, set)
	case plan.LabelGone:
		name := objectName(p.Kind, p.Namespace, p.Name)
		hint = fmt.Sprintf("remove it: kubectl delete %s", name)
		if p.Detail != "" {
			return fmt.Sprintf("%s has a name of this set's, but belongs to the set %s: what it grants stays", name, p.Detail), hint
		}
		return name + " has this set's name but not its label: somebody took that off, or made it; what it grants stays", hint
	case plan.ForeignFile:
		return fmt.Sprintf("%s is not ours: %s", p.Name, p.Detail), "move it away"
	case plan.FileOfOtherSet:
		return fmt.Sprintf("%s belongs to the set %s", p.Name, p.Detail), "use another output directory (-d), or take the user out of one of the two sets; who has moved from one to the other must leave first: provision apply -f the file of " + p.Detail
	case plan.ClusterNameTaken:
		return fmt.Sprintf("%s has another cluster's entry named %q", p.Name, p.Detail), "set cluster.name in the users file to a name of its own"
	case plan.NameReused:
		return fmt.Sprintf("somebody who was removed had the name %q, and a certificate for it lives until %s: who holds it would be %s", p.User, timeWords(p.Until), p.User),
			"choose another name, wait, or set reuse: true for this user if it is the same person"
	case plan.TooManyDeletes:
		hint = fmt.Sprintf("if it is, give --allow-deletes=%d", p.Total)
		if p.Total != p.Count {
			hint += ", the number of all sets together"
		}
		return fmt.Sprintf("this would delete %d users, bindings and roles of the set, more than the %s that are allowed without asking: is the users file whole?", p.Count, p.Detail), hint
	case plan.LedgerIncomplete:
		return fmt.Sprintf("the ledger in namespace %s does not list living certificates of %s: was it deleted or edited?", p.Name, p.Detail),
			"provision apply --rebuild-ledger records them again"
	case plan.LedgerUnreadable:
		return fmt.Sprintf("%s cannot be read: %s", objectName("configmap", p.Namespace, p.Name), p.Detail),
			fmt.Sprintf("remove that entry (kubectl edit configmap %s -n %s), then provision apply --rebuild-ledger", p.Name, p.Namespace)
	}
	return string(p.Code), ""
}

// objectName writes an object as kubectl does: rolebinding/x -n y. It can be pasted into a shell, whatever the name is.
func objectName(kind, namespace, name string) string {
	s := strings.ToLower(kind) + "/" + shellWord(name)
	if namespace != "" {
		s += " -n " + namespace
	}
	return s
}
