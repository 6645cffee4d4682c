package credential

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/spec"
)

// extensionName is the key under which an entry of a kubeconfig says that it is ours.
const extensionName = "provision"

// Owner says whose an entry of a kubeconfig is. It stands in the entry's extensions, so that it travels with the
// file; kubectl keeps it.
type Owner struct {
	Set      string        // the set's name
	Cluster  string        // the UID of the cluster's kube-system namespace: servers and names change, it does not
	User     string        // the user's name
	Duration time.Duration // as asked for the certificate; the signer may have shortened it
}

type ownerJSON struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Set        string `json:"set"`
	Cluster    string `json:"cluster"`
	User       string `json:"user"`
	Duration   string `json:"duration,omitempty"`
}

// Entry is what a kubeconfig says for one user on one cluster. Context names the context and the user; both are
// user@cluster, so that kubeconfigs can be merged without one user entry hiding another.
type Entry struct {
	Owner                    Owner
	Context                  string
	Cluster                  string // the name of the cluster entry
	Namespace                string
	Server                   string
	CertificateAuthorityData []byte
	TLSServerName            string
	ProxyURL                 string
	InsecureSkipTLSVerify    bool
	DisableCompression       bool
	Certificate              []byte // PEM
	Key                      []byte // PEM, secret
}

// The three objects of an entry, but for who owns them.

func (e Entry) cluster() clientcmdapi.Cluster {
	return clientcmdapi.Cluster{
		Server:                   e.Server,
		CertificateAuthorityData: e.CertificateAuthorityData,
		TLSServerName:            e.TLSServerName,
		ProxyURL:                 e.ProxyURL,
		InsecureSkipTLSVerify:    e.InsecureSkipTLSVerify,
		DisableCompression:       e.DisableCompression,
	}
}

// read is the inverse of cluster.
func (e *Entry) read(c clientcmdapi.Cluster) {
	e.Server = c.Server
	e.CertificateAuthorityData = c.CertificateAuthorityData
	e.TLSServerName = c.TLSServerName
	e.ProxyURL = c.ProxyURL
	e.InsecureSkipTLSVerify = c.InsecureSkipTLSVerify
	e.DisableCompression = c.DisableCompression
}

func (e Entry) user() clientcmdapi.AuthInfo {
	return clientcmdapi.AuthInfo{ClientCertificateData: e.Certificate, ClientKeyData: e.Key}
}

func (e Entry) context() clientcmdapi.Context {
	return clientcmdapi.Context{Cluster: e.Cluster, AuthInfo: e.Context, Namespace: e.Namespace}
}

// Kubeconfig is a parsed kubeconfig: entries of ours, one per cluster, beside entries of others that are never touched.
type Kubeconfig struct {
	config *clientcmdapi.Config
	owners map[string]*Owner // by the extension's text: an entry says the same three times, and is asked often
}

// NewKubeconfig returns an empty one.
func NewKubeconfig() *Kubeconfig { return newKubeconfig(clientcmdapi.NewConfig()) }

func newKubeconfig(config *clientcmdapi.Config) *Kubeconfig {
	return &Kubeconfig{config, map[string]*Owner{}}
}

var lineOfError = regexp.MustCompile(`line \d+`)

// ParseKubeconfig reads a kubeconfig. Its errors never quote the content: it may be a private key.
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

// Entry returns our entry for a cluster (by UID), if the file has one whole enough to be told. Of several, as when
// somebody copied one, it is the first that has a context.
func (k *Kubeconfig) Entry(cluster string) (Entry, bool) {
	var found Entry
	ok := false
	for _, name := range slices.Sorted(maps.Keys(k.config.AuthInfos)) {
		user := k.config.AuthInfos[name]
		owner, ours := k.owner(user.Extensions)
		if !ours || owner.Cluster != cluster {
			continue
		}
		e := Entry{Owner: owner, Context: name, Certificate: user.ClientCertificateData, Key: user.ClientKeyData}
		c := k.config.Contexts[name]
		if c == nil || c.AuthInfo != name {
			if !ok {
				found, ok = e, true
			}
			continue
		}
		e.Namespace = c.Namespace
		e.Cluster = c.Cluster
		if c := k.config.Clusters[e.Cluster]; c != nil {
			e.read(*c)
		}
		return e, true
	}
	return found, ok
}

// Edited says what somebody has added to our entry for a cluster (by UID): the names of fields that Put does not write,
// such as token or exec, and "another user" and the like for a second object that says it is ours. What is changed or
// missing, Entry shows. Put takes all of it away.
func (k *Kubeconfig) Edited(cluster string) []string {
	e, ok := k.Entry(cluster)
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
	for name, o := range k.config.Clusters {
		if owner, ok := k.owner(o.Extensions); ok && owner.Cluster == cluster {
			note(name == e.Cluster || e.Cluster == "", "cluster", clusterFields(*o))
		}
	}
	for name, o := range k.config.AuthInfos {
		if owner, ok := k.owner(o.Extensions); ok && owner.Cluster == cluster {
			note(name == e.Context, "user", userFields(*o))
		}
	}
	for name, o := range k.config.Contexts {
		if owner, ok := k.owner(o.Extensions); ok && owner.Cluster == cluster {
			note(name == e.Context || e.Cluster == "", "context", nil) // Entry shows all that a context has
		}
	}
	return slices.Sorted(maps.Keys(added))
}

// Other is an entry of a kubeconfig that provision did not make.
type Other struct{ Kind, Name string } // Kind: cluster, user, context

// Others returns what is in the file and that provision did not make for a user, sorted, and the current context if it
// is one of them. Our entry for a cluster (by UID) is left to Edited. One for another cluster counts when it has more
// than Put writes: anybody can write our extension beside a program to run.
func (k *Kubeconfig) Others(user, cluster string) (others []Other, current string) {
	note := func(kind, name string, extensions map[string]runtime.Object, fields []string) bool {
		owner, ok := k.owner(extensions)
		if ok && (owner.Cluster == cluster || owner.User == user && len(fields) == 0) {
			return false
		}
		others = append(others, Other{kind, name})
		return true
	}
	for name, o := range k.config.Clusters {
		note("cluster", name, o.Extensions, clusterFields(*o))
	}
	for name, o := range k.config.AuthInfos {
		note("user", name, o.Extensions, userFields(*o))
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

// clusterFields names the fields of a cluster that Put does not write.
func clusterFields(have clientcmdapi.Cluster) []string {
	var e Entry
	e.read(have)
	have.LocationOfOrigin, have.Extensions = "", nil
	return surplus(have, e.cluster())
}

// userFields names the fields of a user that Put does not write.
func userFields(have clientcmdapi.AuthInfo) []string {
	e := Entry{Certificate: have.ClientCertificateData, Key: have.ClientKeyData}
	have.LocationOfOrigin, have.Extensions = "", nil
	return surplus(have, e.user())
}

// surplus names the fields that have has and want does not, as the file calls them.
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

// Provisioned says whether any entry is provision's for a user, on whatever cluster.
func (k *Kubeconfig) Provisioned(user string) bool {
	for _, e := range k.config.AuthInfos {
		if owner, ok := k.owner(e.Extensions); ok && owner.User == user {
			return true
		}
	}
	return false
}

// Taken returns the names of clusters, users and contexts that are not ours for this cluster (by UID).
func (k *Kubeconfig) Taken(cluster string) map[string]bool {
	taken := map[string]bool{}
	note := func(name string, extensions map[string]runtime.Object) {
		if owner, ok := k.owner(extensions); !ok || owner.Cluster != cluster {
			taken[name] = true
		}
	}
	for name, e := range k.config.Clusters {
		note(name, e.Extensions)
	}
	for name, e := range k.config.AuthInfos {
		note(name, e.Extensions)
	}
	for name, e := range k.config.Contexts {
		note(name, e.Extensions)
	}
	return taken
}

// Put replaces our entry for e.Owner.Cluster by e and leaves everything else as it is. The current context stays
// unless there is none, or it was ours under an older name. A name that another entry has is an error.
func (k *Kubeconfig) Put(e Entry) error {
	taken := k.Taken(e.Owner.Cluster)
	for _, name := range []string{e.Context, e.Cluster} {
		if taken[name] {
			return fmt.Errorf("the kubeconfig has an entry %q that is not ours: set cluster.name in the users file to another name", name)
		}
	}
	k.Remove(e.Owner.Cluster)
	raw, err := json.Marshal(ownerJSON{
		APIVersion: spec.APIVersion, Kind: "Owner",
		Set: e.Owner.Set, Cluster: e.Owner.Cluster, User: e.Owner.User, Duration: e.Owner.Duration.String(),
	})
	if err != nil {
		return fmt.Errorf("encode the owner of %s: %w", e.Context, err)
	}
	owner := map[string]runtime.Object{extensionName: &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON}}
	cluster, user, context := e.cluster(), e.user(), e.context()
	cluster.Extensions, user.Extensions, context.Extensions = owner, owner, owner
	k.config.Clusters[e.Cluster], k.config.AuthInfos[e.Context], k.config.Contexts[e.Context] = &cluster, &user, &context
	if k.config.Contexts[k.config.CurrentContext] == nil {
		k.config.CurrentContext = e.Context
	}
	return nil
}

// Remove takes our entries for a cluster (by UID) out and says whether anything is left.
func (k *Kubeconfig) Remove(cluster string) (empty bool) {
	ours := func(extensions map[string]runtime.Object) bool {
		owner, ok := k.owner(extensions)
		return ok && owner.Cluster == cluster
	}
	for name, e := range k.config.Clusters {
		if ours(e.Extensions) {
			delete(k.config.Clusters, name)
		}
	}
	for name, e := range k.config.AuthInfos {
		if ours(e.Extensions) {
			delete(k.config.AuthInfos, name)
		}
	}
	for name, e := range k.config.Contexts {
		if ours(e.Extensions) {
			delete(k.config.Contexts, name)
		}
	}
	if k.config.Contexts[k.config.CurrentContext] == nil {
		k.config.CurrentContext = ""
	}
	return len(k.config.Clusters)+len(k.config.AuthInfos)+len(k.config.Contexts) == 0
}

// Bytes encodes the kubeconfig as YAML. The result is secret.
func (k *Kubeconfig) Bytes() ([]byte, error) {
	data, err := clientcmd.Write(*k.config)
	if err != nil {
		return nil, errors.New("encode kubeconfig: it cannot be written as YAML") // err could quote it
	}
	return data, nil
}

// owner is ownerOf, which is worked out once for each text.
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

func ownerOf(extensions map[string]runtime.Object) (Owner, bool) {
	unknown, ok := extensions[extensionName].(*runtime.Unknown)
	if !ok {
		return Owner{}, false
	}
	var o ownerJSON
	if err := json.Unmarshal(unknown.Raw, &o); err != nil || o.APIVersion != spec.APIVersion || o.Kind != "Owner" {
		return Owner{}, false
	}
	d, _ := time.ParseDuration(o.Duration) // none: an older or edited entry; the plan then sees another duration
	return Owner{Set: o.Set, Cluster: o.Cluster, User: o.User, Duration: d}, true
}
