package credential

import (
	"errors"
	"fmt"
	"maps"
	"regexp"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is a parsed kubeconfig: entries of ours, one per cluster and user, beside entries of others that are never touched.
// It holds secrets. It is not safe for concurrent use.
type Kubeconfig struct {
	config *clientcmdapi.Config
	owners map[string]*Owner // by the extension's text: an entry says the same three times, and is asked often
}

// NewKubeconfig returns a kubeconfig without entries.
func NewKubeconfig() *Kubeconfig { return newKubeconfig(clientcmdapi.NewConfig()) }

func newKubeconfig(config *clientcmdapi.Config) *Kubeconfig {
	return &Kubeconfig{config, map[string]*Owner{}}
}

// lineOfError finds where an error of the YAML parser is.
var lineOfError = regexp.MustCompile(`line \d+`)

// ParseKubeconfig reads a kubeconfig. A text without any cluster, user and context is an error. Errors never quote the content: it
// may be a private key.
func ParseKubeconfig(data []byte) (*Kubeconfig, error) {
	config, err := clientcmd.Load(data)
	if err != nil {
		if line := lineOfError.FindString(err.Error()); line != "" {
			return nil, errors.New("not a kubeconfig: error in " + line)
		}
		return nil, errors.New("not a kubeconfig")
	}
	if len(config.Clusters)+len(config.AuthInfos)+len(config.Contexts) == 0 {
		return nil, errors.New("not a kubeconfig: it has no clusters, users and contexts")
	}
	return newKubeconfig(config), nil
}

// Current returns the current context, "" if there is none, the server that it leads to, and the owner of its user entry.
func (k *Kubeconfig) Current() (context, server string, owner Owner) {
	c := k.config.Contexts[k.config.CurrentContext]
	if c == nil {
		return "", "", Owner{}
	}
	if o := k.config.Clusters[c.Cluster]; o != nil {
		server = o.Server
	}
	if o := k.config.AuthInfos[c.AuthInfo]; o != nil {
		owner, _ = k.owner(o.Extensions)
	}
	return k.config.CurrentContext, server, owner
}

// Put replaces our entry of e.Owner.User for e.Owner.Cluster by e and leaves everything else as it is, entries of other
// users too. If there is no current context then, e's becomes it. A name that another entry has is an error, and nothing is
// changed.
func (k *Kubeconfig) Put(e Entry) error {
	taken := k.Taken(e.Owner.Cluster, e.Owner.User)
	for _, name := range []string{e.Context, e.Name} {
		if _, ok := taken[name]; ok {
			return fmt.Errorf("the kubeconfig has an entry %q that is not ours: set cluster.name in the users file to another name", name)
		}
	}
	k.Remove(e.Owner.Cluster, e.Owner.User)
	owner, err := mark(e.Owner, Sealed{})
	if err != nil {
		return fmt.Errorf("encode the owner of %s: %w", e.Context, err)
	}
	cluster, user, context := clusterOf(e.Endpoint), e.user(), e.context()
	cluster.Extensions, user.Extensions, context.Extensions = owner, owner, owner
	if e.Sealed.Key != "" {
		if user.Extensions, err = mark(e.Owner, e.Sealed); err != nil {
			return fmt.Errorf("encode the sealed key of %s: %w", e.Context, err)
		}
	}
	k.config.Clusters[e.Name], k.config.AuthInfos[e.Context], k.config.Contexts[e.Context] = &cluster, &user, &context
	k.Use(e.Context)
	return nil
}

// Remove takes our entries of a user for a cluster (by UID) out and reports whether the kubeconfig is empty then. A cluster
// entry that another user's entry of ours needs stays.
func (k *Kubeconfig) Remove(cluster, user string) (empty bool) {
	maps.DeleteFunc(k.config.AuthInfos, func(_ string, e *clientcmdapi.AuthInfo) bool { return k.has(e.Extensions, cluster, user) })
	maps.DeleteFunc(k.config.Contexts, func(_ string, e *clientcmdapi.Context) bool { return k.has(e.Extensions, cluster, user) })
	needed := k.clustersOf(cluster, func(Owner) bool { return true })
	for name, e := range k.config.Clusters {
		if owner, ok := k.owner(e.Extensions); ok && owner.Cluster == cluster && !needed[name] {
			delete(k.config.Clusters, name)
		}
	}
	if k.config.Contexts[k.config.CurrentContext] == nil {
		k.config.CurrentContext = ""
	}
	return len(k.config.Clusters)+len(k.config.AuthInfos)+len(k.config.Contexts) == 0
}

// clustersOf returns the names of the cluster entries that our entries for a cluster (by UID) refer to, of those owners that
// count.
func (k *Kubeconfig) clustersOf(cluster string, counts func(Owner) bool) map[string]bool {
	names := map[string]bool{}
	for _, e := range k.Entries(cluster) {
		if counts(e.Owner) {
			names[e.Name] = true
		}
	}
	return names
}

// Use makes a context the current one if there is no current one.
func (k *Kubeconfig) Use(context string) {
	if k.config.Contexts[k.config.CurrentContext] == nil {
		k.config.CurrentContext = context
	}
}

// Bytes encodes the kubeconfig as YAML. The result is secret.
func (k *Kubeconfig) Bytes() ([]byte, error) {
	data, err := clientcmd.Write(*k.config)
	if err != nil {
		return nil, errors.New("encode kubeconfig: it cannot be written as YAML") // err could quote it
	}
	return data, nil
}
