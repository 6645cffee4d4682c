package view

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// warningWords says what a person should know. It knows every code; of another it says the code.
func warningWords(w plan.Warning, names lister) string {
	switch w.Code {
	case plan.StillAuthenticates:
		s := fmt.Sprintf("%s still authenticates until %s: Kubernetes cannot revoke a certificate", w.User, timeWords(w.Until))
		if len(w.Items) > 0 {
			s += "; what is bound to the groups in it still holds: " + names(w.Items)
		}
		return s
	case plan.StillInGroup:
		return fmt.Sprintf("%s's old certificate still says %s until %s: Kubernetes cannot revoke it", w.User, names(w.Items), timeWords(w.Until))
	case plan.ClusterAdmin:
		return fmt.Sprintf("cluster-admin %s goes to %s", whereWords(w.Namespace), names(subjectTexts(w.Subjects)))
	case plan.DurationLater:
		return fmt.Sprintf("the duration in the file differs from that of the present certificate of %s: it counts from the next certificate", names(w.Items))
	case plan.ShorterThanAsked:
		return fmt.Sprintf("the signer shortened certificates from %s to %s (kube-controller-manager --cluster-signing-duration): %s", usersfile.FormatDuration(w.Asked), usersfile.FormatDuration(w.Issued), names(w.Items))
	case plan.EndsWithCA:
		return fmt.Sprintf("the cluster's CA ends on %s, and with it what it signs, whatever was asked for: %s", timeWords(w.Until), names(w.Items))
	case plan.LongerThanAsked:
		return fmt.Sprintf("the signer issued certificates for %s where %s were asked for, so they cannot be relied on to end: %s", usersfile.FormatDuration(w.Issued), usersfile.FormatDuration(w.Asked), names(w.Items))
	case plan.OlderLives:
		return fmt.Sprintf("the certificates that are replaced go on until %s at the latest: Kubernetes cannot revoke them: %s", timeWords(w.Until), names(w.Items))
	case plan.UnboundGroup:
		return fmt.Sprintf("nothing is bound to the group %s, which is given for the first time: %s It goes to %s", plan.Quoted(w.Name), cmp.Or(meantWords(w.To), "is it spelled right?"), names(w.Items))
	case plan.PowerfulRole:
		name, where := objectName(w.Role.In("")), ""
		if w.Role.Kind == "Role" {
			name = objectName(w.Role.In(w.Namespace))
		} else if w.Namespace != "" { // that is where it does
			where = " " + whereWords(w.Namespace)
		}
		return fmt.Sprintf("%s of this set allows everything%s, or lets its holders give themselves more: %s", name, where, strings.Join(ruleTexts(w.Rules), "; "))
	case plan.PowerfulGrant:
		return fmt.Sprintf("%s allows everything, or lets its holders give themselves more: %s it goes to %s", objectName(w.Role.In("")), whereWords(w.Namespace), names(subjectTexts(w.Subjects)))
	case plan.IssuedElsewhere:
		return fmt.Sprintf("no kubeconfig here, but a valid certificate, for %s: the kubeconfig is in another directory, or lost; --reissue-missing issues a new one here", names(w.Items))
	case plan.MisplacedKubeconfig:
		s := fmt.Sprintf("%s holds %s's private key, which is good until %s", w.Name, w.User, timeWords(w.Until))
		switch {
		case w.To == "":
			return s + ": a copy is as good as the original; remove it if nobody needs it"
		case usersfile.SameFileName(w.Name, w.To):
			return s + ", but the file's name is spelled in another way (upper case, or Unicode as macOS writes it): rename it to " + w.To
		}
		return s + ": rename it to " + w.To
	case plan.MisplacedOfLeaver:
		return fmt.Sprintf("%s holds the private key of %s, who is out of the set and can log in with it until %s: remove it", w.Name, w.User, timeWords(w.Until))
	case plan.ClusterReplaced:
		return fmt.Sprintf("kubeconfigs have an entry for another cluster (%s) at %s: if that one is gone (rebuilt, say), --forget-cluster %s takes its entries out: %s", w.Name, w.To, w.Name, names(w.Items))
	case plan.NothingToForget:
		return fmt.Sprintf("--forget-cluster %s: no kubeconfig here has an entry of this set for that cluster", w.Name)
	case plan.OtherEntries:
		s := fmt.Sprintf("%s has entries that provision did not make for %s: %s", w.Name, w.User, names(each(w.Entries, plan.Entry.String)))
		if w.To != "" {
			s += "; the current context, " + plan.Quoted(w.To) + ", is one of them"
		}
		return s + ": if " + w.User + " does not know them, take them out: they may run a program of somebody else's"
	case plan.ForeignRequest:
		return fmt.Sprintf("requests carry this set's label and wait for approval, but no key of ours made them: do not approve them: %s", names(w.Items))
	case plan.SwappedRequest:
		return fmt.Sprintf("certificatesigningrequest/%s has the name of %s's request, but another key made it: it is not approved; find out who made it (kubectl get csr %s -o yaml)", w.Name, w.User, w.Name)
	case plan.ReservedNames:
		return fmt.Sprintf("the file allows itself names that belong to Kubernetes itself, with all that the cluster grants them: %s", names(w.Items))
	case plan.NameAgain:
		if len(w.Items) > 0 {
			return fmt.Sprintf("somebody who left %s had the name %s, and can log in with it until %s: if that is not the same person, choose another name", setsWords(w.Items, names), plan.Quoted(w.User), timeWords(w.Until))
		}
		return fmt.Sprintf("somebody who left had the name %s, and can log in with it until %s (reuse: true)", w.User, timeWords(w.Until))
	case plan.NameInOtherSet:
		counts := "what either set grants counts for both"
		if len(w.Items) > 1 {
			counts = "what any of the sets grants counts for all"
		}
		return fmt.Sprintf("%s has a certificate in %s: one name, so %s", plan.Quoted(w.User), setsWords(w.Items, names), counts)
	case plan.LabelCopied:
		return fmt.Sprintf("bindings carry this set's label, but not a name of this set: they are left alone: %s", names(each(w.Objects, objectName)))
	case plan.LedgerDamaged:
		return fmt.Sprintf("%s cannot be read, so what it says of anybody's certificates is not known: %s", objectName(w.Object), w.To)
	case plan.GrantedElsewhere:
		return fmt.Sprintf("%s is granted something outside this set already, and who gets the name gets that too: %s", grantedTo(w), names(grantedBy(w)))
	case plan.OutsideAdmin, plan.OutsideUnread, plan.OutsideGrant:
		return outsideWords(w, names)
	case plan.ElsewhereEnds:
		first := ""
		if len(w.Items) > 1 {
			first = "the first "
		}
		return fmt.Sprintf("nothing here renews the certificate of %s, whose kubeconfig is not here, and it ends soon (%s): --renew-elsewhere, or renewElsewhere: true in the users file, issues a new one here", names(w.Items), first+timeWords(w.Until))
	case plan.LostLives:
		return fmt.Sprintf("a certificate whose kubeconfig is not here goes on until %s at the latest, for %s: Kubernetes cannot revoke it. If it was stolen, not lost, a new one does not help: provision revoke, another name, bindTo: Members", timeWords(w.Until), names(w.Items))
	case plan.LedgerCopy:
		s := fmt.Sprintf("namespace %s has ConfigMaps that look like records of this set, whose ledger is in the namespace %s", w.Namespace, w.Name)
		if len(w.Items) > 0 {
			s += ", with living certificates of " + names(w.Items)
		}
		if len(w.Left) > 0 {
			s += "; by them alone somebody who left had the name, and can log in with it: " + names(w.Left)
		}
		return s + ": if ledger.namespace was " + w.Namespace + ", move them (" + moveLedger(w.To, w.Namespace, w.Name) + "); if not, somebody has put them there"
	case plan.LedgerUnsearched:
		return fmt.Sprintf("namespace %s has no records of this set, and other namespaces cannot be searched (list configmaps): if ledger.namespace was changed, move them first", w.Namespace)
	case plan.SharedGroup:
		return fmt.Sprintf("the group %s is in other living certificates too, and what is granted to it now counts for them: %s", plan.Quoted(w.Name), names(each(w.Holders, holderWords)))
	case plan.SetUnfiled:
		return fmt.Sprintf("the set %s has kubeconfigs in this directory and living certificates (%s), and no users file of this run describes it: nothing of it changes. If its file has gone, or it has another name now: provision destroy --set %s; to look first: provision status --all-sets",
			w.Name, names(w.Items), w.Name)
	case plan.LeaverBound:
		return fmt.Sprintf("%s has left this set, and bindings that are not of this set still grant to the name or to groups in a living certificate; each line says how to take one of them away:", plan.Quoted(w.User))
	case plan.ClockDiffers:
		return clockWords(time.Duration(w.Seconds) * time.Second)
	case plan.NotBegun:
		return fmt.Sprintf("%s's certificate begins only at %s: the clock of this machine or of the signer is wrong", w.User, timeWords(w.Until))
	case plan.CANotChecked:
		return fmt.Sprintf("whether certificates are signed by the cluster's current CA was not checked: %s", OneLine(errors.New(w.To)))
	case plan.WithoutUntilNew:
		return movesToGroupWords(w, whereWords(w.Namespace), names)
	case plan.FrontProxyAnybody:
		return "the API server takes every client certificate of this cluster's CA for that of its front proxy, so whoever has one can act as anybody: give the front proxy a CA of its own (kube-apiserver --requestheader-client-ca-file), or set --requestheader-allowed-names"
	case plan.LocalServer:
		who := "this machine"
		if w.To != "" {
			who = "a pod"
		}
		return fmt.Sprintf("the kubeconfigs lead to %s, which only %s reaches: set cluster.server in the users file to the address that the users reach, or to this one if that is meant", w.Name, who)
	case plan.LocalProxy:
		return fmt.Sprintf("the kubeconfigs go through your own proxy %s, which only this machine reaches: set cluster.proxyURL in the users file (\"\" is none), or to this one if that is meant", w.Name)
	case plan.PrivateProxy:
		return fmt.Sprintf("the proxy-url of your own context, %s, holds a user name or a password: the kubeconfigs do not get it, and go through no proxy; set cluster.proxyURL in the users file, \"\" if none is meant", w.Name)
	case plan.OtherCluster:
		if w.To != "" {
			return fmt.Sprintf("the users file says %s, which is what your context %s leads to, not %s: is this the cluster that it is meant for? cluster.uid in the users file ties it to one", names(w.Items), plan.Quoted(w.To), plan.Quoted(w.Name))
		}
		return fmt.Sprintf("the kubeconfigs of this set here are for %s, and this cluster has never had one of the set: is it the cluster that is meant? cluster.uid in the users file ties the set to one", names(each(w.Clusters, addressWords)))
	case plan.ServersDisagree:
		return fmt.Sprintf("the API servers behind %s do not agree about certificates of one client CA: %d of %d logins were refused; nobody gets a new certificate for it; %s", w.Name, w.Count, w.Total, wayToAgree)
	}
	return string(w.Code)
}

// subjectTexts names subjects: "user jane", "group a:b".
func subjectTexts(list []plan.Subject) []string { return each(list, plan.Subject.String) }

// holderWords names somebody with a certificate of a set: "jane (set web)".
func holderWords(h plan.Holder) string { return plan.Quoted(h.User) + " (set " + h.Set + ")" }

// addressWords names a cluster with its server: "prod (https://prod:6443)".
func addressWords(a plan.Address) string { return a.Name + " (" + a.Server + ")" }

// clockWords says by how much the clock of this machine is wrong, or the API server's.
func clockWords(ahead time.Duration) string {
	side := "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	return fmt.Sprintf("the clock of this machine is %s %s the API server's: set it right (date; timedatectl); until then a certificate counts as living if either clock says so, and renewals go by the API server's",
		usersfile.FormatDuration(ahead.Abs().Round(time.Minute)), side)
}

// movesToGroupWords says which users are without a role for a while, and where.
func movesToGroupWords(w plan.Warning, where string, names lister) string {
	return fmt.Sprintf("%s %s goes over to a group that only the new certificates have: until the new kubeconfigs are in use, it is missing for %s",
		objectName(w.Role.In("")), where, names(w.Items))
}

// setsWords names one set, or several.
func setsWords(sets []string, names lister) string {
	if len(sets) == 1 {
		return "the set " + sets[0]
	}
	return "the sets " + names(sets)
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
