// Package usersfile reads the users file: YAML in, checked sets out.
//
// It is the first room of the walk (users file -> desired -> plan -> apply -> report): every mistake that can be
// found without a cluster ends here, with file, line, column and field path, all of them at once. All that leaves this
// package is complete (defaults filled in) and valid, so nothing behind it checks a name or a duration again.
//
// The package knows no cluster, no directory and no clock.
package usersfile

import (
	"fmt"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/recipient"
)

const (
	// APIVersion is the only apiVersion of a users file that this version reads.
	APIVersion = "provision/v1alpha1"
	// Kind is the kind of a users file.
	Kind = "Users"
)

// Pos is a place in a users file. Line and Column count from 1; the zero Pos is "nowhere".
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String returns file:line:column, or file alone when the line is not known.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Set is one document of a users file, defaulted and valid. Its name is the value of the label provision/set on
// everything that is created for it: a DNS-1123 label.
type Set struct {
	Pos     Pos
	Digest  string // "sha256:" and hex, of the bytes of the document and of the files that it names
	Name    string
	Cluster Cluster
	Ledger  Ledger
	// CreateNamespaces is that the namespaces of the file are made that are not there.
	CreateNamespaces bool
	Defaults         Defaults
	Roles            []Role
	Groups           []Group
	Users            []User
	AllowReserved    []string
	// Escrow are those to whom every private key that is sealed is sealed besides: they are among the Recipients of those users.
	Escrow []recipient.Recipient
}

// Cluster is what the users' kubeconfigs say about the cluster, and which cluster the file is for. An empty field is
// taken from the operator's context.
type Cluster struct {
	Context    string // of the operator's kubeconfig: the only one with which the file is applied; "": any
	ContextPos Pos
	UID        string // of the cluster's kube-system namespace: the only cluster that the file is for; "": any
	UIDPos     Pos

	Name                     string
	Server                   string // an https URL
	CertificateAuthorityData []byte // PEM; base64 in the file, as in a kubeconfig
	TLSServerName            string
	ProxyURL                 *string // http, https or socks5; "" is none, nil is not said
}

// Ledger says where the set's record of issued certificates is kept.
type Ledger struct {
	Namespace string // "provision-system" when the file says nothing
}

// Defaults are the settings of users who have none of their own. Load has already copied them into the users.
type Defaults struct {
	Duration     time.Duration // 30 d when the file says nothing; whole seconds, at least 10 min, at most 2^31-1 s
	KeyAlgorithm KeyAlgorithm
	Namespace    string // of the kubeconfig's context; "" is the cluster's own default
	NamespacePos Pos
	RenewBefore  RenewBefore
	// RenewElsewhere is that a certificate whose kubeconfig is not in the output directory is renewed there when it is due.
	RenewElsewhere bool
}

// KeyAlgorithm is the kind and size of a private key, in kubeadm's names.
type KeyAlgorithm string

// The key algorithms that the signer accepts and that a kubeconfig can use everywhere.
const (
	RSA2048   KeyAlgorithm = "RSA-2048"
	RSA3072   KeyAlgorithm = "RSA-3072"
	RSA4096   KeyAlgorithm = "RSA-4096"
	ECDSAP256 KeyAlgorithm = "ECDSA-P256"
	ECDSAP384 KeyAlgorithm = "ECDSA-P384"
	Ed25519   KeyAlgorithm = "Ed25519"
)

// KeyAlgorithms lists every KeyAlgorithm, the default first.
func KeyAlgorithms() []KeyAlgorithm {
	return []KeyAlgorithm{ECDSAP256, ECDSAP384, Ed25519, RSA2048, RSA3072, RSA4096}
}

// RenewBefore says how long before its end a certificate is renewed: a share of the life it was issued with, or a
// fixed time. Exactly one of the two is set.
type RenewBefore struct {
	Share float64 // 0 < Share < 1
	Time  time.Duration
}

// Role is a Role (in each of Namespaces) or, without namespaces, a ClusterRole that the set owns.
type Role struct {
	Pos           Pos
	Name          string
	Namespaces    []string
	NamespacesPos Pos // of the list
	Rules         []rbacv1.PolicyRule
}

// BindTo is the subject of a group's bindings.
type BindTo string

// The two ways to bind a group.
const (
	BindToMembers BindTo = "Members" // each member: leaving takes effect at once. The default
	BindToGroup   BindTo = "Group"   // the Group itself: a certificate keeps the grant until it expires
)

// Group says once what the members of a group may do.
type Group struct {
	Pos    Pos
	Name   string
	BindTo BindTo
	// InCertificate is that it stands in the certificates of its members although they are bound and not the group, which always does.
	InCertificate bool
	// Shared is that a group which is bound itself stays bound whoever has it: people who left too, until their certificates end.
	Shared bool
	Roles  []Grant
	// Until is when all that is granted to the group ends; zero: nothing of it does by itself. In UTC.
	Until    time.Time
	UntilPos Pos
}

// Grant refers to one role, in a list of namespaces or, for a ClusterRole without namespaces, in the whole cluster.
// Exactly one of Role and ClusterRole is set; Role always has namespaces.
type Grant struct {
	Pos           Pos
	Role          string
	ClusterRole   string
	Namespaces    []string
	NamespacesPos Pos    // of the list
	Selector      string // of further namespaces by their labels, as kubectl's --selector has it; "": none
	SelectorPos   Pos
	Until         time.Time // when it ends, in UTC; zero: it does not by itself
	UntilPos      Pos
}

// User is one person: the certificate's subject is CN = Name and O = those of Groups that stand in
// certificates, and the group of the generation if there is one.
type User struct {
	Pos            Pos
	Name           string
	Generation     int      // of the user's certificates: the set binds the present one, and none that was before; 0: none, and it binds the name
	Groups         []string // that they are a member of
	Duration       time.Duration
	KeyAlgorithm   KeyAlgorithm
	Namespace      string
	NamespacePos   Pos // of the user's own, or of the defaults'
	RenewBefore    RenewBefore
	RenewElsewhere bool
	Roles          []Grant
	Request        *OwnRequest // that they have made, with a key of their own; nil: their key is made for them
	// Recipients are those to whom the user's private key is sealed, so that nobody else has it, with the set's Escrow; none: it
	// stands in the kubeconfig.
	Recipients []recipient.Recipient
	Reuse      bool // the name may be given again although a certificate of a removed user still lives
	// Until is when they are to be out of the set, in UTC: no certificate outlives it. Zero: nobody has said so.
	Until    time.Time
	UntilPos Pos
	AlsoAt   Pos // where another file names this user too, or one that some disks take for the same; nowhere: none does
}
