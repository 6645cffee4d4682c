package credential

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/usersfile"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// entryOf is what provision writes for jane on a cluster.
func entryOf(cluster string) Entry {
	return Entry{
		Owner:   Owner{Set: "team", Cluster: "uid-" + cluster, User: "jane", Duration: 36 * time.Hour},
		Context: "jane@" + cluster, User: "jane@" + cluster, Namespace: "shop",
		Endpoint: usersfile.Endpoint{
			Name: cluster, Server: "https://" + cluster + ":6443", CertificateAuthorityData: []byte("CA of " + cluster), TLSServerName: "api", ProxyURL: "socks5://proxy",
			DisableCompression: true,
		},
		Certificate: []byte("certificate for " + cluster), Key: []byte("key for " + cluster),
	}
}

// foreign is a kubeconfig with every field that people and other tools write, and nothing of ours.
const foreign = `apiVersion: v1
kind: Config
current-context: work
clusters:
- name: work
  cluster:
    server: https://work
    certificate-authority: /etc/ca.pem
    tls-server-name: inner
    proxy-url: http://proxy
    disable-compression: true
    extensions:
    - name: minikube.sigs.k8s.io
      extension: {provider: minikube.sigs.k8s.io, version: v1.38.0, last-update: now}
- name: open
  cluster: {server: "https://open", insecure-skip-tls-verify: true}
users:
- name: token
  user: {token: abc, tokenFile: /run/token, as: root, as-uid: "0", as-groups: [a, b], as-user-extra: {k: [v, w]}}
- name: basic
  user: {username: u, password: p}
- name: files
  user:
    client-certificate: /c.pem
    client-key: /k.pem
    extensions:
    - name: provision.example.org
      extension: {apiVersion: provision/v1alpha1, kind: Owner, cluster: uid-prod}
- name: exec
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: aws
      args: [eks, get-token]
      env: [{name: AWS_PROFILE, value: x}]
      installHint: install aws
      provideClusterInfo: true
      interactiveMode: IfAvailable
- name: plugin
  user: {auth-provider: {name: oidc, config: {client-id: x}}}
contexts:
- name: work
  context: {cluster: work, user: exec, namespace: mine, extensions: [{name: context_info, extension: {last-update: now}}]}
- name: lonely
  context: {cluster: gone, user: gone}
extensions:
- name: editor
  extension: {colour: green}
`

func parse(t testing.TB, data []byte) *Kubeconfig {
	t.Helper()
	k, err := ParseKubeconfig(data)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func written(t testing.TB, k *Kubeconfig) []byte {
	t.Helper()
	data, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(t testing.TB, k *Kubeconfig, e Entry) {
	t.Helper()
	if err := k.Put(e); err != nil {
		t.Fatal(err)
	}
}

// rest writes, by name, everything in a kubeconfig that is not ours for a cluster.
func rest(t testing.TB, k *Kubeconfig, cluster string) map[string]string {
	t.Helper()
	out := map[string]string{}
	note := func(kind, name string, entry any, extensions map[string]runtime.Object) {
		if owner, ok := ownerOf(extensions); ok && owner.Cluster == cluster {
			return
		}
		data, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for _, extension := range slices.Sorted(maps.Keys(extensions)) { // JSON of the entry leaves out what is in them
			text += fmt.Sprintf(" %s=%s", extension, canonical(t, extensions[extension]))
		}
		out[kind+" "+name] = text
	}
	for name, e := range k.config.Clusters {
		note("cluster", name, e, e.Extensions)
	}
	for name, e := range k.config.AuthInfos {
		note("user", name, e, e.Extensions)
	}
	for name, e := range k.config.Contexts {
		note("context", name, e, e.Extensions)
	}
	for name, object := range k.config.Extensions {
		out["extension "+name] = canonical(t, object)
	}
	return out
}

// canonical writes an extension's JSON in one form.
func canonical(t testing.TB, object runtime.Object) string {
	unknown, ok := object.(*runtime.Unknown)
	if !ok {
		return fmt.Sprintf("%#v", object)
	}
	var v any
	if err := json.Unmarshal(unknown.Raw, &v); err != nil {
		return string(unknown.Raw)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantRest(t testing.TB, k *Kubeconfig, cluster string, want map[string]string) {
	t.Helper()
	got := rest(t, k, cluster)
	for name, text := range want {
		if now, ok := got[name]; !ok {
			t.Errorf("%s is lost", name)
		} else if now != text {
			t.Errorf("%s was\n%s\nand is\n%s", name, text, now)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func wantEntry(t testing.TB, k *Kubeconfig, want Entry) {
	t.Helper()
	if got, ok := k.Entry(want.Owner.Cluster, want.Owner.User); !ok || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("entry %+v, %v, want %+v", got, ok, want)
	}
}

func TestNewKubeconfig(t *testing.T) {
	k := NewKubeconfig()
	if k.Provisioned("jane") {
		t.Error("an empty kubeconfig is provisioned")
	}
	want := entryOf("prod")
	put(t, k, want)
	data := written(t, k)
	k = parse(t, data)
	wantEntry(t, k, want)
	wantRest(t, k, "uid-prod", map[string]string{})
	if !k.Provisioned("jane") || k.config.CurrentContext != "jane@prod" || len(k.Taken("uid-prod", "jane")) > 0 {
		t.Errorf("provisioned %v, current context %q, taken %v", k.Provisioned("jane"), k.config.CurrentContext, k.Taken("uid-prod", "jane"))
	}
	if again := written(t, k); !bytes.Equal(again, data) {
		t.Error("read and written it is another text")
	}
	if k.Provisioned("bob") {
		t.Error("jane's kubeconfig is bob's")
	}
	if _, ok := k.Entry("uid-dev", "jane"); ok {
		t.Error("there is an entry for a cluster that nobody put in")
	}
	// kubectl reads it as we meant it.
	config, err := clientcmd.RESTConfigFromKubeConfig(data)
	if err != nil || config.Host != want.Server || !bytes.Equal(config.KeyData, want.Key) || !bytes.Equal(config.CertData, want.Certificate) ||
		!bytes.Equal(config.CAData, want.CertificateAuthorityData) || config.ServerName != want.TLSServerName || !config.DisableCompression {
		t.Errorf("client-go reads %+v, %v", config, err)
	}
}

func TestOthersSurvive(t *testing.T) {
	k := parse(t, []byte(foreign))
	others := rest(t, k, "uid-prod")
	if len(others) < 10 {
		t.Fatalf("the foreign kubeconfig has only %d entries", len(others))
	}
	again := func() { t.Helper(); k = parse(t, written(t, k)) }

	put(t, k, entryOf("prod"))
	again()
	wantRest(t, k, "uid-prod", others)
	wantEntry(t, k, entryOf("prod"))
	if k.config.CurrentContext != "work" {
		t.Errorf("current context %q", k.config.CurrentContext)
	}

	// A second cluster: both stand beside each other.
	withProd := rest(t, k, "uid-dev")
	put(t, k, entryOf("dev"))
	again()
	wantRest(t, k, "uid-dev", withProd)
	wantEntry(t, k, entryOf("prod"))
	wantEntry(t, k, entryOf("dev"))

	// Everything of one changes, its names too; nothing of the old is left.
	withDev := rest(t, k, "uid-prod")
	changed := entryOf("prod2")
	changed.Owner.Cluster = "uid-prod"
	put(t, k, changed)
	again()
	wantRest(t, k, "uid-prod", withDev)
	wantEntry(t, k, changed)
	if text := written(t, k); bytes.Contains(text, []byte("jane@prod\n")) {
		t.Errorf("the old name is still there:\n%s", text)
	}

	if k.Remove("uid-prod", "jane") || k.Remove("uid-dev", "jane") {
		t.Error("with foreign entries in it, it is called empty")
	}
	again()
	wantRest(t, k, "uid-prod", others)
	if k.Provisioned("jane") || k.config.CurrentContext != "work" {
		t.Errorf("provisioned %v, current context %q", k.Provisioned("jane"), k.config.CurrentContext)
	}
}

func TestCurrentContext(t *testing.T) {
	k := NewKubeconfig()
	put(t, k, entryOf("prod"))
	put(t, k, entryOf("dev"))
	if k.config.CurrentContext != "jane@prod" {
		t.Errorf("the second cluster took the current context: %q", k.config.CurrentContext)
	}
	renamed := entryOf("prod2")
	renamed.Owner.Cluster = "uid-prod"
	put(t, k, renamed)
	if k.config.CurrentContext != "jane@prod2" {
		t.Errorf("the current context did not follow its new name: %q", k.config.CurrentContext)
	}
	if k.Remove("uid-prod", "jane") || k.config.CurrentContext != "" {
		t.Errorf("the current context is gone, and is %q", k.config.CurrentContext)
	}
	if !k.Remove("uid-dev", "jane") {
		t.Error("nothing is left, and it is not called empty")
	}
}

func TestTakenNames(t *testing.T) {
	for _, c := range []struct{ name, context, cluster string }{
		{"a foreign cluster's name", "jane@prod", "work"},
		{"a foreign user's name", "token", "prod"},
		{"a foreign context's name", "lonely", "prod"},
		{"another cluster's name of ours", "jane@prod", "dev"},
		{"another cluster's context of ours", "jane@dev", "prod"},
	} {
		k := parse(t, []byte(foreign))
		put(t, k, entryOf("dev"))
		before := written(t, k)
		e := entryOf("prod")
		e.Context, e.Name = c.context, c.cluster
		if err := k.Put(e); err == nil {
			t.Errorf("%s was taken over", c.name)
		}
		if !bytes.Equal(written(t, k), before) {
			t.Errorf("%s: the kubeconfig changed", c.name)
		}
	}
}

// A copy of our user entry must not make the answer a matter of luck.
func TestEntryIsTheSameEveryTime(t *testing.T) {
	k := NewKubeconfig()
	put(t, k, entryOf("prod"))
	for i := range 5 {
		twin := *k.config.AuthInfos["jane@prod"]
		twin.ClientCertificateData = []byte(fmt.Sprint(i))
		k.config.AuthInfos[fmt.Sprint("twin", i)] = &twin
	}
	for range 50 {
		wantEntry(t, k, entryOf("prod"))
	}
	delete(k.config.Contexts, "jane@prod")
	for range 50 {
		if e, ok := k.Entry("uid-prod", "jane"); !ok || e.User != "jane@prod" || e.Context != "" {
			t.Fatalf("without a context it is %q, %q", e.User, e.Context)
		}
	}
}

// Changes that people make to an entry of ours with kubectl config do not hide it.
func TestEditedEntry(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*clientcmdapi.Config)
		want   func(*Entry)
	}{
		{"context renamed", func(c *clientcmdapi.Config) {
			c.Contexts["mine"] = c.Contexts["jane@prod"]
			delete(c.Contexts, "jane@prod")
			c.CurrentContext = "mine"
		}, func(e *Entry) { e.Context = "mine" }},
		{"context renamed, and another made for it", func(c *clientcmdapi.Config) {
			c.Contexts["mine"] = c.Contexts["jane@prod"]
			c.Contexts["a"] = &clientcmdapi.Context{Cluster: "prod", AuthInfo: "jane@prod", Namespace: "other"}
			delete(c.Contexts, "jane@prod")
		}, func(e *Entry) { e.Context = "mine" }},
		{"context deleted", func(c *clientcmdapi.Config) { delete(c.Contexts, "jane@prod") }, func(e *Entry) {
			*e = Entry{Owner: e.Owner, User: e.User, Certificate: e.Certificate, Key: e.Key}
		}},
		{"user renamed", func(c *clientcmdapi.Config) {
			c.AuthInfos["me"] = c.AuthInfos["jane@prod"]
			delete(c.AuthInfos, "jane@prod")
			c.Contexts["jane@prod"].AuthInfo = "me"
		}, func(e *Entry) { e.User = "me" }},
		{"cluster deleted", func(c *clientcmdapi.Config) { delete(c.Clusters, "prod") }, func(e *Entry) {
			*e = Entry{Owner: e.Owner, Context: e.Context, User: e.User, Endpoint: usersfile.Endpoint{Name: e.Name}, Namespace: e.Namespace, Certificate: e.Certificate, Key: e.Key}
		}},
		{"namespace set", func(c *clientcmdapi.Config) { c.Contexts["jane@prod"].Namespace = "other" }, func(e *Entry) { e.Namespace = "other" }},
		{"context of another user", func(c *clientcmdapi.Config) { c.Contexts["jane@prod"].AuthInfo = "root" }, func(e *Entry) {
			*e = Entry{Owner: e.Owner, User: e.User, Certificate: e.Certificate, Key: e.Key}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := NewKubeconfig()
			put(t, k, entryOf("prod"))
			c.change(k.config)
			k = parse(t, written(t, k))
			want := entryOf("prod")
			c.want(&want)
			wantEntry(t, k, want)
			others := rest(t, k, "uid-prod")
			put(t, k, entryOf("prod"))
			wantEntry(t, k, entryOf("prod"))
			wantRest(t, k, "uid-prod", others)
			if k.config.CurrentContext != "jane@prod" {
				t.Errorf("current context %q", k.config.CurrentContext)
			}
		})
	}
}

// Whatever somebody adds to our entry is seen, and gone once it is put anew.
func TestEdited(t *testing.T) {
	user := func(change func(*clientcmdapi.AuthInfo)) func(*clientcmdapi.Config) {
		return func(c *clientcmdapi.Config) { change(c.AuthInfos["jane@prod"]) }
	}
	for _, c := range []struct {
		name   string
		change func(*clientcmdapi.Config)
		want   string
	}{
		{"nothing", func(*clientcmdapi.Config) {}, ""},
		{"impersonation", user(func(u *clientcmdapi.AuthInfo) {
			u.Impersonate, u.ImpersonateUID, u.ImpersonateGroups, u.ImpersonateUserExtra = "root", "0", []string{"a"}, map[string][]string{"k": {"v"}}
		}), "as as-groups as-uid as-user-extra"},
		{"tokens", user(func(u *clientcmdapi.AuthInfo) { u.Token, u.TokenFile = "t", "/t" }), "token tokenFile"},
		{"a password", user(func(u *clientcmdapi.AuthInfo) { u.Username, u.Password = "u", "p" }), "password username"},
		{"files", user(func(u *clientcmdapi.AuthInfo) { u.ClientCertificate, u.ClientKey = "/c", "/k" }), "client-certificate client-key"},
		{"a program", user(func(u *clientcmdapi.AuthInfo) {
			u.Exec = &clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: "sh", InteractiveMode: "Never"}
		}), "exec"},
		{"a plugin", user(func(u *clientcmdapi.AuthInfo) { u.AuthProvider = &clientcmdapi.AuthProviderConfig{Name: "oidc"} }), "auth-provider"},
		{"a CA file", func(c *clientcmdapi.Config) { c.Clusters["prod"].CertificateAuthority = "/ca" }, "certificate-authority"},
		{"copies", func(c *clientcmdapi.Config) {
			c.Clusters["b"], c.AuthInfos["b"], c.Contexts["b"] = c.Clusters["prod"], c.AuthInfos["jane@prod"], c.Contexts["jane@prod"]
		}, "another cluster another context another user"},
		{"a field in a copy", func(c *clientcmdapi.Config) {
			twin := *c.AuthInfos["jane@prod"]
			twin.Token = "t"
			c.AuthInfos["b"] = &twin
		}, "another user token"},
		{"the namespace, which Entry shows", func(c *clientcmdapi.Config) { c.Contexts["jane@prod"].Namespace = "b" }, ""},
		{"an extension, which does nothing", func(c *clientcmdapi.Config) {
			c.Clusters["prod"].Extensions["minikube"] = &runtime.Unknown{Raw: []byte(`{"a": 1}`), ContentType: runtime.ContentTypeJSON}
		}, ""},
		{"another cluster's entry", func(c *clientcmdapi.Config) { c.AuthInfos["jane@dev"].Token = "t" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := NewKubeconfig()
			put(t, k, entryOf("prod"))
			put(t, k, entryOf("dev"))
			k = parse(t, written(t, k))
			c.change(k.config)
			k = parse(t, written(t, k))
			if got := strings.Join(k.Edited("uid-prod", "jane"), " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			put(t, k, entryOf("prod"))
			if k = parse(t, written(t, k)); len(k.Edited("uid-prod", "jane")) > 0 {
				t.Errorf("put anew, it is %q", k.Edited("uid-prod", "jane"))
			}
		})
	}
}

// Entries that provision did not make are named, also where somebody wrote our extension beside a program of their own.
func TestOthers(t *testing.T) {
	others := func(k *Kubeconfig) string {
		list, current := k.Others("uid-prod", "jane")
		return fmt.Sprint(list, current)
	}
	k := NewKubeconfig()
	put(t, k, entryOf("prod"))
	put(t, k, entryOf("dev"))
	k = parse(t, written(t, k))
	if got := others(k); got != "[]" {
		t.Errorf("of two entries of ours %s are others'", got)
	}
	k.config.CurrentContext = "jane@dev" // their own all the same
	k.config.AuthInfos["jane@dev"].Exec = &clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: "sh", InteractiveMode: "Never"}
	k.config.Clusters["dev"].CertificateAuthority = "/ca"
	if got := others(parse(t, written(t, k))); got != "[{cluster dev} {user jane@dev}]" {
		t.Errorf("with a program in it: %s", got)
	}
	k = NewKubeconfig()
	put(t, k, entryOf("prod"))
	bobs := entryOf("dev")
	bobs.Owner.User = "bob"
	put(t, k, bobs)
	if got := others(k); got != "[{cluster dev} {context jane@dev} {user jane@dev}]" {
		t.Errorf("bob's: %s", got)
	}
	k = parse(t, []byte(foreign))
	put(t, k, entryOf("prod"))
	want := "[{cluster open} {cluster work} {context lonely} {context work} {user basic} {user exec} {user files} {user plugin} {user token}]work"
	if got := others(k); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// Of a file that several users' kubeconfigs were merged into, each user has their own entry, in whatever order they stand,
// and what happens to one leaves the others as they are.
func TestMergedUsers(t *testing.T) {
	of := func(user string) Entry {
		e := entryOf("prod")
		e.Owner.User, e.Context, e.User, e.Key = user, user+"@prod", user+"@prod", []byte("key of "+user)
		return e
	}
	for _, order := range [][]string{{"ann", "jane", "zoe"}, {"zoe", "jane", "ann"}} {
		k := NewKubeconfig()
		for _, user := range order {
			put(t, k, of(user))
		}
		k = parse(t, written(t, k))
		for _, user := range order {
			wantEntry(t, k, of(user))
			if edited := k.Edited("uid-prod", user); len(edited) > 0 {
				t.Errorf("%s's is called edited: %q", user, edited)
			}
		}
		others, current := k.Others("uid-prod", "jane")
		if got := fmt.Sprint(others, current); got != "[{context ann@prod} {context zoe@prod} {user ann@prod} {user zoe@prod}]"+order[0]+"@prod" {
			t.Errorf("jane's others: %s", got)
		}
		changed := of("jane")
		changed.Name, changed.Context, changed.User = "new", "jane@new", "jane@new"
		put(t, k, changed)
		k = parse(t, written(t, k))
		wantEntry(t, k, changed)
		wantEntry(t, k, of("ann"))
		if k.Remove("uid-prod", "zoe") || k.Remove("uid-prod", "jane") {
			t.Error("with ann's in it, it is called empty")
		}
		wantEntry(t, k, of("ann"))
		if _, ok := k.Entry("uid-prod", "zoe"); ok {
			t.Error("zoe's is still there")
		}
		if !k.Remove("uid-prod", "ann") {
			t.Error("nothing is left, and it is not called empty")
		}
	}
}

// An entry of ours whose mark a tool has dropped is found by its certificate, and is ours once it is marked again.
func TestUnmarked(t *testing.T) {
	certificate := issue(t, newKey(t), nil)
	e := entryOf("prod")
	e.Certificate = certificate
	k := NewKubeconfig()
	put(t, k, e)
	dev := entryOf("dev")
	put(t, k, dev)
	if list := k.Unmarked("jane"); len(list) > 0 {
		t.Errorf("with the marks on it: %+v", list)
	}
	for _, o := range k.config.Clusters {
		o.Extensions = nil
	}
	for _, o := range k.config.AuthInfos {
		o.Extensions = nil
	}
	for _, o := range k.config.Contexts {
		o.Extensions = nil
	}
	k = parse(t, written(t, k))
	list := k.Unmarked("jane") // dev's certificate is none
	if len(list) != 1 || list[0].User != "jane@prod" || list[0].Server != e.Server || len(k.Unmarked("bob")) > 0 {
		t.Fatalf("%+v", list)
	}
	if err := k.Mark(list[0], e.Owner); err != nil {
		t.Fatal(err)
	}
	k = parse(t, written(t, k))
	wantEntry(t, k, e)
	if edited := k.Edited("uid-prod", "jane"); len(edited) > 0 {
		t.Errorf("marked again, it is called edited: %q", edited)
	}
	if _, ok := k.Entry("uid-dev", "jane"); ok {
		t.Error("the other one was marked too")
	}
}

func TestParseKubeconfigErrors(t *testing.T) {
	const secret = "MIGHAgEAMBMGByqGSM49"
	for name, text := range map[string]string{
		"nothing":           "",
		"no kubeconfig":     "kind: Pod\napiVersion: v1\n",
		"an empty one":      "kind: Config\napiVersion: v1\n",
		"no YAML":           "users:\n- name: [" + secret,
		"a key for a list":  "kind: Config\napiVersion: v1\nusers: " + secret,
		"no base64":         "kind: Config\napiVersion: v1\nusers: [{name: a, user: {client-key-data: '" + secret + "!'}}]",
		"a bare key":        "-----BEGIN PRIVATE KEY-----\n" + secret + "\n-----END PRIVATE KEY-----\n",
		"another version":   "kind: Config\napiVersion: v9\nusers: [{name: " + secret + "}]",
		"a key for a kind":  "kind: " + secret + "\napiVersion: v1\n",
		"bytes, not a text": "\xff\xfe" + secret,
	} {
		if k, err := ParseKubeconfig([]byte(text)); err == nil {
			t.Errorf("%s is read as %+v", name, k.config)
		} else if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
}

// FuzzParseKubeconfig holds that no bytes bring the parser down, and that writing our entry costs others nothing.
func FuzzParseKubeconfig(f *testing.F) {
	f.Add([]byte(foreign))
	ours := NewKubeconfig()
	put(f, ours, entryOf("prod"))
	f.Add(written(f, ours))
	both := parse(f, []byte(foreign))
	put(f, both, entryOf("dev"))
	put(f, both, entryOf("prod"))
	f.Add(written(f, both))
	for _, text := range []string{
		"", "{}", "kind: Config\napiVersion: v1\n", "clusters: [{name: a}]", "users: [{name: ''}]\ncurrent-context: x",
		"clusters: [{name: a, cluster: {server: b}}, {name: a, cluster: {server: c}}]",
		"users: [{name: a, user: {extensions: [{name: provision, extension: {apiVersion: provision/v1alpha1, kind: Owner, cluster: uid-prod}}]}}]",
		"contexts: [{name: prod, context: {cluster: a, user: b, extensions: [{name: provision, extension: null}]}}]",
		"users: [{name: a, user: {extensions: [{name: x, extension: 7}, {name: y, extension: [1, {b: 2, a: 1}]}]}}]",
		"users: [{name: a, user: {extensions: [{name: x, extension: 7}, {n///ame: y, esion: [1, {b: 2, a: 1}]}]}}]",
		"users: &a [{name: b, user: {token: c}}]\ncontexts: *a", "users:\n- name: a\n  user: {token: \"\\u0000\\u2028\"}\n",
		"apiVersion: v1\nkind: Config\npreferences: {colors: true}\nclusters: [{name: a, cluster: {server: b}}]\n", "users: [null]", "users: [{name: a, user: null}]",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ParseKubeconfig(data)
		if err != nil {
			return
		}
		e := entryOf("prod")
		others := rest(t, k, e.Owner.Cluster)
		_, _ = k.Entry(e.Owner.Cluster, e.Owner.User)
		_ = k.Edited(e.Owner.Cluster, e.Owner.User)
		_, _ = k.Others(e.Owner.Cluster, e.Owner.User)
		if err := k.Put(e); err != nil {
			taken := k.Taken(e.Owner.Cluster, e.Owner.User)
			_, context := taken[e.Context]
			_, cluster := taken[e.Name]
			if !context && !cluster {
				t.Errorf("refused though no name is taken: %v", err)
			}
			wantRest(t, k, e.Owner.Cluster, others)
			return
		}
		text, err := k.Bytes()
		if err != nil {
			return // what client-go reads and cannot write is left as it is
		}
		k = parse(t, text)
		wantEntry(t, k, e)
		if edited := k.Edited(e.Owner.Cluster, e.Owner.User); len(edited) > 0 {
			t.Errorf("just put, and edited: %q", edited)
		}
		wantRest(t, k, e.Owner.Cluster, others)
		k.Remove(e.Owner.Cluster, e.Owner.User)
		wantRest(t, k, e.Owner.Cluster, others)
	})
}
