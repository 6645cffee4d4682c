package plan

import (
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/spec"
)

// Op is what happens to one object, in the words of the field.
type Op string

// Operations. A certificate is issued, renewed, reissued, resumed or kept; a kubeconfig is written, rewritten,
// removed or kept; a role or binding is created, updated, deleted or kept.
const (
	Keep    Op = "keep"
	Issue   Op = "issue"
	Renew   Op = "renew"
	Reissue Op = "reissue"
	Resume  Op = "resume"
	Write   Op = "write"
	Rewrite Op = "rewrite"
	Remove  Op = "remove"
	Create  Op = "create"
	Update  Op = "update"
	Delete  Op = "delete"
)

// Change is one object before and after. Before is nil for what is new, After for what goes. Reasons is empty only
// for Keep.
type Change[T any] struct {
	Op      Op       `json:"op"`
	Before  *T       `json:"before,omitempty"`
	After   *T       `json:"after,omitempty"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// Object is the object that a change is about: as it will be, or as it was where it goes.
func (c Change[T]) Object() *T {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// ReasonCode says why, for programs; the words for people are made where they are printed.
type ReasonCode string

// Reasons for a change.
const (
	NoKubeconfig        ReasonCode = "NoKubeconfig"        // the output directory has no kubeconfig of the user for this cluster
	Unreadable          ReasonCode = "Unreadable"          // To: what is wrong with the file
	NoCertificate       ReasonCode = "NoCertificate"       // the kubeconfig holds no certificate, or an unreadable one
	Expired             ReasonCode = "Expired"             // At: when
	KeyMismatch         ReasonCode = "KeyMismatch"         // key and certificate do not belong together
	SubjectChanged      ReasonCode = "SubjectChanged"      // From, To: the common name
	GroupsChanged       ReasonCode = "GroupsChanged"       // Added, Removed
	KeyAlgorithmChanged ReasonCode = "KeyAlgorithmChanged" // From, To
	CAChanged           ReasonCode = "CAChanged"           // not signed by a CA that the cluster trusts now
	RequestPending      ReasonCode = "RequestPending"      // To: the request's name
	RequestApproved     ReasonCode = "RequestApproved"     // To: the request's name
	RequestIssued       ReasonCode = "RequestIssued"       // To: the request's name
	RequestDenied       ReasonCode = "RequestDenied"       // To: reason and message
	RequestFailed       ReasonCode = "RequestFailed"       // To: reason and message
	RequestGone         ReasonCode = "RequestGone"         // we hold a key whose request the cluster no longer has; To: its name
	RequestMisissued    ReasonCode = "RequestMisissued"    // the certificate issued for it is not for its key; To: its name
	RequestSwapped      ReasonCode = "RequestSwapped"      // another request has taken the name of ours; To: its name
	NewCertificate      ReasonCode = "NewCertificate"      // the kubeconfig follows its certificate
	ServerChanged       ReasonCode = "ServerChanged"       // From, To
	CADataChanged       ReasonCode = "CADataChanged"       // the CA in the kubeconfig
	TLSChanged          ReasonCode = "TLSChanged"          // tls-server-name, proxy-url, insecure-skip-tls-verify, disable-compression: From, To
	NamespaceChanged    ReasonCode = "NamespaceChanged"    // From, To
	NamesChanged        ReasonCode = "NamesChanged"        // context or cluster name: From, To
	ModeTooOpen         ReasonCode = "ModeTooOpen"         // others may read the file: From, To
	EntryEdited         ReasonCode = "EntryEdited"         // Added: fields in the kubeconfig's entry that are not ours
	NotInFile           ReasonCode = "NotInFile"           // the file no longer says it
	SetDestroyed        ReasonCode = "SetDestroyed"        // destroy was asked for
	InFile              ReasonCode = "InFile"              // the file says it, the cluster does not have it
	SubjectsChanged     ReasonCode = "SubjectsChanged"     // Added, Removed: "user jane", "group a:b"
	RulesChanged        ReasonCode = "RulesChanged"        // Added, Removed: one rule a line
	RoleRefChanged      ReasonCode = "RoleRefChanged"      // From, To: somebody gave our binding another roleRef
	RenewDue            ReasonCode = "RenewDue"            // At: when the present one ends; To: the rule (renewBefore)
	Requested           ReasonCode = "Requested"           // the operator asked for a new one
	OutcomeKnown        ReasonCode = "OutcomeKnown"        // the ledger learns what was issued
	NotRecorded         ReasonCode = "NotRecorded"         // the ledger did not list a living certificate
	Superseded          ReasonCode = "Superseded"          // a request of ours that no longer serves
	RevokedNow          ReasonCode = "RevokedNow"          // the operator revokes at once
)

// Reason is a code with its values. Which fields are set is said at the code.
type Reason struct {
	Code    ReasonCode `json:"code"`
	From    string     `json:"from,omitempty"`
	To      string     `json:"to,omitempty"`
	Added   []string   `json:"added,omitempty"`
	Removed []string   `json:"removed,omitempty"`
	At      time.Time  `json:"at,omitzero"`
}

// Certificate is a client certificate: as the file wants it, or as it was found.
type Certificate struct {
	User         string            `json:"user"`   // common name
	Groups       []string          `json:"groups"` // organizations, sorted
	KeyAlgorithm spec.KeyAlgorithm `json:"keyAlgorithm"`
	Duration     time.Duration     `json:"duration"` // as asked; in JSON expirationSeconds; the signer may shorten it

	// Only of one that was found.
	KeyHash      string    `json:"keyHash,omitempty"`      // hex SHA-256 of the public key (SubjectPublicKeyInfo)
	CredentialID string    `json:"credentialID,omitempty"` // "X509SHA256=" and hex, as audit logs show it
	Serial       string    `json:"serial,omitempty"`       // hex
	NotBefore    time.Time `json:"notBefore,omitzero"`
	NotAfter     time.Time `json:"notAfter,omitzero"`
}

// Endpoint is what a kubeconfig says about the cluster. An empty CA means the system's roots.
type Endpoint struct {
	Name                     string `json:"name"`
	Server                   string `json:"server"`
	CertificateAuthorityData []byte `json:"certificateAuthorityData,omitempty"` // PEM
	TLSServerName            string `json:"tlsServerName,omitempty"`
	ProxyURL                 string `json:"proxyURL,omitempty"`
	InsecureSkipTLSVerify    bool   `json:"insecureSkipTLSVerify,omitempty"`
	DisableCompression       bool   `json:"disableCompression,omitempty"`
}

// Kubeconfig is a user's kubeconfig apart from key and certificate.
type Kubeconfig struct {
	File      string   `json:"file"`    // name in the output directory
	Context   string   `json:"context"` // user@cluster
	Namespace string   `json:"namespace,omitempty"`
	Endpoint  Endpoint `json:"endpoint"`
}

// Role is a Role or, without a namespace, a ClusterRole of the set.
type Role struct {
	Namespace string              `json:"namespace,omitempty"`
	Name      string              `json:"name"`
	Rules     []rbacv1.PolicyRule `json:"rules"`

	// Only of one that was found.
	UID             types.UID `json:"uid,omitempty"`
	ResourceVersion string    `json:"resourceVersion,omitempty"`
}

// Kind returns Role or ClusterRole.
func (r Role) Kind() string {
	if r.Namespace == "" {
		return "ClusterRole"
	}
	return "Role"
}

// RoleRef names the role that a binding grants. It is immutable in the API.
type RoleRef struct {
	Kind string `json:"kind"` // Role or ClusterRole
	Name string `json:"name"`
}

// ClusterAdminRole is the role that allows everything.
var ClusterAdminRole = RoleRef{Kind: "ClusterRole", Name: "cluster-admin"}

func (r RoleRef) String() string { return r.Kind + "/" + r.Name }

// Subject is who a binding grants to: a User or a Group. Its API group is always rbac.authorization.k8s.io.
type Subject struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Binding is a RoleBinding or, without a namespace, a ClusterRoleBinding of the set.
type Binding struct {
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	RoleRef   RoleRef   `json:"roleRef"`
	Subjects  []Subject `json:"subjects"` // sorted

	// Only of one that was found.
	UID             types.UID `json:"uid,omitempty"`
	ResourceVersion string    `json:"resourceVersion,omitempty"`
}

// Kind returns RoleBinding or ClusterRoleBinding.
func (b Binding) Kind() string {
	if b.Namespace == "" {
		return "ClusterRoleBinding"
	}
	return "RoleBinding"
}

// Role is the key of the role that the binding grants.
func (b Binding) Role() ObjectKey {
	if b.RoleRef.Kind == "Role" {
		return ObjectKey{b.Namespace, b.RoleRef.Name}
	}
	return ObjectKey{"", b.RoleRef.Name}
}

// named says whether the binding has a name that the set gives.
func (b Binding) named(set string) bool { return strings.HasPrefix(b.Name, "provision:"+set+":") }

// SetOf is the set that a binding with a label belongs to: the label's, if the name is as that set gives it. A label alone
// anybody can put on.
func (b Binding) SetOf(label string) string {
	if label == "" || !b.named(label) {
		return ""
	}
	return label
}

// UserChange is everything that happens to one user, in one place. Request is set for Resume: the object that is resumed,
// already checked against the key that we hold. Without a UID it is to be sent again, with that key.
type UserChange struct {
	Name        string              `json:"name"`
	Pos         spec.Pos            `json:"pos,omitzero"` // nowhere for a user whom the file no longer names
	Certificate Change[Certificate] `json:"certificate"`
	Kubeconfig  Change[Kubeconfig]  `json:"kubeconfig"`
	Request     *RequestRef         `json:"request,omitempty"`
	Elsewhere   *Record             `json:"elsewhere,omitempty"` // a certificate that lives, whose kubeconfig is not here
	Abandon     bool                `json:"abandon,omitempty"`   // drop the key in the journal: nothing will come of it
}

// Idle says whether nothing happens to the user.
func (u UserChange) Idle() bool {
	return u.Certificate.Op == Keep && u.Kubeconfig.Op == Keep && !u.Abandon
}

// RequestRef names one CertificateSigningRequest object, not just a name that another could take; without a UID it is the
// name of one that nobody has seen in the cluster.
type RequestRef struct {
	Name   string    `json:"name"`
	UID    types.UID `json:"uid"`
	Resent bool      `json:"resent,omitempty"` // sent more than once, or will be: see Record
}

// WarningCode says what a person should know although nothing is changed for it.
type WarningCode string

// Warnings.
const (
	StillAuthenticates WarningCode = "StillAuthenticates" // User, Until: a removed user's certificate lives on
	StillInGroup       WarningCode = "StillInGroup"       // User, Items (groups), Until: the old certificate carries them
	ClusterAdmin       WarningCode = "ClusterAdmin"       // Items: who is given cluster-admin, Namespace: where
	PowerfulRole       WarningCode = "PowerfulRole"       // Namespace, Name: a role of the set; Items: its rules that allow everything, or to take more
	PowerfulGrant      WarningCode = "PowerfulGrant"      // Name: a role of others that allows as much; Namespace: where; Items: to whom it goes
	LongerThanAsked    WarningCode = "LongerThanAsked"    // Items (users), From (asked), To (issued)
	UnboundGroup       WarningCode = "UnboundGroup"       // Name: a group that is given for the first time and that nothing is bound to; Items (users)
	OlderLives         WarningCode = "OlderLives"         // Items (users): a certificate that is replaced on demand goes on; Until: the last of them
	ShorterThanAsked   WarningCode = "ShorterThanAsked"   // Items (users), From (asked), To (issued)
	DurationLater      WarningCode = "DurationLater"      // Items (users): a changed duration counts from the next certificate
	ForeignRequest     WarningCode = "ForeignRequest"     // Items: requests with our label that wait for approval and that no key of ours made
	SwappedRequest     WarningCode = "SwappedRequest"     // Name: a request that has the name of User's, and is not hers
	ReservedNames      WarningCode = "ReservedNames"      // Items: names of Kubernetes itself that the file allows itself
	NameAgain          WarningCode = "NameAgain"          // User, Until: the name of somebody who left is given again (reuse); Items: other sets that she left, none for this one
	NameInOtherSet     WarningCode = "NameInOtherSet"     // User; Items: other sets that have a certificate for her living
	LabelCopied        WarningCode = "LabelCopied"        // Items: bindings with our label and without a name of ours
	LedgerDamaged      WarningCode = "LedgerDamaged"      // Namespace, Name: the object; To: what of it cannot be read
	GrantedElsewhere   WarningCode = "GrantedElsewhere"   // Name (user or group), Items: bindings outside the set that grant to it
	NotBegun           WarningCode = "NotBegun"           // User, Until: the certificate begins only then
	SimilarGroup       WarningCode = "SimilarGroup"       // User, Name: her group, which the file does not define; To: one like it that it does
	CANotChecked       WarningCode = "CANotChecked"       // To: why the cluster's client CA is not known
	Insecure           WarningCode = "Insecure"           // the kubeconfigs will skip TLS verification
	OtherEntries       WarningCode = "OtherEntries"       // User, Name: her file, which has Items that are not ours; To: the current context if it is one of them
	IssuedElsewhere    WarningCode = "IssuedElsewhere"    // Items (users): they have a certificate whose kubeconfig is not here
)

// Warning is a code with its values.
type Warning struct {
	Code      WarningCode `json:"code"`
	User      string      `json:"user,omitempty"`
	Namespace string      `json:"namespace,omitempty"`
	Name      string      `json:"name,omitempty"`
	Items     []string    `json:"items,omitempty"`
	From      string      `json:"from,omitempty"`
	To        string      `json:"to,omitempty"`
	Until     time.Time   `json:"until,omitzero"`
}

// OfUsers says whether the warning is about the users in Items.
func (w Warning) OfUsers() bool {
	switch w.Code {
	case ShorterThanAsked, LongerThanAsked, DurationLater, IssuedElsewhere, UnboundGroup, OlderLives:
		return true
	}
	return false
}

// Grave says whether the warning is about power that somebody gets, or about somebody who may want to deceive: a reader
// must not miss it behind others.
func (w Warning) Grave() bool {
	switch w.Code {
	case ClusterAdmin, PowerfulRole, PowerfulGrant, GrantedElsewhere, ReservedNames, NameAgain, NameInOtherSet, Insecure, ForeignRequest, SwappedRequest, LabelCopied, LongerThanAsked, OtherEntries:
		return true
	}
	return false
}

// ProblemCode says why a plan cannot be applied, or not all of it.
type ProblemCode string

// Problems.
const (
	NamespaceMissing ProblemCode = "NamespaceMissing" // Name
	RoleMissing      ProblemCode = "RoleMissing"      // Kind, Namespace, Name; Detail: a role with a name like it
	ForeignObject    ProblemCode = "ForeignObject"    // Kind, Namespace, Name: it has our name and not our label; Detail: its set, if any
	LabelGone        ProblemCode = "LabelGone"        // Namespace, Name: a binding that would go, with our name and without our label
	ForeignFile      ProblemCode = "ForeignFile"      // Name: a file at a user's place that provision did not write; Detail: why
	FileOfOtherSet   ProblemCode = "FileOfOtherSet"   // Name, Detail: the set
	ClusterNameTaken ProblemCode = "ClusterNameTaken" // Name: the file; Detail: the cluster or context name that another entry has
	NameReused       ProblemCode = "NameReused"       // User, Until: somebody who left had this name
	TooManyDeletes   ProblemCode = "TooManyDeletes"   // Count: what the plan would delete; Detail: how many may go unasked; Total: with the other plans that are applied with it
	LedgerIncomplete ProblemCode = "LedgerIncomplete" // Name: the ledger's namespace; Detail: users whose certificates it does not list
	LedgerUnreadable ProblemCode = "LedgerUnreadable" // Name: the object; Detail: what is wrong with it
)

// Blocks says whether the problem must be mended before anything is applied. What somebody else's object or file stands in
// the way of is left out instead, and all the rest is done: else whoever may label one binding, or has one kubeconfig,
// could keep everybody's grants as they are.
func (c ProblemCode) Blocks() bool {
	switch c {
	case ForeignObject, LabelGone, ForeignFile, FileOfOtherSet, ClusterNameTaken:
		return false
	}
	return true
}

// Problem is something that must be mended. Pos is where the file asks for it.
type Problem struct {
	Code      ProblemCode `json:"code"`
	Pos       spec.Pos    `json:"pos,omitzero"`
	User      string      `json:"user,omitempty"`
	Kind      string      `json:"kind,omitempty"`
	Namespace string      `json:"namespace,omitempty"`
	Name      string      `json:"name,omitempty"`
	Detail    string      `json:"detail,omitempty"`
	Count     int         `json:"count,omitempty"`
	Total     int         `json:"total,omitempty"`
	Until     time.Time   `json:"until,omitzero"`
}

// Plan is what has to happen so that the cluster and the output directory say what the file says. Each list is
// sorted by namespace and name. It is complete: what stays is there too, with Keep.
type Plan struct {
	Set      string            `json:"set"`
	Digest   string            `json:"digest,omitempty"` // of the users file's document
	Ledger   Ledger            `json:"ledger"`
	Roles    []Change[Role]    `json:"roles,omitempty"`
	Bindings []Change[Binding] `json:"bindings,omitempty"`
	Users    []UserChange      `json:"users,omitempty"`
	Requests []Change[Request] `json:"requests,omitempty"` // requests of ours that are deleted before they are issued
	Warnings []Warning         `json:"warnings,omitempty"`
	Problems []Problem         `json:"problems,omitempty"` // one that Blocks: must not be applied
}

// Ledger is where the set's record of certificates is kept, and what the plan itself changes in it. The records of
// certificates that are still to be issued are written while the plan is applied: their keys do not exist yet.
type Ledger struct {
	Namespace       string           `json:"namespace"`
	CreateNamespace bool             `json:"createNamespace,omitempty"`
	Records         []Change[Record] `json:"records,omitempty"`
}

// Changes says whether applying the plan would change anything.
func (p Plan) Changes() bool {
	for _, c := range p.Roles {
		if c.Op != Keep {
			return true
		}
	}
	for _, c := range p.Bindings {
		if c.Op != Keep {
			return true
		}
	}
	for _, u := range p.Users {
		if !u.Idle() {
			return true
		}
	}
	return len(p.Requests)+len(p.Ledger.Records) > 0
}

// Blocked says whether a problem must be mended before anything is applied: one that Blocks, or one with everybody's file,
// which is a mistake of whoever runs this.
func (p Plan) Blocked() bool {
	inError, named := map[string]bool{}, 0
	for _, problem := range p.Problems {
		if problem.Code.Blocks() {
			return true
		}
		if problem.User != "" {
			inError[problem.User] = true
		}
	}
	for _, u := range p.Users {
		if u.Pos != (spec.Pos{}) {
			named++
		}
	}
	return len(inError) > 0 && len(inError) == named
}

// Leavers are the people of whom something shows that they were in the set, and whom the plan takes out: their
// kubeconfig is removed, or the ledger notes that they left. Sorted.
func (p Plan) Leavers() []string {
	var names []string
	for _, u := range p.Users {
		if u.Kubeconfig.Op == Remove {
			names = append(names, u.Name)
		}
	}
	for _, c := range p.Ledger.Records {
		if c.Op == Update && c.Before.Removed.IsZero() && !c.After.Removed.IsZero() {
			names = append(names, c.After.User)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Deletions counts what is taken away: users, bindings and roles. Bindings that the set cannot have made, whatever their
// label says, are not among them: else whoever may write bindings in one namespace could make it too many. Those are the
// ones that nobody of the set loses anything by, that grant a Role which is not the set's, and further ones of one role
// and scope that its subjects do not fill.
func (p Plan) Deletions() int {
	known := map[Subject]bool{}
	note := func(user string, groups []string) {
		known[Subject{"User", user}] = true
		for _, g := range groups {
			known[Subject{"Group", g}] = true
		}
	}
	for _, u := range p.Users {
		note(u.Name, nil)
		for _, c := range []*Certificate{u.Certificate.Before, u.Certificate.After} {
			if c != nil {
				note(u.Name, c.Groups)
			}
		}
	}
	for _, c := range p.Ledger.Records {
		note(c.Object().User, c.Object().Groups)
	}
	own := map[ObjectKey]bool{}
	for _, c := range p.Roles {
		own[ObjectKey{c.Object().Namespace, c.Object().Name}] = true
	}
	type scope struct {
		namespace string
		ref       RoleRef
	}
	subjects := map[scope]int{}
	for _, c := range p.Bindings {
		if c.Op != Delete || !slices.ContainsFunc(c.Before.Subjects, func(s Subject) bool { return known[s] }) {
			continue
		}
		if c.Before.RoleRef.Kind == "ClusterRole" || own[c.Before.Role()] {
			subjects[scope{c.Before.Namespace, c.Before.RoleRef}] += len(c.Before.Subjects)
		}
	}
	bindings := 0
	for _, n := range subjects {
		bindings += (n + MaxSubjects - 1) / MaxSubjects
	}
	return len(p.Leavers()) + bindings + p.Summarize().Roles[Delete]
}

// Summary counts a plan's operations: Certificates by op, and so on. Keep is counted too.
type Summary struct {
	Certificates map[Op]int `json:"certificates"`
	Kubeconfigs  map[Op]int `json:"kubeconfigs"`
	Roles        map[Op]int `json:"roles"`
	Bindings     map[Op]int `json:"bindings"`
}

// Summarize counts the operations of p.
func (p Plan) Summarize() Summary {
	s := Summary{map[Op]int{}, map[Op]int{}, map[Op]int{}, map[Op]int{}}
	for _, c := range p.Roles {
		s.Roles[c.Op]++
	}
	for _, c := range p.Bindings {
		s.Bindings[c.Op]++
	}
	for _, u := range p.Users {
		// A user who goes has no certificate in the file's sense: only her kubeconfig is removed.
		if u.Kubeconfig.Op != Remove {
			s.Certificates[u.Certificate.Op]++
		}
		s.Kubeconfigs[u.Kubeconfig.Op]++
	}
	return s
}
