package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

func TestReach(t *testing.T) {
	own := Context{Name: "ctx", Endpoint: Endpoint{Name: "c", Server: "https://in", CertificateAuthorityData: []byte("CA"), TLSServerName: "in", ProxyURL: "http://p"}}
	none, another, hers := "", "socks5://q", "http://jane:pw@r"
	said := func(e Endpoint, change func(*Endpoint)) Endpoint { change(&e); return e }
	for _, c := range []struct {
		name string
		file usersfile.Cluster
		own  func(*Context)
		want func(*Endpoint)
		told []Warning
		not  ProblemCode
	}{
		{name: "nothing said"},
		{name: "name", file: usersfile.Cluster{Name: "prod"}, want: func(e *Endpoint) { e.Name = "prod" }},
		{name: "what belongs to the other server", file: usersfile.Cluster{Server: "https://out"}, want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://out", "", "" }},
		{name: "the same server", file: usersfile.Cluster{Server: "https://in"}},
		{name: "CA", file: usersfile.Cluster{CertificateAuthorityData: []byte("2")}, want: func(e *Endpoint) { e.CertificateAuthorityData = []byte("2") }},
		{name: "server and TLS name", file: usersfile.Cluster{Server: "https://out", TLSServerName: "out"}, want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://out", "out", "" }},
		{name: "another proxy", file: usersfile.Cluster{ProxyURL: &another}, want: func(e *Endpoint) { e.ProxyURL = another }},
		{name: "server and proxy", file: usersfile.Cluster{Server: "https://out", ProxyURL: &hers}, want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://out", "", hers }},
		{name: "no proxy", file: usersfile.Cluster{ProxyURL: &none}, want: func(e *Endpoint) { e.ProxyURL = "" }},

		{name: "a private proxy", own: func(o *Context) { o.Endpoint.ProxyURL, o.PrivateProxy = "", "http://p" }, want: func(e *Endpoint) { e.ProxyURL = "" }, told: []Warning{{Code: PrivateProxy, Name: "http://p"}}},
		{name: "a private proxy, and none is meant", file: usersfile.Cluster{ProxyURL: &none}, own: func(o *Context) { o.Endpoint.ProxyURL, o.PrivateProxy = "", "http://p" }, want: func(e *Endpoint) { e.ProxyURL = "" }},
		{name: "a private proxy to another server", file: usersfile.Cluster{Server: "https://out"}, own: func(o *Context) { o.Endpoint.ProxyURL, o.PrivateProxy = "", "http://p" }, want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://out", "", "" }},
		{name: "a local proxy", own: func(o *Context) { o.Endpoint.ProxyURL = "socks5://127.0.0.1:1080" }, want: func(e *Endpoint) { e.ProxyURL = "socks5://127.0.0.1:1080" }, told: []Warning{{Code: LocalProxy, Name: "socks5://127.0.0.1:1080"}}},
		{name: "a local server", own: func(o *Context) { o.Endpoint.Server = "https://[::1]:6443" }, want: func(e *Endpoint) { e.Server = "https://[::1]:6443" }, told: []Warning{{Code: LocalServer, Name: "https://[::1]:6443"}}},
		{name: "a local server that is meant", file: usersfile.Cluster{Server: "https://localhost"}, want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://localhost", "", "" }},
		{name: "in a pod", own: func(o *Context) { o.Name = "" }, told: []Warning{{Code: LocalServer, Name: "https://in", To: "pods"}}},

		{name: "http", own: func(o *Context) { o.Endpoint.Server = "http://in" }, want: func(e *Endpoint) { e.Server = "http://in" }, not: ServerNotHTTPS},
		{name: "no scheme", own: func(o *Context) { o.Endpoint.Server = "in:6443" }, want: func(e *Endpoint) { e.Server = "in:6443" }, not: ServerNotHTTPS},
		{name: "http, and the file knows better", file: usersfile.Cluster{Server: "https://out"}, own: func(o *Context) { o.Endpoint.Server = "http://in" }, want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://out", "", "" }},
		{name: "no verification", own: func(o *Context) { o.SkipsVerify, o.Endpoint.CertificateAuthorityData = true, nil }, want: func(e *Endpoint) { e.CertificateAuthorityData = nil }, not: CANotKnown},
		{name: "no verification, and the file has the CA", file: usersfile.Cluster{CertificateAuthorityData: []byte("2")}, own: func(o *Context) { o.SkipsVerify = true }, want: func(e *Endpoint) { e.CertificateAuthorityData = []byte("2") }},

		{name: "the server of another context", file: usersfile.Cluster{Server: "https://prod/"}, own: func(o *Context) { o.Others = []OtherContext{{"a", "x", "https://x"}, {"p", "prod", "https://prod"}} },
			want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://prod/", "", "" }, told: []Warning{{Code: OtherCluster, Name: "ctx", To: "p", Items: []string{"https://prod/"}}}},
		{name: "the cluster's name of another context", file: usersfile.Cluster{Name: "prod"}, own: func(o *Context) { o.Others = []OtherContext{{"p", "prod", "https://prod"}} },
			want: func(e *Endpoint) { e.Name = "prod" }, told: []Warning{{Code: OtherCluster, Name: "ctx", To: "p", Items: []string{"prod"}}}},
		{name: "another context of this cluster", file: usersfile.Cluster{Name: "prod", Server: "https://in"}, own: func(o *Context) { o.Others = []OtherContext{{"p", "prod", "https://in"}} }, want: func(e *Endpoint) { e.Name = "prod" }},
		{name: "the server of another context, and the file is tied", file: usersfile.Cluster{Server: "https://prod", UID: "u"}, own: func(o *Context) { o.Others = []OtherContext{{"p", "prod", "https://prod"}} },
			want: func(e *Endpoint) { e.Server, e.TLSServerName, e.ProxyURL = "https://prod", "", "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			own := own
			if c.own != nil {
				c.own(&own)
			}
			want := Context{Endpoint: Endpoint{Name: "c", Server: "https://in", CertificateAuthorityData: []byte("CA"), TLSServerName: "in", ProxyURL: "http://p"}}.Endpoint
			if c.want != nil {
				want = said(want, c.want)
			}
			got := reachOf(usersfile.Set{Cluster: c.file}, own)
			if fmt.Sprint(got.Endpoint) != fmt.Sprint(want) {
				t.Errorf("%+v, want %+v", got.Endpoint, want)
			}
			if fmt.Sprint(got.Warnings) != fmt.Sprint(c.told) {
				t.Errorf("told %+v, want %+v", got.Warnings, c.told)
			}
			if (got.Problem == nil) != (c.not == "") || got.Problem != nil && got.Problem.Code != c.not {
				t.Errorf("problem %+v, want %q", got.Problem, c.not)
			}
		})
	}
}

func TestLocal(t *testing.T) {
	for _, url := range []string{"https://127.0.0.1:6443", "https://127.8.9.10", "https://[::1]:6443", "https://[0:0:0:0:0:0:0:1]", "https://[::ffff:127.0.0.1]", "https://0.0.0.0:1", "https://[::]:1", "https://LocalHost:6443/x", "https://localhost.", "https://a.localhost", "socks5://127.0.0.1:1080"} {
		if !OnlyHere(url) {
			t.Errorf("%s is local", url)
		}
	}
	for _, url := range []string{"https://10.0.0.1", "https://127.example.com", "https://localhost.example.com", "https://[2001:db8::1]", "https://api"} {
		if OnlyHere(url) {
			t.Errorf("%s is not local", url)
		}
	}
}

// Where the kubeconfigs lead is told where one is written, once for all sets, and a kubeconfig that cannot work is not
// written, while all else goes on.
func TestReachInPlans(t *testing.T) {
	of := func(r Reach) world {
		w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe", "dev"))
		w.Reach = r
		return w
	}
	codesOf := func(p Plan) []string {
		var list []string
		for _, w := range p.Warnings {
			list = append(list, string(w.Code))
		}
		return list
	}
	local := Reach{Warnings: []Warning{{Code: LocalServer, Name: "https://127.0.0.1"}}}
	if p := of(local).plan(); len(codesOf(p)) > 0 {
		t.Errorf("a plan without changes tells %v", codesOf(p))
	}
	w := of(local)
	w.file(func(f *File) { f.Mode = 0o644 })
	one, two := w.plan(), w.plan()
	Agree([]*Plan{&one, &two}, 0)
	if !slices.Equal(codesOf(one), []string{"LocalServer"}) || len(codesOf(two)) > 0 {
		t.Errorf("told %v and %v", codesOf(one), codesOf(two))
	}

	w = of(Reach{Problem: &Problem{Code: ServerNotHTTPS}})
	if p := w.plan(); len(p.Problems) > 0 {
		t.Errorf("nothing is written, and there is %+v", p.Problems)
	}
	w.file(func(f *File) { f.Kubeconfig.Endpoint.Server = "https://old" })
	w.Users = w.Users[:1]
	p := w.plan()
	if len(p.Problems) != 1 || p.Problems[0].Code != ServerNotHTTPS {
		t.Errorf("%+v", p.Problems)
	}
	for _, u := range p.Users {
		if want := map[string]Op{"jane": Keep, "joe": Remove}[u.Name]; u.Kubeconfig.Op != want {
			t.Errorf("%s: %s, want %s", u.Name, u.Kubeconfig.Op, want)
		}
	}
}

// A directory whose kubeconfigs of the set are all for another cluster makes a plan doubt that this one was meant.
func TestSetOfAnotherCluster(t *testing.T) {
	other := File{Name: "jane.kubeconfig", State: FileOther, Mode: 0o600, OtherClusters: []ClusterEntry{{User: "jane", Set: setName, Cluster: "uid-prod", Name: "prod", Server: "https://prod"}}}
	for _, c := range []struct {
		name   string
		change func(*world)
		want   bool
	}{
		{"it has never been here", func(*world) {}, true},
		{"the file says which cluster it is for", func(w *world) { w.Reach.Pinned = true }, false},
		{"it has been here", func(w *world) {
			w.Ledger = []Record{{User: "old", KeyHash: keyHash("old"), Request: "r", Intended: noon.Add(-400 * day), NotAfter: noon.Add(-time.Hour)}}
		}, false},
		{"another set's", func(w *world) {
			f := other
			f.OtherClusters = []ClusterEntry{{User: "jane", Set: "other", Cluster: "uid-prod", Name: "prod", Server: "https://prod"}}
			w.Files["jane"] = f
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			w.fresh()
			w.Ledger = nil
			w.Files["jane"] = other
			c.change(&w)
			var told []Address
			for _, warning := range w.plan().Warnings {
				if warning.Code == OtherCluster {
					told = append(told, warning.Clusters...)
					if !warning.Grave() {
						t.Error("it is not grave")
					}
				}
			}
			if got := slices.Equal(told, []Address{{"prod", "https://prod"}}); got != c.want {
				t.Errorf("told %v", told)
			}
			status := StatusWarnings(w.Desired, w.Observed, noon)
			if got := slices.ContainsFunc(status, func(w Warning) bool { return w.Code == OtherCluster }); got != c.want {
				t.Errorf("status told %+v", status)
			}
		})
	}
}
