package plan

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"provision/internal/usersfile"
)

// Context is what the operator's own context says about the cluster, as far as others may have it. How the operator
// logs in is no part of it, nor is a password in a URL.
type Context struct {
	Name     string // "" in a pod, where there is none
	Endpoint Endpoint
	// PrivateProxy is the operator's proxy if its URL holds a user name or a password, which are left out here. It is not in
	// Endpoint.
	PrivateProxy string
	// SkipsVerify is whether the operator trusts any server. Endpoint never says so.
	SkipsVerify bool
	// Others are the other contexts that the operator has, sorted by name.
	Others []OtherContext
}

// OtherContext is a context of the operator's that is not the one in use.
type OtherContext struct {
	Name    string
	Cluster string // the name of its cluster entry
	Server  string
}

// Reach is what the kubeconfigs of a set say of the cluster, and what there is to say about that.
type Reach struct {
	Endpoint Endpoint
	Warnings []Warning // told where a kubeconfig is written
	Problem  *Problem  // no kubeconfig can be written

	Context string // the operator's
	Pinned  bool   // the file says which cluster it is for
}

// reachOf decides what the kubeconfigs of a set say of the cluster: what the file says, and for the rest what the
// operator's own context does. The operator's own way to the server stays behind: the TLS name and the
// proxy where the file names another server, a proxy with a password, and a connection that nobody verifies.
func reachOf(set usersfile.Set, own Context) Reach {
	c, e := set.Cluster, own.Endpoint
	r := Reach{Context: own.Name, Pinned: c.Context != "" || c.UID != ""}
	if c.Name != "" {
		e.Name = c.Name
	}
	another := c.Server != "" && c.Server != e.Server
	if another {
		e.Server, e.TLSServerName, e.ProxyURL = c.Server, "", ""
	}
	if len(c.CertificateAuthorityData) > 0 {
		e.CertificateAuthorityData = c.CertificateAuthorityData
	}
	if c.TLSServerName != "" {
		e.TLSServerName = c.TLSServerName
	}
	if c.ProxyURL != nil {
		e.ProxyURL = *c.ProxyURL
	}
	r.Endpoint = e

	switch {
	case !strings.HasPrefix(e.Server, "https://"):
		r.Problem = &Problem{Code: ServerNotHTTPS, Pos: set.Pos, Name: own.Name, Detail: e.Server}
	case own.SkipsVerify && len(c.CertificateAuthorityData) == 0:
		r.Problem = &Problem{Code: CANotKnown, Pos: set.Pos, Name: own.Name}
	}
	if own.PrivateProxy != "" && c.ProxyURL == nil && !another {
		r.Warnings = append(r.Warnings, Warning{Code: PrivateProxy, Name: own.PrivateProxy})
	}
	// The file means what it says.
	if c.Server == "" && (own.Name == "" || OnlyHere(e.Server)) {
		w := Warning{Code: LocalServer, Name: e.Server}
		if !OnlyHere(e.Server) {
			w.To = "pods"
		}
		r.Warnings = append(r.Warnings, w)
	}
	if c.ProxyURL == nil && e.ProxyURL != "" && OnlyHere(e.ProxyURL) {
		r.Warnings = append(r.Warnings, Warning{Code: LocalProxy, Name: usersfile.WithoutPassword(e.ProxyURL)})
	}
	if w := otherContext(c, own); w != nil {
		r.Warnings = append(r.Warnings, *w)
	}
	return r
}

// otherContext doubts that the file is meant for the operator's context: it gives the server of another one, or the name
// of another one's cluster. A file that says which cluster it is for needs no doubt.
func otherContext(c usersfile.Cluster, own Context) *Warning {
	if c.UID != "" || c.Context != "" {
		return nil
	}
	same := func(of OtherContext) bool { return of.Server == own.Endpoint.Server || of.Cluster == own.Endpoint.Name }
	for _, of := range own.Others {
		switch {
		case same(of):
		case c.Server != "" && strings.TrimSuffix(of.Server, "/") == strings.TrimSuffix(c.Server, "/"):
			return &Warning{Code: OtherCluster, Name: own.Name, To: of.Name, Items: []string{c.Server}}
		case c.Name != "" && of.Cluster == c.Name && c.Name != own.Endpoint.Name:
			return &Warning{Code: OtherCluster, Name: own.Name, To: of.Name, Items: []string{c.Name}}
		}
	}
	return nil
}

// OnlyHere reports whether only the machine itself reaches a URL's host.
func OnlyHere(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsUnspecified()
}

// sayOnce leaves of the warnings about where the kubeconfigs lead only the first of each: the operator's context is the same for all
// sets of a run.
func sayOnce(plans []*Plan) {
	told := map[string]bool{}
	for _, p := range plans {
		p.Warnings = slices.DeleteFunc(slices.Clone(p.Warnings), func(w Warning) bool {
			switch w.Code {
			case LocalServer, LocalProxy, PrivateProxy:
				key := string(w.Code) + " " + w.Name
				again := told[key]
				told[key] = true
				return again
			}
			return false
		})
	}
}

// unwritable leaves users as they are whose kubeconfig would be written although it cannot work, and returns why, or nil
// where there is none.
func (r Reach) unwritable(users []UserChange) *Problem {
	if r.Problem == nil {
		return nil
	}
	some := false
	for i, u := range users {
		if op := u.Kubeconfig.Op; op == Write || op == Rewrite {
			users[i] = UserChange{Name: u.Name, Pos: u.Pos, Certificate: Change[Certificate]{Op: Keep}, Kubeconfig: Change[Kubeconfig]{Op: Keep}}
			some = true
		}
	}
	if !some {
		return nil
	}
	return r.Problem
}

// reachWarnings are those about where the kubeconfigs lead, of a plan that writes any, and about a set that may belong to
// another cluster, of a plan that changes anything, or that is to take away: that nothing is there does not say then that it is
// gone.
func reachWarnings(desired Desired, observed Observed, p Plan) []Warning {
	writes := slices.ContainsFunc(p.Users, func(u UserChange) bool { return u.Kubeconfig.Op == Write || u.Kubeconfig.Op == Rewrite })
	var list []Warning
	doubted := p.Changes() || desired.Destroy || desired.Revoke
	for _, w := range desired.Reach.Warnings {
		if writes || w.Code == OtherCluster && doubted {
			list = append(list, w)
		}
	}
	if w := elsewhereOnly(desired, observed); w != nil && doubted {
		list = append(list, *w)
	}
	return list
}

// elsewhereOnly doubts that this is the cluster that was meant: the directory has kubeconfigs of the set for other
// clusters and none for this one, and this one has no certificate of the set.
func elsewhereOnly(desired Desired, observed Observed) *Warning {
	if desired.Reach.Pinned || len(observed.Ledger) > 0 {
		return nil
	}
	var clusters []Address
	for _, f := range observed.Files {
		if f.State == FileOurs {
			return nil
		}
		for _, e := range f.OtherClusters {
			if e.Set == desired.Set && !slices.Contains(desired.Forget, e.Cluster) {
				clusters = append(clusters, Address{e.Name, usersfile.WithoutPassword(e.Server)})
			}
		}
	}
	if len(clusters) == 0 {
		return nil
	}
	slices.SortFunc(clusters, func(a, b Address) int { return compareKeys(a.Name, a.Server, b.Name, b.Server) })
	return &Warning{Code: OtherCluster, Name: desired.Reach.Context, Clusters: slices.Compact(clusters)}
}

// Endpoint is what a kubeconfig says about the cluster.
type Endpoint = usersfile.Endpoint
