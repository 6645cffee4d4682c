package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/plan"
)

// reasonTexts say why something changes.
var reasonTexts = map[plan.ReasonCode]string{
	plan.BlockedNow:          "certificates are blocked now",
	plan.BlockAltered:        "somebody has altered it, or only half of it was there: it is made as it was",
	plan.BlockRestored:       "the ledger says blocked, and the block did not have it: {{.List .Added}}",
	plan.BlockEnded:          "the certificates have ended: {{.List .Added}}",
	plan.BlockLifted:         "unblocked now: {{.List .Added}}",
	plan.BlockNameAgain:      "the name is somebody's again: {{.List .Added}}",
	plan.BlockKnown:          "the certificate is blocked",
	plan.ChangesSet:          "comes from the set {{.From}}",
	plan.NoKubeconfig:        "no kubeconfig here",
	plan.Unreadable:          "the file is unreadable ({{shortened .To}}): it is moved aside, to *.kubeconfig.unreadable-*",
	plan.NoCertificate:       "the kubeconfig has no usable certificate",
	plan.Expired:             "expired {{time .At}}",
	plan.KeyMismatch:         "key and certificate do not match",
	plan.KeyMoved:            "the private key moves: {{.Was}} -> {{.WillBe}}",
	plan.RecipientsChanged:   "sealed to others: {{.PlusMinus}}",
	plan.OwnKeyChanged:       "new request: key {{key .From}} -> {{key .To}}",
	plan.SubjectChanged:      `the certificate is for user {{printf "%q" .From}}`,
	plan.GenerationRaised:    "generation: {{.Was}} -> {{.WillBe}}",
	plan.GenerationOver:      "the users file has ended its generation",
	plan.GroupsChanged:       "groups changed: {{.PlusMinus}}",
	plan.KeyAlgorithmChanged: "key algorithm changed: {{.From}} -> {{.To}}",
	plan.CAChanged:           "not signed by the cluster's current CA",
	plan.RequestPending:      "request {{.To}} waits for approval" + itsKey,
	plan.RequestApproved:     "request {{.To}} is approved" + itsKey,
	plan.RequestIssued:       "request {{.To}} is issued" + itsKey,
	plan.RequestDenied:       "the last request was denied{{with .To}} ({{shortened .}}){{end}}",
	plan.RequestFailed:       "the signer refused the last request{{with .To}} ({{shortened .}}){{end}}",
	plan.RequestGone:         "request {{.To}} has gone from the cluster",
	plan.RequestMisissued:    "the certificate that was issued for request {{.To}} is not for its key: find out what signs here",
	plan.RequestSwapped:      "another request has taken the name of ours, {{.To}}, and is not approved: find out who made it (kubectl get csr -o yaml)",
	plan.RequestOfOther:      "request {{.To}} was sent by {{quoted .From}}, and only whoever sent it can go on with it",
	plan.NewCertificate:      "new certificate",
	plan.ServerChanged:       "server changed: {{.From}} -> {{.To}}",
	plan.CADataChanged:       "the cluster's CA changed",
	plan.TLSChanged:          "{{.Was}} -> {{.WillBe}}",
	plan.NamespaceChanged:    "namespace changed: {{.Was}} -> {{.WillBe}}",
	plan.NamesChanged:        "context changed: {{orDash .From}} -> {{.To}}",
	plan.ModeTooOpen:         "others may read the file: mode {{.Was}} -> {{.WillBe}}",
	plan.EntryIncomplete:     "the entry's {{.To}} is missing",
	plan.MarkGone:            "provision's mark on the entry is gone (a tool has dropped extensions), and is put back",
	plan.ClusterForgotten:    "you say that the cluster is no more",
	plan.EntryEdited:         "the entry was edited, and is made as it was: {{.List .Added}}",
	plan.RenewDue:            "ends {{time .At}} (renewBefore {{.To}})",
	plan.RenewedTogether:     "ends {{time .At}}, and is renewed together with {{.To}} in the same file",
	plan.Requested:           "you asked for a new one",
	plan.ElsewhereDue:        "the kubeconfig is not here, and its certificate ends {{time .At}} (renewBefore {{.To}}, renewElsewhere)",
	plan.RecordWrong:         "the ledger said another thing than the certificate",
	plan.OutcomeKnown:        "the certificate was issued",
	plan.NotRecorded:         "the ledger did not list it",
	plan.Superseded:          "the request of an earlier try no longer fits the file",
	plan.RevokedNow:          "revoked",
	plan.Copied: "somebody copied it from namespace {{.From}}: the users file does not say it here" +
		"{{with .Leaves}}, and the original is no longer for {{$.List (subjects .)}}{{end}}",
	plan.NotInFile:       "no longer in the users file",
	plan.EndPassed:       "ended {{moment .At}}, as the users file says",
	plan.SetDestroyed:    "the set is destroyed",
	plan.InFile:          "not in the cluster",
	plan.SubjectsChanged: "subjects changed",
	plan.GroupsEnded:     "notes that the set binds no more the group {{.List .Groups}}, which somebody has who was revoked",
	plan.GroupsDecided:   "the users file says how the group {{.List .Groups}} is bound",
	plan.RulesChanged:    "rules changed",
	plan.EndingObject:    "somebody has deleted it, and finalizer {{.WillBe}} holds it: nobody is put into it",
	plan.RoleRefChanged:  "somebody made it anew for {{.From}}: it is replaced",
}

// itsKey says where the key of a request is.
const itsKey = ", and its key is {{if .Own}}with its user{{else}}here{{end}}"

// reasoned is what the texts of reasons are about.
type reasoned struct {
	plan.Reason
	names lister
}

// List writes a list of names.
func (r reasoned) List(items []string) string { return r.names(items) }

// Was says what something was.
func (r reasoned) Was() string {
	from, _ := fromTo(r.Reason)
	return from
}

// WillBe says what it will be.
func (r reasoned) WillBe() string {
	_, to := fromTo(r.Reason)
	return to
}

// PlusMinus writes what is added and removed: +a -b.
func (r reasoned) PlusMinus() string {
	add := func(s string) string { return "+" + s }
	remove := func(s string) string { return "-" + s }
	return strings.Join(append(each(r.Added, add), each(r.Removed, remove)...), " ")
}

// reasonsWords says all the reasons of a change.
func reasonsWords(list []plan.Reason, names lister) string {
	return strings.Join(each(list, func(r plan.Reason) string { return reasonWords(r, names) }), "; ")
}

// reasonWords says why something changes. It knows every code; of another it says the code.
func reasonWords(r plan.Reason, names lister) string {
	if text, ok := reasonTexts[r.Code]; ok {
		return fill(text, reasoned{r, names})
	}
	return string(r.Code)
}

// reasonDoc is a reason for programs. Subjects, rules and all else that comes and goes are texts.
type reasonDoc struct {
	Code    plan.ReasonCode `json:"code"`
	From    string          `json:"from,omitempty"`
	To      string          `json:"to,omitempty"`
	Added   []string        `json:"added,omitempty"`
	Removed []string        `json:"removed,omitempty"`
	Groups  []string        `json:"groups,omitempty"`
	At      time.Time       `json:"at,omitzero"`
}

// reasonDocs writes reasons for programs. Never nil.
func reasonDocs(reasons []plan.Reason) []reasonDoc {
	return each(reasons, func(r plan.Reason) reasonDoc {
		d := reasonDoc{Code: r.Code, At: r.At, Groups: r.Groups}
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
	case r.Code == plan.NamespaceChanged || r.Code == plan.GenerationRaised:
		return orNone(r.From), orNone(r.To)
	case r.Code == plan.ModeTooOpen:
		return fmt.Sprintf("%04o", r.Mode), "0600"
	case r.Code == plan.EndingObject:
		return "", strings.Join(r.Added, ", ")
	case r.Code == plan.KeyMoved:
		return keyWords(plan.KeyPlace(r.From), r.Removed), keyWords(plan.KeyPlace(r.To), r.Added)
	}
	return r.From, r.To
}

// keyWords says where a private key is, and for whom it is sealed: none of them is ever left out.
func keyWords(at plan.KeyPlace, to []string) string {
	switch at {
	case plan.KeySealed:
		return "sealed to " + orDash(strings.Join(to, ", "))
	case plan.KeyOwn:
		return "with its owner alone"
	case plan.KeyHere:
	}
	return "in the kubeconfig"
}

// changeTexts returns what a reason says that comes and goes, one text for each.
func changeTexts(r plan.Reason) (added, removed []string) {
	return slices.Concat(r.Added, subjectTexts(r.Joins), ruleTexts(r.Allows)), slices.Concat(r.Removed, subjectTexts(r.Leaves), ruleTexts(r.Forbids))
}
