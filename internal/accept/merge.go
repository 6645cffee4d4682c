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
	Before  usersfile.Endpoint // the one before, if Moved; with no Server: nothing of the person's said which
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

// ServerChangedError reports that a received file names another server, or another CA of it, for an entry that the person has.
type ServerChangedError struct {
	Context     string
	Have, Wants usersfile.Endpoint
}

// Error says it in words.
func (e *ServerChangedError) Error() string {
	what := "another server: " + e.Wants.Server + " in place of " + e.Have.Server
	switch {
	case e.Have.Server == "":
		what = fmt.Sprintf("the server %s: no file of yours has a server for its cluster %q", e.Wants.Server, e.Have.Name)
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
		c.User = free(e.User, m.userTaken)
		c.Context = free(e.Context, m.contextTaken)
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

// server lets an entry of the person have the server and the CA of the file, if it has not. A context whose cluster is in no file
// could be meant for any, so that the person must say that it is this one.
func (m merger) server(c *Change, e Entry, own *clientcmdapi.Context, replace bool) error {
	have, in := m.mine.cluster(m.config, own.Cluster)
	before := usersfile.Endpoint{Name: own.Cluster}
	if have != nil {
		if trusts(have, e.Endpoint) {
			return nil
		}
		before = endpointOf(own.Cluster, have)
	}
	if !replace {
		return &ServerChangedError{c.Context, before, e.Endpoint}
	}
	c.Moved, c.Before = true, before
	if have != nil && in != m.config || m.shared(c.Context, own.Cluster) { // what else refers to it stays as it is
		own.Cluster = m.putCluster(e)
		return nil
	}
	m.config.Clusters[own.Cluster] = clusterOf(e)
	return nil
}

// find returns the name of the context in which a person has an entry already: of the same user and not of another set, and of the
// same name, or marked for the same cluster, or leading to the same server with the same CA. "" if there is none.
func (m merger) find(e Entry) string {
	mine := func(context string) bool {
		c := m.config.Contexts[context]
		if c == nil || m.done[context] || !ofUser(m.config.AuthInfos[c.AuthInfo], e.Of.User) {
			return false
		}
		set := markOf(m.config.AuthInfos[c.AuthInfo].Extensions).Set
		return set == "" || e.Owner.Set == "" || set == e.Owner.Set // two sets may know a person by one name
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
			at, _ := m.mine.cluster(m.config, c.Cluster)
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
	return m.inAny(func(k *clientcmdapi.Config) bool { return k.CurrentContext != "" })
}
