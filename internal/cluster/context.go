package cluster

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // auth-provider, as in kubectl
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/cabundle"
	"provision/internal/plan"
)

// ownContext is the operator's context: the part that users may have, and the operator's own way to the server.
type ownContext struct {
	plan.Context
	// connection is the operator's own way to the server, with the proxy's password: for logging in over the same way with
	// another credential. Nothing of it may be written or shown.
	connection plan.Endpoint
	proxy      proxies
	trusts     string // where the operator's kubeconfig says which CA the server has
	plugin     string // the program or auth-provider that makes the operator's credential; "": none
}

// readContext reads the operator's context, or the pod's service account. The error names what in it cannot be used.
func readContext(o Options) (*rest.Config, ownContext, error) {
	var own ownContext
	rules := o.kubeconfigs()
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	overrides.AuthInfo.Impersonate = o.As
	overrides.AuthInfo.ImpersonateGroups = o.AsGroups
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	fail := func(err error) (*rest.Config, ownContext, error) {
		return nil, own, fmt.Errorf("read kubeconfig: %w", err)
	}
	if err := o.checkFiles(rules.GetLoadingPrecedence()...); err != nil {
		return fail(err)
	}
	raw, err := loader.RawConfig()
	if err != nil {
		return fail(err)
	}
	if o.Context != "" {
		raw.CurrentContext = o.Context
	}
	// client-go quotes URLs that are wrong, and does not say what there is instead of a context that is not.
	if err := checkContext(raw); err != nil {
		return fail(err)
	}
	if of := raw.Contexts[raw.CurrentContext]; of != nil {
		files := []string{raw.Clusters[of.Cluster].CertificateAuthority}
		if user := raw.AuthInfos[of.AuthInfo]; user != nil {
			files = append(files, user.ClientCertificate, user.ClientKey, user.TokenFile)
		}
		if err := o.checkFiles(files...); err != nil {
			return fail(err)
		}
	}
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, own, ErrNoKubeconfig
	}
	if err != nil {
		return fail(err)
	}
	var caFile string
	if of := raw.Contexts[raw.CurrentContext]; of == nil { // in a pod
		caFile = config.CAFile
		own.Endpoint = plan.Endpoint{Name: "kubernetes", Server: config.Host}
		own.trusts = config.CAFile
		own.connection = own.Endpoint
	} else {
		cluster := *raw.Clusters[of.Cluster]
		own.Name = raw.CurrentContext
		own.Endpoint = plan.Endpoint{
			Name: of.Cluster, Server: cluster.Server, CertificateAuthorityData: cluster.CertificateAuthorityData, TLSServerName: cluster.TLSServerName,
		}
		own.SkipsVerify = cluster.InsecureSkipTLSVerify
		own.trusts = fmt.Sprintf("certificate-authority-data of the cluster %q in your kubeconfig", of.Cluster)
		if caFile = cluster.CertificateAuthority; caFile != "" && len(cluster.CertificateAuthorityData) == 0 {
			own.trusts = caFile
		}
		own.Endpoint.Server = takeUser(config, cluster.Server)
		own.connection = own.Endpoint
		own.connection.ProxyURL = cluster.ProxyURL
		own.connection.InsecureSkipTLSVerify = cluster.InsecureSkipTLSVerify
		own.connection.DisableCompression = cluster.DisableCompression
		switch shown := withoutUser(cluster.ProxyURL); shown {
		case cluster.ProxyURL:
			own.Endpoint.ProxyURL = shown
		default:
			own.PrivateProxy = shown
		}
		own.proxy = proxies{cluster.ProxyURL, fmt.Sprintf("proxy-url of the cluster %q in your kubeconfig", of.Cluster)}
		own.Others = otherContexts(raw)
		if user := raw.AuthInfos[of.AuthInfo]; user != nil && user.Exec != nil {
			own.plugin = user.Exec.Command
		} else if user != nil && user.AuthProvider != nil {
			own.plugin = "auth-provider " + user.AuthProvider.Name
		}
	}
	if err := own.readCA(config, caFile); err != nil {
		return fail(err)
	}
	return config, own, nil
}

// kubeconfigs are the files that the operator's kubeconfig consists of.
func (o Options) kubeconfigs() *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	rules.MigrationRules = nil // a plan writes no file
	// Without KUBECONFIG (which WarnIfAllMissing tells) the default is below the home directory. Where there is none it would
	// be below the current one: a checkout of somebody else's, whose login plugin would be run.
	if !rules.WarnIfAllMissing && !filepath.IsAbs(clientcmd.RecommendedHomeFile) {
		rules.Precedence = nil
	}
	return rules
}

// Contexts are those of the operator's kubeconfig that name a cluster of it, by name. Of the files that it refers to none is opened.
func Contexts(o Options) ([]plan.OtherContext, error) {
	rules := o.kubeconfigs()
	if err := o.checkFiles(rules.GetLoadingPrecedence()...); err != nil {
		return nil, err
	}
	raw, err := rules.Load()
	if err != nil {
		return nil, err
	}
	raw.CurrentContext = ""
	return otherContexts(*raw), nil
}

// checkFiles asks about files that client-go reads whole.
func (o Options) checkFiles(paths ...string) error {
	for _, path := range paths {
		if path == "" || o.CheckFile == nil {
			continue
		}
		if err := o.CheckFile(path); err != nil {
			return err
		}
	}
	return nil
}

// readCA reads the CA certificates, and makes the operator's own connection trust those and nothing else that stands there.
func (own *ownContext) readCA(config *rest.Config, file string) error {
	ca := &rest.Config{TLSClientConfig: rest.TLSClientConfig{CAFile: file, CAData: own.Endpoint.CertificateAuthorityData}}
	if ca.CAFile == "" && len(ca.CAData) == 0 {
		return nil // the system's
	}
	if err := rest.LoadTLSFiles(ca); err != nil {
		return fmt.Errorf("read the cluster's CA: %w", err)
	}
	data, err := cabundle.Normalize(ca.CAData)
	if err != nil {
		return fmt.Errorf("%s cannot be used as the cluster's CA: %w", own.trusts, err)
	}
	own.Endpoint.CertificateAuthorityData, own.connection.CertificateAuthorityData = data, data
	if !config.Insecure {
		config.CAData, config.CAFile = data, ""
	}
	return nil
}

// otherContexts are the contexts of a kubeconfig besides the current one.
func otherContexts(raw clientcmdapi.Config) []plan.OtherContext {
	var list []plan.OtherContext
	for _, name := range slices.Sorted(maps.Keys(raw.Contexts)) {
		of := raw.Contexts[name]
		if c := raw.Clusters[of.Cluster]; c != nil && name != raw.CurrentContext {
			list = append(list, plan.OtherContext{Name: name, Cluster: of.Cluster, Server: withoutUser(c.Server)})
		}
	}
	return list
}

// checkContext looks at the current context before client-go does.
func checkContext(raw clientcmdapi.Config) error {
	name := raw.CurrentContext
	of, there := raw.Contexts[name], slices.Sorted(maps.Keys(raw.Contexts))
	switch {
	case of == nil && len(there) == 0 && name == "":
		return nil // no kubeconfig, or an empty one
	case of == nil && len(there) == 0:
		return fmt.Errorf("the context %q does not exist: no kubeconfig has any", name)
	case name == "":
		return fmt.Errorf("it has no current-context: give --context, one of %s", strings.Join(there, ", "))
	case of == nil:
		return fmt.Errorf("the context %q does not exist: give --context, one of %s", name, strings.Join(there, ", "))
	case of.Cluster == "":
		return fmt.Errorf("the context %q names no cluster: kubectl config set-context %s --cluster NAME", name, name)
	}
	cluster := raw.Clusters[of.Cluster]
	if cluster == nil {
		return fmt.Errorf("the context %q names the cluster %q, which is not there", name, of.Cluster)
	}
	if err := checkURLs(cluster.Server, cluster.ProxyURL); err != nil {
		return fmt.Errorf("cluster %q: %w", of.Cluster, err)
	}
	return nil
}
