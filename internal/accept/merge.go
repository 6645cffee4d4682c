package accept

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/cabundle"
	"provision/internal/credential"
	"provision/internal/usersfile"
)

// Change is what merging one received entry does to the person's kubeconfig.
type Change struct {
	Context, User, Cluster string // the names that it has there

	New     bool // there was no entry of this user for this cluster
	Renewed bool // it has another certificate than before
	Older   bool // which was issued before the one that it replaces

	Moved   bool               // the server or its CA is another than before, as the person asked for
	Before  usersfile.Endpoint // the one before, if Moved
	Current bool               // its context becomes the current one
	Kept    string             // the namespace that the person has chosen, where the file has another
	Rivals  []string           // clusters of theirs that have the same server and another CA, sorted
	asked   usersfile.Endpoint // the server and CA of the file
	owner   credential.Owner   // of the entry
}

// Done reports whether nothing is left to do for the entry.
func (c Change) Done() bool { return !c.New && !c.Renewed && !c.Moved && !c.Current }

// NeedsKey reports whether the entry's private key is needed: the person has none for its certificate.
func (c Change) NeedsKey() bool { return c.New || c.Renewed }

// Mine is a person's kubeconfig: the file that entries go into, and the others that kubectl reads beside it.
type Mine struct {
	Config *clientcmdapi.Config
	Others []*clientcmdapi.Config
}

// ServerChangedError reports that a received file names another server, or another CA of it, for an entry that the person has.
type ServerChangedError struct {
	Context     string
	Have, Wants usersfile.Endpoint
}

// Error says it in words.
func (e *ServerChangedError) Error() string {
	what := "another server: " + e.Wants.Server + " in place of " + e.Have.Server
	switch {
	case sameServer(e.Have, e.Wants) && e.Have.InsecureSkipTLSVerify:
		what = "a check of the certificate of " + e.Have.Server + ", which it skips now"
	case sameServer(e.Have, e.Wants) && !cabundle.Equal(e.Have.CertificateAuthorityData, e.Wants.CertificateAuthorityData):
		what = "another CA for " + e.Have.Server
	case sameServer(e.Have, e.Wants):
		what = fmt.Sprintf("another name in the server's certificate: %q in place of %q", e.Wants.TLSServerName, e.Have.TLSServerName)
	}
	return fmt.Sprintf("the context %q of your kubeconfig would get %s", e.Context, what)
}

// TwiceError reports that two received entries are of one user for one cluster.
type TwiceError struct{ Context string }

// Error says it in words.
func (e *TwiceError) Error() string {
	return fmt.Sprintf("two of the received entries are for one context, %q: give one file at a time", e.Context)
}

// Merge returns the person's kubeconfig with received entries in it, and what that does, one change for each. Nothing else in it
// is changed, and nothing of what it got is changed in place. An entry of the same user for the same cluster is replaced; another
// one that has a name keeps it, and the received one gets a name beside it. Server and CA of an entry are replaced only if
// replaceServer; else that is a ServerChangedError.
func Merge(mine Mine, entries []Entry, replaceServer bool) (*clientcmdapi.Config, []Change, error) {
	m := merger{mine, mine.Config.DeepCopy(), map[string]bool{}}
	var changes []Change
	for _, e := range entries {
		if m.done[e.Context] {
			return nil, nil, &TwiceError{e.Context}
		}
		c, err := m.put(e, replaceServer)
		if err != nil {
			return nil, nil, err
		}
		m.done[c.Context], m.done[e.Context] = true, true
		if slices.ContainsFunc(changes, func(other Change) bool { return other.User == c.User }) { // two contexts of the person's for one user
			return nil, nil, &TwiceError{c.Context}
		}
		changes = append(changes, c)
	}
	if !m.hasCurrent() && len(changes) > 0 {
		i := max(0, slices.IndexFunc(entries, func(e Entry) bool { return e.Current }))
		changes[i].Current = true
		m.config.CurrentContext = changes[i].Context
	}
	return m.config, changes, nil
}

// merger has the kubeconfig as it was, and as it becomes.
type merger struct {
	mine   Mine
	config *clientcmdapi.Config
	done   map[string]bool // contexts that have got an entry, and the names that those had in their file
}

// put merges one entry.
func (m merger) put(e Entry, replaceServer bool) (Change, error) {
	c := Change{asked: e.Endpoint, owner: e.Owner}
	context := m.find(e)
	if context == "" {
		c.New = true
		c.Cluster = m.putCluster(e)
		c.User = free(e.User, func(name string) bool {
			return m.taken(func(k *clientcmdapi.Config) bool { return k.AuthInfos[name] != nil })
		})
		c.Context = free(e.Context, func(name string) bool {
			return m.taken(func(k *clientcmdapi.Config) bool { return k.Contexts[name] != nil })
		})
		m.config.AuthInfos[c.User] = userOf(e)
		m.config.Contexts[c.Context] = &clientcmdapi.Context{Cluster: c.Cluster, AuthInfo: c.User, Namespace: e.Namespace, Extensions: extension(e.Owner)}
		c.Rivals = m.rivals(e, c.Cluster)
		return c, nil
	}
	own := m.config.Contexts[context]
	c.Context, c.User = context, own.AuthInfo
	if err := m.server(&c, e, own, replaceServer); err != nil {
		return c, err
	}
	c.Cluster = own.Cluster
	if own.Namespace != e.Namespace {
		c.Kept = own.Namespace
	}
	if have := m.config.AuthInfos[own.AuthInfo]; !holds(have, e.Of) {
		c.Renewed = true
		before, err := credential.ParseCertificate(have.ClientCertificateData)
		c.Older = err == nil && e.Of.NotBefore.Before(before.NotBefore)
		m.config.AuthInfos[own.AuthInfo] = userOf(e)
	}
	c.Rivals = m.rivals(e, c.Cluster)
	return c, nil
}

// server lets an entry of the person have the server and the CA of the file, if it has not.
func (m merger) server(c *Change, e Entry, own *clientcmdapi.Context, replace bool) error {
	have := m.config.Clusters[own.Cluster]
	switch {
	case have == nil: // the context is of no use without
		c.Moved = true
		own.Cluster = m.putCluster(e)
		return nil
	case trusts(have, e.Endpoint):
		return nil
	}
	before := endpointOf(own.Cluster, have)
	if !replace {
		return &ServerChangedError{c.Context, before, e.Endpoint}
	}
	c.Moved, c.Before = true, before
	shared := false
	for name, other := range m.config.Contexts {
		shared = shared || name != c.Context && other.Cluster == own.Cluster
	}
	if shared { // what else refers to it stays as it is
		own.Cluster = m.putCluster(e)
		return nil
	}
	m.config.Clusters[own.Cluster] = clusterOf(e)
	return nil
}

// find returns the name of the context in which a person has an entry already: of the same user, and of the same name, or marked
// for the same cluster, or leading to the same server with the same CA. "" if there is none.
func (m merger) find(e Entry) string {
	mine := func(context string) bool {
		c := m.config.Contexts[context]
		return c != nil && !m.done[context] && ofUser(m.config.AuthInfos[c.AuthInfo], e.Of.User)
	}
	if mine(e.Context) {
		return e.Context
	}
	names := slices.Sorted(maps.Keys(m.config.Contexts))
	for _, same := range []func(c *clientcmdapi.Context) bool{
		func(c *clientcmdapi.Context) bool {
			return e.Owner.Cluster != "" && markOf(m.config.AuthInfos[c.AuthInfo].Extensions).Cluster == e.Owner.Cluster
		},
		func(c *clientcmdapi.Context) bool {
			at := m.config.Clusters[c.Cluster]
			return at != nil && trusts(at, e.Endpoint)
		},
	} {
		for _, name := range names {
			if mine(name) && same(m.config.Contexts[name]) {
				return name
			}
		}
	}
	return ""
}

// ofUser reports whether an entry of the person's kubeconfig is nothing but a client certificate of a user, in the file itself.
func ofUser(have *clientcmdapi.AuthInfo, user string) bool {
	if have == nil || len(have.ClientCertificateData) == 0 {
		return false
	}
	only := clientcmdapi.AuthInfo{
		LocationOfOrigin: have.LocationOfOrigin, Extensions: have.Extensions, ClientCertificateData: have.ClientCertificateData,
		ClientKeyData: have.ClientKeyData, ClientKey: have.ClientKey,
	}
	c, err := credential.ParseCertificate(have.ClientCertificateData)
	return err == nil && c.User == user && reflect.DeepEqual(*have, only)
}

// holds reports whether an entry has this very certificate, and its private key.
func holds(have *clientcmdapi.AuthInfo, of credential.Certificate) bool {
	c, err := credential.ParseCertificate(have.ClientCertificateData)
	if err != nil || c.CredentialID != of.CredentialID {
		return false
	}
	_, hash, err := readKey(have.ClientKeyData)
	return err == nil && hash == of.KeyHash
}

// putCluster returns the name of a cluster entry with the server and CA of a received entry: one that is there, or a new one.
func (m merger) putCluster(e Entry) string {
	return free(e.Name, func(name string) bool {
		if have := m.config.Clusters[name]; have != nil && reflect.DeepEqual(endpointOf("", have), endpointOf("", clusterOf(e))) {
			return false
		}
		if m.taken(func(k *clientcmdapi.Config) bool { return k.Clusters[name] != nil }) {
			return true
		}
		m.config.Clusters[name] = clusterOf(e)
		return false
	})
}

// taken reports whether something is in any file: kubectl takes the first that it finds.
func (m merger) taken(in func(*clientcmdapi.Config) bool) bool {
	return in(m.config) || slices.ContainsFunc(m.mine.Others, in)
}

// free returns a name that is not taken: this one, or this one with a number.
func free(name string, taken func(string) bool) string {
	for i, one := 2, name; ; i++ {
		if !taken(one) {
			return one
		}
		one = fmt.Sprintf("%s-%d", name, i)
	}
}

// rivals are the clusters of a person that have the server of a received entry with another CA: one of the two is not what it
// seems.
func (m merger) rivals(e Entry, but string) []string {
	var names []string
	for i, config := range append([]*clientcmdapi.Config{m.config}, m.mine.Others...) {
		for name, c := range config.Clusters {
			other := endpointOf(name, c)
			itself := i == 0 && name == but
			if !itself && sameServer(other, e.Endpoint) && len(c.CertificateAuthorityData) > 0 &&
				!cabundle.Equal(c.CertificateAuthorityData, e.CertificateAuthorityData) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hasCurrent reports whether a file says which context is the current one.
func (m merger) hasCurrent() bool {
	return m.taken(func(k *clientcmdapi.Config) bool { return k.CurrentContext != "" })
}
