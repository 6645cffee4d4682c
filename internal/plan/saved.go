package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"provision/internal/usersfile"
)

// Inputs are the versions of everything that a plan was computed from, by the object's name as kubectl writes it. Two
// equal Inputs give the same plan, but for the passing of time.
type Inputs map[string]string

// Moved is one input that is not what it was. An empty version means that the object was, or is, not there.
type Moved struct {
	Object string `json:"object"`
	Then   string `json:"then,omitempty"`
	Now    string `json:"now,omitempty"`
}

// InputsOf gathers the versions of what a plan for desired is computed from. Source names the users file.
func InputsOf(source, cluster string, desired Desired, observed Observed) Inputs {
	in := Inputs{"file " + source + " (set " + desired.Set + ")": desired.Digest, "cluster": cluster}
	version := func(f Found) string { return "uid " + string(f.UID) + ", resourceVersion " + f.ResourceVersion }
	for _, r := range observed.Roles {
		in[r.Object().String()] = version(r.Found)
	}
	for _, b := range observed.Bindings {
		in[b.Object().String()] = version(b.Found)
	}
	for _, r := range observed.Requests {
		//words:ignore a version, which is compared
		in[Object{Kind: "CertificateSigningRequest", Name: r.Name}.String()] = fmt.Sprintf("uid %s, %s", r.UID, r.State)
	}
	for _, f := range observed.Files {
		in["kubeconfig "+f.Name] = string(f.State) + " " + digest(f.Certificate, f.Kubeconfig, f.KeyMatches, f.Mode, f.Taken, f.Edited, f.Others, f.OtherContext, f.Unmarked, f.OtherClusters)
	}
	for name, k := range observed.Keys {
		in["journal of "+name] = "key " + k.KeyHash
	}
	for _, u := range desired.Users {
		if u.Request != nil {
			in["request of "+u.Certificate.User] = "key " + u.Request.KeyHash
		}
		if to := u.Certificate.SealedTo; len(to) > 0 { // a file of recipients may have changed, and the users file says nothing of that
			texts := recipientTexts(to)
			slices.Sort(texts)
			in["recipients of "+u.Certificate.User] = strings.Join(texts, ", ")
		}
	}
	for _, r := range observed.Ledger {
		in["ledger record of "+r.User+" "+r.KeyHash[:min(12, len(r.KeyHash))]] = digest(r)
	}
	inputsOf(desired.Selections, in)
	for _, ref := range desired.References {
		there := "not there"
		if usable, is := observed.Namespaces[ref.Name]; ref.Kind == "Namespace" && is {
			if there = "there"; !usable {
				there = "being deleted"
			}
		}
		if _, ok := observed.RoleOwners[ref.Key()]; ref.Kind != "Namespace" && ok {
			there = "there"
		}
		in[ref.String()] = there
	}
	if b := observed.Block; b != nil {
		in["block of the set "+desired.Set] = b.Version
	}
	var cas []string
	for _, ca := range observed.ClientCA {
		sum := sha256.Sum256(ca.Raw)
		cas = append(cas, hex.EncodeToString(sum[:8]))
	}
	in["the cluster's client CA"] = strings.Join(cas, " ")
	// Every kubeconfig says what the operator's context says of the cluster.
	for _, u := range desired.Users[:min(1, len(desired.Users))] {
		in["endpoint"] = usersfile.WithoutPassword(u.Kubeconfig.Endpoint.Server) + " " + digest(u.Kubeconfig.Endpoint)
	}
	return in
}

// digest is a short hash of values.
func digest(values ...any) string {
	data, err := json.Marshal(values)
	if err != nil {
		return "?"
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Compare lists what differs between then and now, sorted by object.
func (then Inputs) Compare(now Inputs) []Moved {
	var moved []Moved
	for object, version := range then {
		if now[object] != version {
			moved = append(moved, Moved{Object: object, Then: version, Now: now[object]})
		}
	}
	for object, version := range now {
		if _, ok := then[object]; !ok {
			moved = append(moved, Moved{Object: object, Now: version})
		}
	}
	slices.SortFunc(moved, func(a, b Moved) int { return cmp.Compare(a.Object, b.Object) })
	return moved
}
