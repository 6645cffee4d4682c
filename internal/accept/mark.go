package accept

import (
	"encoding/json"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"

	"provision/internal/credential"
	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// markName is the name of the extension by which provision knows an entry as its own.
const markName = "provision"

// mark is what that extension says. A received one has only these fields, and the sealed key only on a user entry.
type mark struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Set        string `json:"set"`
	Cluster    string `json:"cluster"`
	User       string `json:"user"`
	Duration   string `json:"duration,omitempty"`
	SealedKey  string `json:"sealedKey,omitempty"`

	sealedTo []recipient.Recipient
}

// sealed returns the private key as it was sent.
func (m mark) sealed() credential.Sealed { return credential.Sealed{Key: m.SealedKey, To: m.sealedTo} }

// owner returns whom a mark names. Only the certificate says which user.
func (m mark) owner(user string) credential.Owner {
	d, _ := time.ParseDuration(m.Duration)
	return credential.Owner{Set: m.Set, Cluster: m.Cluster, User: user, Duration: d}
}

// extensions reads the extensions of a received entry, of which there may be only ours.
func (r *reader) extensions(n *yaml.Node, object string, ofUser bool) mark {
	var found mark
	for i, one := range r.list(n, "extensions") {
		fields := r.fields(one, object, "name", "extension")
		name := r.name(fields["name"], place{object, "extensions"}, true)
		if name != markName {
			r.refuse(one, place{object, "extension " + shown(name)}, UnknownField, "")
			continue
		}
		if i > 0 {
			r.refuse(one, place{object, "extension " + markName}, TwiceThere, "")
		}
		if fields["extension"] == nil {
			r.refuse(one, place{object, "extension " + markName}, Missing, "")
			continue
		}
		found = r.mark(fields["extension"], object, ofUser)
	}
	return found
}

func (r *reader) mark(n *yaml.Node, object string, ofUser bool) mark {
	known := []string{"apiVersion", "kind", "set", "cluster", "user", "duration"}
	if ofUser {
		known = append(known, "sealedKey", "sealedTo")
	}
	fields := r.fields(n, object, known...)
	text := func(name string) string { return r.name(fields[name], place{object, name}, false) }
	m := mark{
		APIVersion: text("apiVersion"), Kind: text("kind"), Set: text("set"), Cluster: text("cluster"), User: text("user"), Duration: text("duration"),
		sealedTo: r.sealedTo(fields["sealedTo"], object),
	}
	if m.APIVersion != usersfile.APIVersion || m.Kind != "Owner" {
		r.refuse(n, place{object, "extension " + markName}, Malformed, "it is not of this version")
	}
	if fields["sealedKey"] != nil {
		if m.SealedKey = r.text(fields["sealedKey"], place{object, "sealedKey"}); m.SealedKey == "" {
			r.refuse(fields["sealedKey"], place{object, "sealedKey"}, Missing, "")
		}
	}
	return m
}

// sealedTo reads who can open a sealed key, by the word of the sender.
func (r *reader) sealedTo(n *yaml.Node, object string) []recipient.Recipient {
	var all []recipient.Recipient
	for _, one := range r.list(n, "sealedTo") {
		fields := r.fields(one, object, "key", "fingerprint", "comment")
		r.text(fields["key"], place{object, "key"})
		all = append(all, recipient.Recipient{
			Fingerprint: r.name(fields["fingerprint"], place{object, "fingerprint"}, false),
			Comment:     r.name(fields["comment"], place{object, "comment"}, false),
		})
	}
	return all
}

// markOf returns our mark among the extensions of an entry in the person's own kubeconfig; the zero mark: there is none.
func markOf(extensions map[string]runtime.Object) mark {
	var m mark
	unknown, ok := extensions[markName].(*runtime.Unknown)
	if !ok || json.Unmarshal(unknown.Raw, &m) != nil || m.Kind != "Owner" {
		return mark{}
	}
	return m
}

// extension returns the extensions of an entry that is merged: whose it is, without any key. None where nobody had marked it.
func extension(o credential.Owner) map[string]runtime.Object {
	if o.Set == "" && o.Cluster == "" {
		return nil
	}
	raw, err := json.Marshal(mark{APIVersion: usersfile.APIVersion, Kind: "Owner", Set: o.Set, Cluster: o.Cluster, User: o.User, Duration: o.Duration.String()})
	if err != nil {
		return nil // texts always can be
	}
	return map[string]runtime.Object{markName: &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON}}
}
