package plan

import (
	"slices"
	"time"

	"provision/internal/usersfile"
)

// ProblemCode says why not all of what the file says can be brought about.
type ProblemCode string

// Problems. Each stops only what needs the missing thing, and all else is done. If one stopped everything, people who may
// delete one role or label one binding could keep everybody's grants as they are. Removals wait for none of them,
// but for TooManyDeletes.
const (
	NamespaceMissing     ProblemCode = "NamespaceMissing"     // Name; Grants, Roles: what is left out
	NamespaceEnding      ProblemCode = "NamespaceEnding"      // the same; the namespace is being deleted
	RoleMissing          ProblemCode = "RoleMissing"          // Object; Detail: a role with a name like it; Grants: what is left out
	ForeignObject        ProblemCode = "ForeignObject"        // Object: it has our name and not our label; Detail: its set, if any; Grants: what is left out
	LabelGone            ProblemCode = "LabelGone"            // Object: a binding that would go, with our name and without our label
	ForeignFile          ProblemCode = "ForeignFile"          // User is left out. Name: a file at a user's place that provision did not write; Detail: why
	FileOfOtherSet       ProblemCode = "FileOfOtherSet"       // User is left out, and granted nothing new (Grants). Name, Detail: the set
	UnreadableFile       ProblemCode = "UnreadableFile"       // User is left out. Name: a file at a user's place that we may not read; Detail: why
	UnmarkedFile         ProblemCode = "UnmarkedFile"         // User is left out. Name: a file at a user's place with a certificate for the user and no owner's mark; Detail: its server
	ClusterNameTaken     ProblemCode = "ClusterNameTaken"     // User is left out. Name: the file; Detail: the cluster or context name that another entry has; Cluster: that for which the set made it, if it did
	FrontProxyName       ProblemCode = "FrontProxyName"       // User is left out: the API server lets whoever has this name in a certificate act as anybody
	NamedTwice           ProblemCode = "NamedTwice"           // User, of whom the set has nothing yet, is left out, and granted nothing new (Grants). AlsoAt: where another users file has the name
	NameClaimed          ProblemCode = "NameClaimed"          // the same. Detail: a set that has a certificate for the name, and whose users file may be one with a mistake
	NameReused           ProblemCode = "NameReused"           // User is left out, and granted nothing (Grants). Until: somebody who left had this name
	GenerationLowered    ProblemCode = "GenerationLowered"    // User is left as they are, and granted nothing new (Grants). Generation: what the file says; Least: the lowest that it may
	GenerationEnded      ProblemCode = "GenerationEnded"      // User is left out, and granted nothing (Grants). Generation: what the file says, and what was taken back; Until: the last such certificate ends; Least: the lowest that may follow
	GroupEnded           ProblemCode = "GroupEnded"           // Name: a group that the file binds itself, and that is granted nothing (Grants): its members are. User, Since: who was revoked or left with it, and when; Until: their last certificate with it ends
	TooManySubjects      ProblemCode = "TooManySubjects"      // nothing is done. Count: subjects of the bindings in the namespaces that are selected; Allowed: how many there may be
	UserEnded            ProblemCode = "UserEnded"            // User, whom the command line names, gets nothing. Until: when they ended by the file
	KeyUsed              ProblemCode = "KeyUsed"              // User is left as they are: the key of their own request was used, for Name of the set Detail, or of this set where that is "". Name "": it is the operator's. Since: when; Items, Generation: what a new request says
	NewRequestMissing    ProblemCode = "NewRequestMissing"    // User is left as they are: they need another certificate (Reasons), since Since, and the key of their request was used. Items, Generation: as above
	TooManyDeletes       ProblemCode = "TooManyDeletes"       // the deletions are held back. Count: what the plan would delete; Allowed: how many may go unasked; Total: with the other plans that are applied with it
	LedgerIncomplete     ProblemCode = "LedgerIncomplete"     // whatever gives is held back. Name: the ledger's namespace; Items: users whose certificates it does not list
	ClientCAEnded        ProblemCode = "ClientCAEnded"        // certificates are held back, Count of them. Until: when the cluster's CA ends, or has ended
	ServerNotHTTPS       ProblemCode = "ServerNotHTTPS"       // no kubeconfig is written. Name: the operator's context; Detail: the server
	CANotKnown           ProblemCode = "CANotKnown"           // no kubeconfig is written. Name: the operator's context, which skips TLS verification
	NoClientCertificates ProblemCode = "NoClientCertificates" // no certificate is asked for. Name: the users' server, which asks for none: no certificate works there
	LedgerUnreadable     ProblemCode = "LedgerUnreadable"     // whatever gives is held back. Object; Detail: what is wrong with it
	LedgerMoved          ProblemCode = "LedgerMoved"          // whatever gives is held back. From: the namespace where the set's ledger is; Name: where the file says; Count: its living records
	BlockUnsupported     ProblemCode = "BlockUnsupported"     // nothing is blocked. Name: the version of an API server that does not know certificates by their ids
	LedgerWrong          ProblemCode = "LedgerWrong"          // whatever gives is held back. Name: the ledger's namespace; Items: users whose certificates say otherwise than it does
)

// Unsafe reports whether nothing may be issued for the set, nor anything granted to anybody new, before the problem is
// mended: a name that the file gives may be one whose living certificate the ledger has lost.
func (c ProblemCode) Unsafe() bool {
	return slices.Contains([]ProblemCode{LedgerIncomplete, LedgerUnreadable, LedgerMoved, LedgerWrong}, c)
}

// Problem is something that must be mended. Pos is where the file asks for it.
type Problem struct {
	Code    ProblemCode   `json:"code"`
	Pos     usersfile.Pos `json:"pos,omitzero"`
	User    string        `json:"user,omitempty"`
	Object  Object        `json:"object,omitzero"`
	From    string        `json:"from,omitempty"`
	Name    string        `json:"name,omitempty"`
	Detail  string        `json:"detail,omitempty"`
	Items   []string      `json:"items,omitempty"`
	Cluster string        `json:"cluster,omitempty"` // UID
	Count   int           `json:"count,omitempty"`
	Total   int           `json:"total,omitempty"`
	Allowed int           `json:"allowed,omitempty"`
	AlsoAt  usersfile.Pos `json:"alsoAt,omitzero"`
	Since   time.Time     `json:"since,omitzero"`
	Until   time.Time     `json:"until,omitzero"`

	Reasons    []Reason `json:"reasons,omitempty"`
	Generation int      `json:"generation,omitempty"`
	Least      int      `json:"least,omitempty"`
	Ended      []int    `json:"ended,omitempty"` // generations of the user that were taken back, and of which certificates live

	Held bool `json:"held,omitempty"` // FileOfOtherSet: that set gives the user up in the same run, and this is held back

	// Grants and Roles are what the plan leaves out for it: bindings as the file wants them, with those subjects only that do not get it, and
	// roles of the set.
	Grants []Binding   `json:"grants,omitempty"`
	Roles  []ObjectKey `json:"roles,omitempty"`
}
