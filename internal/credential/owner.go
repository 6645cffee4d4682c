package credential

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// extensionName is the key of the extension that marks an entry of a kubeconfig as ours.
const extensionName = "provision"

// Owner names whom an entry of a kubeconfig belongs to. It stands in the entry's extensions, so that it travels with the file;
// kubectl keeps it.
type Owner struct {
	Set      string        // the set's name
	Cluster  string        // the UID of the cluster's kube-system namespace: servers and names change, it does not
	User     string        // the user's name
	Duration time.Duration // as asked for the certificate; the signer may have shortened it
}

// ownerJSON is Owner as it stands in the file.
type ownerJSON struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Set        string `json:"set"`
	Cluster    string `json:"cluster"`
	User       string `json:"user"`
	Duration   string `json:"duration,omitempty"`

	// Only of a user entry.
	SealedKey string                `json:"sealedKey,omitempty"`
	SealedTo  []recipient.Recipient `json:"sealedTo,omitempty"`
}

// mark returns the extensions that name an owner, with a sealed key if there is one.
func mark(owner Owner, sealed Sealed) (map[string]runtime.Object, error) {
	raw, err := json.Marshal(ownerJSON{
		APIVersion: usersfile.APIVersion, Kind: "Owner",
		Set: owner.Set, Cluster: owner.Cluster, User: owner.User, Duration: owner.Duration.String(),
		SealedKey: sealed.Key, SealedTo: sealed.To,
	})
	if err != nil {
		return nil, err
	}
	return map[string]runtime.Object{extensionName: &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON}}, nil
}

// Mark gives an owner to an entry that Unmarked returned, so that it is ours again: it marks the user, the context and the
// cluster of the entry, but none that is marked already.
func (k *Kubeconfig) Mark(e Entry, owner Owner) error {
	extension, err := mark(owner, Sealed{})
	if err != nil {
		return fmt.Errorf("encode the owner of %s: %w", e.User, err)
	}
	put := func(to *map[string]runtime.Object) {
		if _, ours := k.owner(*to); ours {
			return
		}
		if *to == nil {
			*to = map[string]runtime.Object{}
		}
		maps.Copy(*to, extension)
	}
	if o := k.config.AuthInfos[e.User]; o != nil {
		put(&o.Extensions)
	}
	if o := k.config.Contexts[e.Context]; o != nil {
		put(&o.Extensions)
	}
	if o := k.config.Clusters[e.Name]; o != nil {
		put(&o.Extensions)
	}
	return nil
}

// owner is ownerOf, parsed once for each text.
func (k *Kubeconfig) owner(extensions map[string]runtime.Object) (Owner, bool) {
	unknown, ok := extensions[extensionName].(*runtime.Unknown)
	if !ok {
		return Owner{}, false
	}
	known, ok := k.owners[string(unknown.Raw)]
	if !ok {
		if owner, ours := ownerOf(extensions); ours {
			known = &owner
		}
		k.owners[string(unknown.Raw)] = known
	}
	if known == nil {
		return Owner{}, false
	}
	return *known, true
}

// has reports whether extensions say that an entry is that of a user for a cluster (by UID).
func (k *Kubeconfig) has(extensions map[string]runtime.Object, cluster, user string) bool {
	owner, ok := k.owner(extensions)
	return ok && owner.Cluster == cluster && owner.User == user
}

// ownerOf returns the owner that extensions name, and whether they name one.
func ownerOf(extensions map[string]runtime.Object) (Owner, bool) {
	unknown, ok := extensions[extensionName].(*runtime.Unknown)
	if !ok {
		return Owner{}, false
	}
	var o ownerJSON
	if err := json.Unmarshal(unknown.Raw, &o); err != nil || o.APIVersion != usersfile.APIVersion || o.Kind != "Owner" {
		return Owner{}, false
	}
	d, _ := time.ParseDuration(o.Duration) // 0 where somebody edited it: the plan then sees another duration
	return Owner{Set: o.Set, Cluster: o.Cluster, User: o.User, Duration: d}, true
}

// sealedIn returns the sealed key in the extensions of a user entry.
func sealedIn(extensions map[string]runtime.Object) Sealed {
	unknown, ok := extensions[extensionName].(*runtime.Unknown)
	if !ok {
		return Sealed{}
	}
	var o ownerJSON
	if err := json.Unmarshal(unknown.Raw, &o); err != nil {
		return Sealed{}
	}
	return Sealed{Key: o.SealedKey, To: o.SealedTo}
}
