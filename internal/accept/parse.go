// Package accept merges the kubeconfig that a person was sent into their own. It treats what was sent as a stranger's: nothing in
// it proves who sent it.
//
// Parse, Merge and what they use are pure: bytes in, entries or refusals out; kubeconfigs in, a kubeconfig out. The person's own
// files are read and written in the files read.go, store.go and lock.go. Nothing here opens a connection or runs a program, and no
// error quotes a key.
package accept

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"provision/internal/cabundle"
	"provision/internal/credential"
	"provision/internal/usersfile"
)

// Entry is a context of a received file, with the cluster and the user that it names. It is data only: no path, no program, no
// proxy.
type Entry struct {
	// Entry has the names of the file, the certificate and the key as our own PEM, and the certificate's user as owner. Its Key is
	// empty until the key is here, and its Sealed.To is by the word of the sender.
	credential.Entry
	Of      credential.Certificate // what the certificate says
	KeyHere bool                   // the private key was in the file, for everybody to read
	Current bool                   // the file's current context
}

// maxEntries is how many contexts a received file may have: one for each cluster of a person.
const maxEntries = 200

// Parse reads a received kubeconfig as of now. Whatever is not on its list of fields is refused, and then there are no entries: the
// error is Refusals. The entries are in the order of the file's contexts, and there is at least one.
func Parse(data []byte, now time.Time) ([]Entry, error) {
	r := &reader{}
	root := r.document(data)
	if root == nil {
		return nil, r.refusals
	}
	top := r.fields(root, "", "apiVersion", "kind", "clusters", "users", "contexts", "current-context", "preferences")
	if v := r.text(top["apiVersion"], place{field: "apiVersion"}); v != "" && v != "v1" {
		r.refuse(top["apiVersion"], place{field: "apiVersion"}, Malformed, "it must be v1")
	}
	if v := r.text(top["kind"], place{field: "kind"}); v != "" && v != "Config" {
		r.refuse(top["kind"], place{field: "kind"}, Malformed, "it must be Config")
	}
	if n := top["preferences"]; n != nil && n.Tag != "!!null" {
		r.fields(n, "preferences")
	}
	clusters := named(r, top["clusters"], "cluster", r.cluster)
	users := named(r, top["users"], "user", func(n *yaml.Node, object string) received { return r.user(n, object, now) })
	contexts := named(r, top["contexts"], "context", r.context)
	current := r.name(top["current-context"], place{field: "current-context"}, false)
	entries := r.join(clusters, users, contexts, current)
	if len(r.refusals) > 0 {
		return nil, r.refusals
	}
	return entries, nil
}

// item is one entry of a list, by its name.
type item[T any] struct {
	name, object string
	node         *yaml.Node
	value        T
}

// named reads a list of entries that have a name each, and the same kind of content.
func named[T any](r *reader, n *yaml.Node, kind string, read func(n *yaml.Node, object string) T) []item[T] {
	var items []item[T]
	there := map[string]bool{}
	for i, n := range r.list(n, kind+"s") {
		fields := r.fields(n, fmt.Sprintf("%s %d", kind, i+1), "name", kind)
		name := r.name(fields["name"], place{fmt.Sprintf("%s %d", kind, i+1), "name"}, true)
		object := kind + " " + strconv.QuoteToASCII(name)
		if visible(name) {
			object = kind + " " + strconv.Quote(name)
		}
		if there[name] {
			r.refuse(n, place{object: object}, TwiceThere, "")
		}
		there[name] = true
		if fields[kind] == nil {
			r.refuse(n, place{object, kind}, Missing, "")
			continue
		}
		items = append(items, item[T]{name, object, n, read(fields[kind], object)})
	}
	return items
}

// cluster reads where a cluster is and which CA its server must have.
func (r *reader) cluster(n *yaml.Node, object string) usersfile.Endpoint {
	fields := r.fields(n, object, "server", "certificate-authority-data", "tls-server-name", "disable-compression", "extensions")
	e := usersfile.Endpoint{
		Server:             r.server(fields["server"], place{object, "server"}),
		TLSServerName:      r.name(fields["tls-server-name"], place{object, "tls-server-name"}, false),
		DisableCompression: r.truth(fields["disable-compression"], place{object, "disable-compression"}),
	}
	r.extensions(fields["extensions"], object, false)
	at := place{object, "certificate-authority-data"}
	if data := r.data(fields[at.field], at); data != nil {
		ca, err := cabundle.Normalize(data)
		if err != nil {
			r.refuse(fields[at.field], at, Malformed, err.Error())
		}
		e.CertificateAuthorityData = ca
	}
	return e
}

// server reads the address of an API server, which can be nothing but that.
func (r *reader) server(n *yaml.Node, at place) string {
	text := r.name(n, at, true)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" && u.Scheme == "https": // err quotes the address, which may hold a password
		r.refuse(n, at, Malformed, "it is no URL")
	case u.Scheme != "https":
		r.refuse(n, at, NotHTTPS, "")
	case u.User != nil:
		r.refuse(n, at, OtherLogin, "")
	case u.RawQuery != "" || u.Fragment != "" || u.Hostname() == "":
		r.refuse(n, at, Malformed, "it must be an address and a path")
	}
	return text
}

// context reads which cluster and user belong together.
func (r *reader) context(n *yaml.Node, object string) contextOf {
	fields := r.fields(n, object, "cluster", "user", "namespace", "extensions")
	c := contextOf{
		cluster:   r.name(fields["cluster"], place{object, "cluster"}, true),
		user:      r.name(fields["user"], place{object, "user"}, true),
		namespace: r.name(fields["namespace"], place{object, "namespace"}, false),
	}
	r.extensions(fields["extensions"], object, false)
	if c.namespace != "" && len(validation.IsDNS1123Label(c.namespace)) > 0 {
		r.refuse(fields["namespace"], place{object, "namespace"}, Malformed, "it is no name of a namespace")
	}
	return c
}

// contextOf is a context of a received file.
type contextOf struct{ cluster, user, namespace string }

// join makes an entry of each context. All that a context names must be there, and all that is there must be named: nothing comes
// along that is not shown.
func (r *reader) join(clusters []item[usersfile.Endpoint], users []item[received], contexts []item[contextOf], current string) []Entry {
	if len(contexts) == 0 {
		r.refuse(nil, place{}, NotReadable, "it has no contexts")
	}
	if len(contexts) > maxEntries {
		r.refuse(nil, place{}, TooManyClients, strconv.Itoa(maxEntries))
		return nil
	}
	cluster, user := byName(clusters), byName(users)
	usedClusters, usedUsers := map[string]bool{}, map[string]bool{}
	var entries []Entry
	for _, c := range contexts {
		at, of := cluster[c.value.cluster], user[c.value.user]
		usedClusters[c.value.cluster], usedUsers[c.value.user] = true, true
		if at == nil && c.value.cluster != "" {
			r.refuse(c.node, place{c.object, "cluster"}, Missing, "cluster "+shown(c.value.cluster))
		}
		if of == nil && c.value.user != "" {
			r.refuse(c.node, place{c.object, "user"}, Missing, "user "+shown(c.value.user))
		}
		if at == nil || of == nil {
			continue
		}
		e := Entry{Of: of.value.certificate, KeyHere: len(of.value.key) > 0, Current: c.name == current}
		e.Owner = of.value.mark.owner(of.value.certificate.User)
		e.Context, e.User, e.Namespace = c.name, c.value.user, c.value.namespace
		e.Endpoint = at.value
		e.Name = c.value.cluster
		e.Certificate, e.Key, e.Sealed = of.value.pem, of.value.key, of.value.mark.sealed()
		entries = append(entries, e)
	}
	for _, c := range clusters {
		if !usedClusters[c.name] {
			r.refuse(c.node, place{object: c.object}, NotUsed, "")
		}
	}
	for _, u := range users {
		if !usedUsers[u.name] {
			r.refuse(u.node, place{object: u.object}, NotUsed, "")
		}
	}
	return entries
}

func byName[T any](items []item[T]) map[string]*item[T] {
	all := map[string]*item[T]{}
	for i := range items {
		all[items[i].name] = &items[i]
	}
	return all
}
