package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/plan"
)

// reasonsWords says all the reasons of a change.
func reasonsWords(list []plan.Reason, names lister) string {
	words := make([]string, 0, len(list))
	for _, r := range list {
		words = append(words, reasonWords(r, names))
	}
	return strings.Join(words, "; ")
}

// reasonWords says why something changes. It knows every code; of another it says the code.
func reasonWords(r plan.Reason, names lister) string {
	switch r.Code {
	case plan.ChangesSet:
		return "comes from the set " + r.From
	case plan.NoKubeconfig:
		return "no kubeconfig here"
	case plan.Unreadable:
		return "the file is unreadable (" + shortened(r.To) + "): it is moved aside, to *.kubeconfig.unreadable-*"
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
	case plan.RequestOfOther:
		return fmt.Sprintf("request %s was sent by %s, and only whoever sent it can go on with it", r.To, plan.Quoted(r.From))
	case plan.NewCertificate:
		return "new certificate"
	case plan.ServerChanged:
		return fmt.Sprintf("server changed: %s -> %s", r.From, r.To)
	case plan.CADataChanged:
		return "the cluster's CA changed"
	case plan.TLSChanged:
		from, to := fromTo(r)
		return fmt.Sprintf("%s -> %s", from, to)
	case plan.NamespaceChanged:
		return fmt.Sprintf("namespace changed: %s -> %s", orNone(r.From), orNone(r.To))
	case plan.NamesChanged:
		return fmt.Sprintf("context changed: %s -> %s", orDash(r.From), r.To)
	case plan.ModeTooOpen:
		from, to := fromTo(r)
		return fmt.Sprintf("others may read the file: mode %s -> %s", from, to)
	case plan.EntryIncomplete:
		return "the entry's " + r.To + " is missing"
	case plan.MarkGone:
		return "provision's mark on the entry is gone (a tool has dropped extensions), and is put back"
	case plan.ClusterForgotten:
		return "you say that the cluster is no more"
	case plan.EntryEdited:
		return "the entry was edited, and is made as it was: " + names(r.Added)
	case plan.RenewDue:
		return "ends " + timeWords(r.At) + " (renewBefore " + r.To + ")"
	case plan.Requested:
		return "you asked for a new one"
	case plan.ElsewhereDue:
		return "the kubeconfig is not here, and its certificate ends " + timeWords(r.At) + " (renewBefore " + r.To + ", renewElsewhere)"
	case plan.RecordWrong:
		return "the ledger said another thing than the certificate"
	case plan.OutcomeKnown:
		return "the certificate was issued"
	case plan.NotRecorded:
		return "the ledger did not list it"
	case plan.Superseded:
		return "the request of an earlier try no longer fits the file"
	case plan.RevokedNow:
		return "revoked"
	case plan.Copied:
		s := fmt.Sprintf("somebody copied it from namespace %s: the users file does not say it here", r.From)
		if len(r.Leaves) > 0 {
			s += ", and the original is no longer for " + names(subjectTexts(r.Leaves))
		}
		return s
	case plan.NotInFile:
		return "no longer in the users file"
	case plan.SetDestroyed:
		return "the set is destroyed"
	case plan.InFile:
		return "not in the cluster"
	case plan.SubjectsChanged:
		return "subjects changed"
	case plan.RulesChanged:
		return "rules changed"
	case plan.EndingObject:
		return "somebody has deleted it, and finalizer " + strings.Join(r.Added, ", ") + " holds it: nobody is put into it"
	case plan.RoleRefChanged:
		return fmt.Sprintf("somebody made it anew for %s: it is replaced", r.From)
	}
	return string(r.Code)
}

// inBrackets writes what somebody else said, if anything, behind a space.
func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + shortened(s) + ")"
}

// reasonDoc is a reason for programs. Subjects, rules and all else that comes and goes are texts.
type reasonDoc struct {
	Code    plan.ReasonCode `json:"code"`
	From    string          `json:"from,omitempty"`
	To      string          `json:"to,omitempty"`
	Added   []string        `json:"added,omitempty"`
	Removed []string        `json:"removed,omitempty"`
	At      time.Time       `json:"at,omitzero"`
}

// reasonDocs writes reasons for programs. Never nil.
func reasonDocs(reasons []plan.Reason) []reasonDoc {
	return each(reasons, func(r plan.Reason) reasonDoc {
		d := reasonDoc{Code: r.Code, At: r.At}
		d.From, d.To = fromTo(r)
		if r.Code != plan.EndingObject {
			d.Added, d.Removed = changeTexts(r)
		}
		return d
	})
}

// fromTo returns what a reason says that something was and will be, in words.
func fromTo(r plan.Reason) (from, to string) {
	switch {
	case r.Code == plan.TLSChanged && r.From == r.To:
		return r.Field, "another password"
	case r.Code == plan.TLSChanged:
		return r.Field + " " + orNone(r.From), orNone(r.To)
	case r.Code == plan.NamespaceChanged:
		return orNone(r.From), orNone(r.To)
	case r.Code == plan.ModeTooOpen:
		return fmt.Sprintf("%04o", r.Mode), "0600"
	case r.Code == plan.EndingObject:
		return "", strings.Join(r.Added, ", ")
	}
	return r.From, r.To
}

// changeTexts returns what a reason says that comes and goes, one text for each.
func changeTexts(r plan.Reason) (added, removed []string) {
	return slices.Concat(r.Added, subjectTexts(r.Joins), ruleTexts(r.Allows)), slices.Concat(r.Removed, subjectTexts(r.Leaves), ruleTexts(r.Forbids))
}

// plusMinus writes what a reason adds and removes: +a -b.
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
