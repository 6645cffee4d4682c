package credential

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/usersfile"
)

// Edited returns what somebody has added to a user's entry for a cluster (by UID), sorted: the names of fields that Put does not
// write, such as token or exec, and "another user", "another cluster" or "another context" for a second object that has our
// mark. Entry shows the fields that are changed or missing. Put takes everything away that Edited returns.
func (k *Kubeconfig) Edited(cluster, user string) []string {
	e, ok := k.Entry(cluster, user)
	if !ok {
		return nil
	}
	added := map[string]bool{}
	note := func(ours bool, kind string, fields []string) {
		if !ours {
			added["another "+kind] = true
		}
		for _, f := range fields {
			added[f] = true
		}
	}
	needed := k.clustersOf(cluster, func(owner Owner) bool { return owner.User != user })
	for name, o := range k.config.Clusters {
		// The users of a merged file share one, which has the mark of any of them.
		if owner, ok := k.owner(o.Extensions); ok && owner.Cluster == cluster && (owner.User == user && !needed[name] || name == e.Name) {
			note(name == e.Name || e.Name == "", "cluster", clusterFields(*o))
		}
	}
	for name, o := range k.config.AuthInfos {
		if k.has(o.Extensions, cluster, user) {
			note(name == e.User, "user", userFields(*o, user))
		}
	}
	for name, o := range k.config.Contexts {
		if k.has(o.Extensions, cluster, user) {
			note(name == e.Context || e.Context == "", "context", nil) // Entry shows all that a context has
		}
	}
	return slices.Sorted(maps.Keys(added))
}

// Other is an entry of a kubeconfig that provision did not make.
type Other struct{ Kind, Name string } // Kind: cluster, user, context

// Others returns the entries in the file that provision did not make for a user, sorted by kind and name, and the current
// context if it is one of them. The user's own entry for a cluster (by UID) is left to Edited. An entry of theirs for another
// cluster counts when it has more than Put writes: anybody can write our extension beside a program to run.
func (k *Kubeconfig) Others(cluster, user string) (others []Other, current string) {
	e, _ := k.Entry(cluster, user)
	note := func(kind, name string, extensions map[string]runtime.Object, fields []string) bool {
		owner, ok := k.owner(extensions)
		if ok && owner.User == user && (owner.Cluster == cluster || len(fields) == 0) {
			return false
		}
		if ok && owner.Cluster == cluster && kind == "cluster" && name == e.Name {
			return false // shared with the other users of a merged file
		}
		others = append(others, Other{kind, name})
		return true
	}
	for name, o := range k.config.Clusters {
		note("cluster", name, o.Extensions, clusterFields(*o))
	}
	for name, o := range k.config.AuthInfos {
		note("user", name, o.Extensions, userFields(*o, user))
	}
	for name, o := range k.config.Contexts {
		if note("context", name, o.Extensions, nil) && name == k.config.CurrentContext {
			current = name
		}
	}
	slices.SortFunc(others, func(a, b Other) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return others, current
}

// clusterFields returns the names of the fields of a cluster that Put does not write.
func clusterFields(have clientcmdapi.Cluster) []string {
	have.LocationOfOrigin, have.Extensions = "", nil
	return surplus(have, clusterOf(endpointOf("", have)))
}

// userFields returns the names of the fields of a user entry that Put does not write for a user.
func userFields(have clientcmdapi.AuthInfo, user string) []string {
	e := Entry{Certificate: have.ClientCertificateData, Key: have.ClientKeyData}
	if len(e.Key) == 0 && have.ClientKey == usersfile.KeyFileName(user) {
		e.KeyFile = have.ClientKey
	}
	have.LocationOfOrigin, have.Extensions = "", nil
	return surplus(have, e.user())
}

// surplus returns the fields that have has and want does not, unsorted, by their names in the file.
func surplus(have, want any) []string {
	if reflect.DeepEqual(have, want) {
		return nil
	}
	var fields []string
	h, w := fieldsOf(have), fieldsOf(want)
	for name := range h {
		if _, ok := w[name]; !ok {
			fields = append(fields, strings.Replace(name, "act-as", "as", 1)) // client-go calls it by another name than the file
		}
	}
	return fields
}

// fieldsOf returns the fields of an object that are not empty, by their JSON names.
func fieldsOf(o any) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	data, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		return map[string]json.RawMessage{"something unknown": nil}
	}
	return fields
}

// Provisioned reports whether the kubeconfig has an entry of ours for a user, on any cluster.
func (k *Kubeconfig) Provisioned(user string) bool {
	for _, e := range k.config.AuthInfos {
		if owner, ok := k.owner(e.Extensions); ok && owner.User == user {
			return true
		}
	}
	return false
}

// Taken returns the names of clusters, users and contexts that are not a user's for this cluster (by UID), each with its owner.
// The owner of one that provision did not make is the zero Owner. A cluster entry of this cluster is nobody's alone, and is not
// taken.
func (k *Kubeconfig) Taken(cluster, user string) map[string]Owner {
	taken := map[string]Owner{}
	note := func(name string, extensions map[string]runtime.Object, shared bool) {
		owner, ok := k.owner(extensions)
		if !ok || owner.Cluster != cluster || owner.User != user && !shared {
			taken[name] = owner
		}
	}
	for name, e := range k.config.Clusters {
		note(name, e.Extensions, true)
	}
	for name, e := range k.config.AuthInfos {
		note(name, e.Extensions, false)
	}
	for name, e := range k.config.Contexts {
		note(name, e.Extensions, false)
	}
	return taken
}
