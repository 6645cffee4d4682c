package plan

import (
	"io/fs"
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

// ReasonCode says why, for programs; the words for people are made where they are printed.
type ReasonCode string

// Reasons for a change.
const (
	ChangesSet          ReasonCode = "ChangesSet"          // From: a set of the same run that gives the user up
	NoKubeconfig        ReasonCode = "NoKubeconfig"        // the output directory has no kubeconfig of the user for this cluster
	Unreadable          ReasonCode = "Unreadable"          // To: what is wrong with the file
	NoCertificate       ReasonCode = "NoCertificate"       // the kubeconfig holds no certificate, or an unreadable one
	Expired             ReasonCode = "Expired"             // At: when
	KeyMismatch         ReasonCode = "KeyMismatch"         // key and certificate do not belong together
	KeyMoved            ReasonCode = "KeyMoved"            // From, To: where the private key is and is to be (KeyPlace); Removed, Added: whom it is sealed to
	RecipientsChanged   ReasonCode = "RecipientsChanged"   // Removed, Added: whom the private key is sealed to
	OwnKeyChanged       ReasonCode = "OwnKeyChanged"       // the user has made a new request. From, To: the key's hash
	SubjectChanged      ReasonCode = "SubjectChanged"      // From, To: the common name
	GroupsChanged       ReasonCode = "GroupsChanged"       // Added, Removed
	KeyAlgorithmChanged ReasonCode = "KeyAlgorithmChanged" // From, To
	CAChanged           ReasonCode = "CAChanged"           // not signed by a CA that the cluster trusts now
	RequestPending      ReasonCode = "RequestPending"      // To: the request's name; Own
	RequestApproved     ReasonCode = "RequestApproved"     // To: the request's name; Own
	RequestIssued       ReasonCode = "RequestIssued"       // To: the request's name; Own
	RequestDenied       ReasonCode = "RequestDenied"       // To: reason and message
	RequestFailed       ReasonCode = "RequestFailed"       // To: reason and message
	RequestGone         ReasonCode = "RequestGone"         // we hold a key whose request the cluster no longer has; To: its name
	RequestMisissued    ReasonCode = "RequestMisissued"    // the certificate issued for it is not for its key; To: its name
	RequestSwapped      ReasonCode = "RequestSwapped"      // another request has taken the name of ours; To: its name
	RequestOfOther      ReasonCode = "RequestOfOther"      // the request was sent by another operator: From; To: its name
	NewCertificate      ReasonCode = "NewCertificate"      // the kubeconfig follows its certificate
	ServerChanged       ReasonCode = "ServerChanged"       // From, To
	CADataChanged       ReasonCode = "CADataChanged"       // the CA in the kubeconfig
	TLSChanged          ReasonCode = "TLSChanged"          // Field: tls-server-name, proxy-url, insecure-skip-tls-verify or disable-compression; From, To. The same twice: only the password differs
	NamespaceChanged    ReasonCode = "NamespaceChanged"    // From, To
	NamesChanged        ReasonCode = "NamesChanged"        // context or cluster name: From, To
	ModeTooOpen         ReasonCode = "ModeTooOpen"         // others may read the file: Mode
	EntryIncomplete     ReasonCode = "EntryIncomplete"     // To: what of the kubeconfig's entry is missing, context or cluster
	MarkGone            ReasonCode = "MarkGone"            // the entry no longer says whose it is, and the ledger or the operator does
	ClusterForgotten    ReasonCode = "ClusterForgotten"    // the operator says that the cluster is no more; To: its UID
	EntryEdited         ReasonCode = "EntryEdited"         // Added: fields in the kubeconfig's entry that are not ours
	NotInFile           ReasonCode = "NotInFile"           // the file no longer says it
	EndPassed           ReasonCode = "EndPassed"           // At: when it ended by the file (until); Leaves: of a binding, who leaves it for that
	SetDestroyed        ReasonCode = "SetDestroyed"        // destroy was asked for
	InFile              ReasonCode = "InFile"              // the file says it, the cluster does not have it
	SubjectsChanged     ReasonCode = "SubjectsChanged"     // Joins, Leaves; Leavers: who left the set, and has one of the groups that leave in a living certificate
	GroupsEnded         ReasonCode = "GroupsEnded"         // Groups: those that the binding notes as bound no more
	GroupsDecided       ReasonCode = "GroupsDecided"       // Groups: those that it noted so, and of which the file says how to bind them now
	RulesChanged        ReasonCode = "RulesChanged"        // Allows, Forbids
	EndingObject        ReasonCode = "EndingObject"        // somebody has deleted it, and finalizers hold it: Added
	RoleRefChanged      ReasonCode = "RoleRefChanged"      // From, To: somebody gave our binding another roleRef
	RenewDue            ReasonCode = "RenewDue"            // At: when the present one ends; To: the rule (renewBefore)
	RenewedTogether     ReasonCode = "RenewedTogether"     // At: when the present one ends; To: the context of an entry of the same kubeconfig that is due, or was just renewed
	ElsewhereDue        ReasonCode = "ElsewhereDue"        // At: when the one ends whose kubeconfig is not here; To: the rule (renewBefore)
	Requested           ReasonCode = "Requested"           // the operator asked for a new one
	OutcomeKnown        ReasonCode = "OutcomeKnown"        // the ledger learns what was issued
	RecordWrong         ReasonCode = "RecordWrong"         // the ledger said another thing than the certificate
	NotRecorded         ReasonCode = "NotRecorded"         // the ledger did not list a living certificate
	Superseded          ReasonCode = "Superseded"          // a request of ours that no longer serves
	GenerationRaised    ReasonCode = "GenerationRaised"    // From, To: the user's generation; "": none
	GenerationOver      ReasonCode = "GenerationOver"      // the file gives the user a higher generation than the certificate of the record has
	RevokedNow          ReasonCode = "RevokedNow"          // the operator revokes at once
	BlockedNow          ReasonCode = "BlockedNow"          // the operator blocks certificates
	BlockAltered        ReasonCode = "BlockAltered"        // somebody has altered the block, or only half of it is there
	BlockRestored       ReasonCode = "BlockRestored"       // the ledger says blocked, and the block does not have it; Added: whose
	BlockEnded          ReasonCode = "BlockEnded"          // certificates that were blocked have ended; Added: whose
	BlockLifted         ReasonCode = "BlockLifted"         // the operator unblocks; Added: whose
	BlockNameAgain      ReasonCode = "BlockNameAgain"      // a name that was blocked is somebody's again; Added
	BlockKnown          ReasonCode = "BlockKnown"          // the ledger learns that a certificate is blocked
	Copied              ReasonCode = "Copied"              // somebody copied it from namespace From; Leaves: who no longer has the original
)

// Reason is a code with its values. The comment at each code says which fields it sets.
type Reason struct {
	Code    ReasonCode          `json:"code"`
	From    string              `json:"from,omitempty"`
	To      string              `json:"to,omitempty"`
	Added   []string            `json:"added,omitempty"`
	Removed []string            `json:"removed,omitempty"`
	Joins   []Subject           `json:"joins,omitempty"`
	Leaves  []Subject           `json:"leaves,omitempty"`
	Leavers []string            `json:"leavers,omitempty"`
	Groups  []string            `json:"groups,omitempty"`
	Allows  []rbacv1.PolicyRule `json:"allows,omitempty"`
	Forbids []rbacv1.PolicyRule `json:"forbids,omitempty"`
	Field   string              `json:"field,omitempty"`
	Mode    fs.FileMode         `json:"mode,omitempty"`
	Own     bool                `json:"own,omitempty"` // the key is with its user
	At      time.Time           `json:"at,omitzero"`
}

// asks reports whether a code is among reasons.
func asks(reasons []Reason, code ReasonCode) bool {
	return slices.ContainsFunc(reasons, func(r Reason) bool { return r.Code == code })
}
