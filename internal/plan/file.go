package plan

import (
	"crypto/x509"
	"io/fs"
	"time"

	"provision/internal/chain"
)

// FileState says whose a file in the output directory is.
type FileState string

// States of a file.
const (
	FileOurs       FileState = "ours"       // has an entry of this set and cluster
	FileOtherSet   FileState = "otherSet"   // has an entry for this cluster that another set owns
	FileOther      FileState = "other"      // provision's, for other clusters only: an entry can be added
	FileMoving     FileState = "moving"     // has an entry for this cluster that another set gives up in the same run: see Moves
	FileForeign    FileState = "foreign"    // not provision's
	FileUnreadable FileState = "unreadable" // not a kubeconfig
	FileNoAccess   FileState = "noAccess"   // its mode does not let us read it
)

// File is one kubeconfig in the output directory.
type File struct {
	Name  string
	State FileState
	Owner string // the owning set, for FileOurs, FileOtherSet and FileMoving
	Error string // why it is foreign or unreadable
	Mode  fs.FileMode

	// For FileOurs.
	Kubeconfig  Kubeconfig
	Certificate *Certificate        // nil: none, or not one
	Leaf        []byte              // the same in DER, for checking who signed it: parsed it takes five times the memory
	Further     []*x509.Certificate // what stands behind it in the file: the rest of its chain
	KeyMatches  bool                // the file's private key belongs to the certificate; true where it is not here (Certificate.Key)
	Edited      []string            // what somebody added to our entry: fields such as token, "another user"; sorted
	UserEntry   string              // the name of the user entry, which is the context's unless somebody has renamed one
	MarkGone    bool                // the entry is the user's by its certificate, and has lost the mark that says so: see reclaim

	// Given is the certificate in another set's entry, for FileOtherSet and FileMoving; nil: none, or not one.
	Given *Certificate

	// Unmarked are the entries that do not say whose they are and that have a certificate for this user, where the file has
	// none of ours for this cluster.
	Unmarked []Unmarked
	// Taken are the names of contexts, clusters and users in the file that are not ours: we may not use them. The value is
	// the cluster (UID) for which the set made that entry for this user, or "".
	Taken map[string]string
	// OtherClusters are provision's entries of this user for other clusters.
	OtherClusters []ClusterEntry
	Current       CurrentContext
	// Others are the entries that provision did not make for this user, sorted;
	// OtherContext is the current context if it is one of them.
	Others       []Entry
	OtherContext string
}

// free reports whether the file has room for an entry of the set for this cluster, and has none.
func (f File) free() bool { return f.State == FileOther || f.State == FileMoving }

// From reports whether the certificate in the file is from one of the CAs, as the API server would decide it.
func (f File) From(roots chain.Roots, now time.Time) bool {
	leaf, err := x509.ParseCertificate(f.Leaf)
	return err == nil && roots.Verify(leaf, f.Further, now) == nil
}

// Unmarked is an entry without an owner's mark: a tool may have dropped what it did not know of the file.
type Unmarked struct {
	UserEntry   string
	Kubeconfig  Kubeconfig
	Certificate Certificate
	Leaf        []byte              `json:"-"`
	Further     []*x509.Certificate `json:"-"`
	KeyMatches  bool
}

// ClusterEntry is what a kubeconfig has of provision's for another cluster than the one in question.
type ClusterEntry struct {
	File    string `json:"file"`
	User    string `json:"user"`
	Set     string `json:"set"`
	Cluster string `json:"cluster"` // UID
	Name    string `json:"name"`    // of the cluster entry
	Context string `json:"context,omitempty"`
	Server  string `json:"server,omitempty"`

	// Of its certificate; zero: it has none that can be read.
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
}

// CurrentContext is what kubectl uses of a file when it is told nothing.
type CurrentContext struct {
	Context string // "": none, or one that is not there
	Server  string
	Cluster string // UID of the cluster for which provision made its user entry for this user, or ""
}

// Misplaced is an entry of the set in a file that is not its user's: somebody copied, renamed or merged files.
type Misplaced struct {
	File        string
	User        string
	Context     string
	Certificate Certificate
}

// Entry is an entry of a kubeconfig.
type Entry struct {
	Kind string `json:"kind"` // cluster, context or user
	Name string `json:"name"`
}

// String returns the entry with quotes where the name needs them: "context home", `user "a b"`.
func (e Entry) String() string { return e.Kind + " " + Quoted(e.Name) }
