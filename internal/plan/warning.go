package plan

import (
	"fmt"
	"reflect"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

// WarningCode says what a person should know although nothing is changed for it.
type WarningCode string

// Warnings.
const (
	StillAuthenticates  WarningCode = "StillAuthenticates"  // User, Until: a removed user's certificate lives on; Items: groups in it that anything is bound to; Left: those of them that the set binds itself, and revoke would not
	StillInGroup        WarningCode = "StillInGroup"        // User, Items (groups), Until: the old certificate carries them
	KeyChangesHands     WarningCode = "KeyChangesHands"     // User; Name, To: where their private key was and will be (KeyPlace); Left, Items: to whom it was and will be sealed; Until: whoever has the old one can log in
	Escrowed            WarningCode = "Escrowed"            // Items (users): their new private keys are sealed to Left too, the set's escrow
	ClusterAdmin        WarningCode = "ClusterAdmin"        // Subjects: who is given cluster-admin, Namespace: where
	PowerfulRole        WarningCode = "PowerfulRole"        // Role: one of the set, Namespace: where it is bound; Rules: its rules that allow everything there, or to take more
	PowerfulGrant       WarningCode = "PowerfulGrant"       // Role: one of others that allows as much, Namespace: where it is bound; Subjects: to whom it goes
	LongerThanAsked     WarningCode = "LongerThanAsked"     // Items (users), Asked, Issued
	UnboundGroup        WarningCode = "UnboundGroup"        // Name: a group that is given for the first time and that nothing is bound to; Items (users); To: one like it that the file defines
	OlderLives          WarningCode = "OlderLives"          // Items (users): a certificate that is replaced on demand goes on; Until: the last of them
	NotProved           WarningCode = "NotProved"           // Items (users): a certificate was issued, and nobody could log in with it
	ShorterThanAsked    WarningCode = "ShorterThanAsked"    // Items (users), Asked, Issued
	EndsWithCA          WarningCode = "EndsWithCA"          // Items (users), Until: their certificates end, or will end, with the CA and not when was asked
	DurationLater       WarningCode = "DurationLater"       // Items (users): a changed duration counts from the next certificate
	ForeignRequest      WarningCode = "ForeignRequest"      // Items: requests with our label that wait for approval and that no key of ours made
	SwappedRequest      WarningCode = "SwappedRequest"      // Name: a request that has the name of User's, and that another key made
	ReservedNames       WarningCode = "ReservedNames"       // Items: names of Kubernetes itself that the file allows itself
	NameAgain           WarningCode = "NameAgain"           // User, Until: the name of somebody who left is given again (reuse); Items: other sets that they left, none for this one. Generation: the lowest that none of their certificates has, 0 if the file gives such a one
	NameInOtherSet      WarningCode = "NameInOtherSet"      // User; Items: other sets in which a certificate of that name lives
	LabelCopied         WarningCode = "LabelCopied"         // Objects: bindings with our label and without a name of ours
	LedgerDamaged       WarningCode = "LedgerDamaged"       // Object; To: what of it cannot be read
	GrantedElsewhere    WarningCode = "GrantedElsewhere"    // User, or Name: a group; Held: what bindings outside the set grant to it
	OutsideAdmin        WarningCode = "OutsideAdmin"        // Role, which others bind and which is as good as cluster-admin; Name: the set whose bindings they are, or ""; Held: who has it so
	OutsideUnread       WarningCode = "OutsideUnread"       // the same of a role that the operator may not read
	OutsideGrant        WarningCode = "OutsideGrant"        // the same of any other role
	NotBegun            WarningCode = "NotBegun"            // User, Until: the certificate begins only then
	CANotChecked        WarningCode = "CANotChecked"        // To: why the cluster's client CA is not known
	LocalServer         WarningCode = "LocalServer"         // Name: the server in the kubeconfigs, which only this machine reaches; To: "pods" where only pods do
	LocalProxy          WarningCode = "LocalProxy"          // Name: the proxy in the kubeconfigs, which only this machine reaches
	PrivateProxy        WarningCode = "PrivateProxy"        // Name: the operator's proxy, which the kubeconfigs do not get because its URL holds a user or a password
	OtherCluster        WarningCode = "OtherCluster"        // Name: the operator's context; To: another one, that Items of the file lead to; or Clusters: those of the set's kubeconfigs here, none of which is this one
	OtherEntries        WarningCode = "OtherEntries"        // User, Name: their file, which has Entries that are not ours; To: the current context if it is one of them
	NewGeneration       WarningCode = "NewGeneration"       // User, Generation: what the set grants to older certificates ends now, and the user waits for the new kubeconfig; Until: the last older one ends; Items: groups in those to which something is still bound; Held: what others grant to those and to the name
	WithoutUntilNew     WarningCode = "WithoutUntilNew"     // Items (users): they are without Role in Namespace until they use their new certificates
	FrontProxyAnybody   WarningCode = "FrontProxyAnybody"   // whoever has a certificate of the set can act as anybody
	MisplacedKubeconfig WarningCode = "MisplacedKubeconfig" // User, Name: a file that is not theirs and holds a certificate of theirs, Until; To: the name it should have, if they have no other
	MisplacedOfLeaver   WarningCode = "MisplacedOfLeaver"   // User, who is out of the set; Name: a file with a certificate of theirs, Until
	ClusterReplaced     WarningCode = "ClusterReplaced"     // Items (users): their kubeconfigs have an entry for another cluster, Name (UID), at the same server, To
	NothingToForget     WarningCode = "NothingToForget"     // Name: a cluster (UID) to be forgotten that no kubeconfig has an entry of this set for
	IssuedElsewhere     WarningCode = "IssuedElsewhere"     // Items (users): they have a certificate whose kubeconfig is not here
	ClockDiffers        WarningCode = "ClockDiffers"        // Seconds: how far the clock of this machine is ahead of the API server's; negative: behind
	ElsewhereEnds       WarningCode = "ElsewhereEnds"       // Items (users): the certificate whose kubeconfig is not here is due; Until: the first of them ends
	LostLives           WarningCode = "LostLives"           // Items (users): they get a new certificate, and the one whose kubeconfig is not here goes on; Until: the last of them
	LedgerCopy          WarningCode = "LedgerCopy"          // Namespace: ConfigMaps there look like the set's ledger; Name: where that is; To: the set; Items: users with living certificates by them; Left: who of the users file has left, by them alone
	LedgerUnsearched    WarningCode = "LedgerUnsearched"    // Namespace: the ledger's, which has no records; other namespaces may not be read
	GroupReleased       WarningCode = "GroupReleased"       // Name: a group that is bound no more, as its members are; Holders: who else carries it; Held: what others grant to it
	GroupEnds           WarningCode = "GroupEnds"           // the same, of one that Left, who are revoked, have in a living certificate; Items: members who are not known to have it in one, and get it with the next apply
	SharedGroup         WarningCode = "SharedGroup"         // Name: a group that is granted something new; Holders: who else carries it
	NothingSelected     WarningCode = "NothingSelected"     // Name: a selector of namespaces that finds none
	SetUnfiled          WarningCode = "SetUnfiled"          // Name: a set with kubeconfigs here that no users file of the run describes; Items: its users
	LeaverBound         WarningCode = "LeaverBound"         // User, who left; Held: what bindings that are not of the set still grant
	NotBlockedByVersion WarningCode = "NotBlockedByVersion" // Name: the version of an API server that does not know certificates by their ids
	NotBlockedByRights  WarningCode = "NotBlockedByRights"  // Permissions: what the operator lacks to block certificates; Items: whose
	OwnNotBlocked       WarningCode = "OwnNotBlocked"       // User: the certificate that runs the command is among theirs
	SystemNotBlocked    WarningCode = "SystemNotBlocked"    // User: a certificate whose id is not known, with a name of Kubernetes' own
	NameNotBlocked      WarningCode = "NameNotBlocked"      // User: a certificate whose id is not known; Name: another set that has the name, or ""
	BlockNotRead        WarningCode = "BlockNotRead"        // To: why the block cannot be seen that the ledger tells of
	OwnKey              WarningCode = "OwnKey"              // User, Name: the hash of a key that was not made here, and for which a certificate is issued; To: that of the key before, ""
	NewRequestDue       WarningCode = "NewRequestDue"       // User has to make a new request: Since, Until: their certificate ends; Name: the set, Items: groups, Generation: what the request says; Reasons
	EndsPassed          WarningCode = "EndsPassed"          // Ends: what the file still has although it has ended
	OutlivesEnd         WarningCode = "OutlivesEnd"         // User, Until: a certificate of theirs goes on after Since, when they end by the file
	NoTimeLeft          WarningCode = "NoTimeLeft"          // Items (users): they need a certificate, and end too soon for one
	EndsAfterCA         WarningCode = "EndsAfterCA"         // Until: the cluster's CA ends, before these users do: Ends
	ServersDisagree     WarningCode = "ServersDisagree"     // Name: the server, Count: logins refused, Total: of how many, with certificates of one client CA
)

// Warning is a code with its values. The comment at each code says which fields it sets.
type Warning struct {
	Code       WarningCode         `json:"code"`
	User       string              `json:"user,omitempty"`
	Object     Object              `json:"object,omitzero"`
	Namespace  string              `json:"namespace,omitempty"`
	Name       string              `json:"name,omitempty"`
	Role       RoleRef             `json:"role,omitzero"`
	Items      []string            `json:"items,omitempty"`
	To         string              `json:"to,omitempty"`
	Since      time.Time           `json:"since,omitzero"`
	Until      time.Time           `json:"until,omitzero"`
	Reasons    []Reason            `json:"reasons,omitempty"`
	Seconds    int                 `json:"seconds,omitempty"`
	Held       []Held              `json:"held,omitempty"`
	Left       []string            `json:"left,omitempty"`
	Count      int                 `json:"count,omitempty"`
	Total      int                 `json:"total,omitempty"`
	Subjects   []Subject           `json:"subjects,omitempty"`
	Rules      []rbacv1.PolicyRule `json:"rules,omitempty"`
	Objects    []Object            `json:"objects,omitempty"`
	Holders    []Holder            `json:"holders,omitempty"`
	Generation int                 `json:"generation,omitempty"`
	Entries    []Entry             `json:"entries,omitempty"`
	Clusters   []Address           `json:"clusters,omitempty"`
	Ends       []End               `json:"ends,omitempty"`
	Asked      time.Duration       `json:"asked,omitempty"`
	Issued     time.Duration       `json:"issued,omitempty"`

	Permissions []Permission `json:"permissions,omitempty"`
}

// Holder is somebody with a certificate of a set.
type Holder struct {
	User string `json:"user"`
	Set  string `json:"set"`
}

// Address is a cluster by its name in a kubeconfig, and its server without a password.
type Address struct {
	Name   string `json:"name"`
	Server string `json:"server"`
}

// OfUsers reports whether the warning is about the users in Items.
func (w Warning) OfUsers() bool {
	switch w.Code {
	case Escrowed, NotProved, ShorterThanAsked, LongerThanAsked, EndsWithCA, DurationLater, IssuedElsewhere, ElsewhereEnds, LostLives, ClusterReplaced, UnboundGroup, OlderLives, WithoutUntilNew, NoTimeLeft:
		return true
	}
	return false
}

// OfCluster reports whether the warning is about the cluster, or about this machine, and so the same for every set of a run.
func (w Warning) OfCluster() bool {
	switch w.Code {
	case ClockDiffers, CANotChecked, FrontProxyAnybody, ServersDisagree:
		return true
	}
	return false
}

// Grave reports whether the warning is about power that somebody gets, or about somebody who may want to deceive: a reader
// must not miss it behind others.
func (w Warning) Grave() bool {
	switch w.Code {
	case KeyChangesHands, Escrowed, ClusterAdmin, PowerfulRole, PowerfulGrant, GrantedElsewhere, OutsideAdmin, OutsideUnread, ReservedNames, NameAgain, NameInOtherSet, SharedGroup, GroupReleased, GroupEnds, PrivateProxy, OtherCluster, ForeignRequest, SwappedRequest, LabelCopied, LedgerCopy, LongerThanAsked, OtherEntries, FrontProxyAnybody, OwnKey, MisplacedKubeconfig, MisplacedOfLeaver:
		return true
	}
	return false
}

// Outside reports whether the warning is about rights from outside a file.
func (w Warning) Outside() bool {
	return w.Code == OutsideAdmin || w.Code == OutsideUnread || w.Code == OutsideGrant
}

// Beyond returns what w tells that none of the warnings before told, and whether that is anything: of one that was there
// with fewer Items or Held, those that are new.
func (w Warning) Beyond(before []Warning) (Warning, bool) {
	bare := func(w Warning) Warning {
		w.Items, w.Held, w.Subjects, w.Rules, w.Objects, w.Holders, w.Entries, w.Clusters, w.Permissions, w.Ends = nil, nil, nil, nil, nil, nil, nil, nil, nil, nil
		return w
	}
	more, known := w, false
	for _, b := range before {
		if !reflect.DeepEqual(bare(b), bare(w)) {
			continue
		}
		known = true
		more.Items = without(more.Items, b.Items, itself)
		more.Subjects = without(more.Subjects, b.Subjects, itself)
		more.Rules = without(more.Rules, b.Rules, ruleKey)
		more.Objects = without(more.Objects, b.Objects, itself)
		more.Holders = without(more.Holders, b.Holders, itself)
		more.Entries = without(more.Entries, b.Entries, itself)
		more.Clusters = without(more.Clusters, b.Clusters, itself)
		more.Held = without(more.Held, b.Held, Held.Key) // with another role it would be another warning
	}
	return more, !known || len(more.Items)+len(more.Held)+len(more.Subjects)+len(more.Rules)+
		len(more.Objects)+len(more.Holders)+len(more.Entries)+len(more.Clusters) > 0
}

// ruleKey is one value for a rule: rules that differ in nothing have the same.
func ruleKey(r rbacv1.PolicyRule) string {
	//words:ignore a key, which is compared
	return fmt.Sprintf("%q", []any{r.Verbs, r.APIGroups, r.Resources, r.ResourceNames, r.NonResourceURLs})
}
