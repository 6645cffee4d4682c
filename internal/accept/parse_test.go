package accept_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"provision/internal/accept"
)

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func TestParse(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	list := s.entries(t)
	if len(list) != 1 {
		t.Fatalf("%d entries", len(list))
	}
	e := list[0]
	if e.Context != "jane@prod" || e.Server != "https://prod:6443" || e.Namespace != "team" || e.Of.User != "jane" || e.Owner.Cluster != "uid-prod" || !e.KeyHere || !e.Current || len(e.Key) == 0 {
		t.Errorf("%+v", e)
	}
	s.key = nil
	if e := s.entries(t)[0]; e.KeyHere || e.Sealed.Key != "" || len(e.Key) != 0 {
		t.Errorf("a key is there: %+v", e)
	}
	s.sealed = "-----BEGIN AGE ENCRYPTED FILE-----\nx\n-----END AGE ENCRYPTED FILE-----\n"
	if e := s.entries(t)[0]; e.Sealed.Key != s.sealed || len(e.Key) != 0 {
		t.Errorf("%q", e.Sealed.Key)
	}
}

func TestRefused(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	other := from(t, "eve", "prod", "ca")
	good := s.yaml()
	user := func(field string) string {
		return strings.Replace(good, "  user:\n    client-certificate-data", "  user:\n    "+field+"\n    client-certificate-data", 1)
	}
	cluster := func(field string) string {
		return strings.Replace(good, "    server:", "    "+field+"\n    server:", 1)
	}
	context := func(field string) string { return strings.Replace(good, "    namespace: team\n", "    "+field+"\n", 1) }
	server := func(url string) string { return strings.Replace(good, s.server, url, 1) }
	top := func(field string) string { return field + "\n" + good }
	sealed := s
	sealed.sealed = "age"
	for name, c := range map[string]struct{ text, want string }{
		"exec":                 {user("exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [trace]}"), `user "jane@prod" exec RunsProgram`},
		"auth-provider":        {user("auth-provider: {name: oidc}"), `user "jane@prod" auth-provider RunsProgram`},
		"token":                {user("token: t"), `user "jane@prod" token OtherLogin`},
		"tokenFile":            {user("tokenFile: /etc/passwd"), `user "jane@prod" tokenFile NamesFile`},
		"username":             {user("username: u"), `user "jane@prod" username OtherLogin`},
		"password":             {user("password: p"), `user "jane@prod" password OtherLogin`},
		"client-certificate":   {user("client-certificate: /tmp/x"), `user "jane@prod" client-certificate NamesFile`},
		"client-key":           {user("client-key: ../../.ssh/id_rsa"), `user "jane@prod" client-key NamesFile; user "jane@prod" client-key-data TwoKeys`},
		"client-key, absolute": {strings.Replace(withoutKey(s), "client-key: jane.key", "client-key: /home/jane/jane.key", 1), `user "jane@prod" client-key NamesFile`},
		"client-key, another":  {strings.Replace(withoutKey(s), "client-key: jane.key", "client-key: eve.key", 1), `user "jane@prod" client-key NamesFile`},
		"as":                   {user("as: admin"), `user "jane@prod" as ActsAs`},
		"as-uid":               {user("as-uid: '0'"), `user "jane@prod" as-uid ActsAs`},
		"as-groups":            {user("as-groups: [system:masters]"), `user "jane@prod" as-groups ActsAs`},
		"as-user-extra":        {user("as-user-extra: {a: [b]}"), `user "jane@prod" as-user-extra ActsAs`},
		"unknown of a user":    {user("Exec: {command: x}"), `user "jane@prod" Exec UnknownField`},
		"two keys":             {sealed.yaml(), `user "jane@prod" client-key-data TwoKeys`},
		"certificate-authority": {cluster("certificate-authority: /etc/ssl/ca.pem"),
			`cluster "prod" certificate-authority NamesFile`},
		"proxy-url":                {cluster("proxy-url: http://127.0.0.1:1"), `cluster "prod" proxy-url Proxied`},
		"insecure-skip-tls-verify": {cluster("insecure-skip-tls-verify: true"), `cluster "prod" insecure-skip-tls-verify Unverified`},
		"unknown of a cluster":     {cluster("api-version: v1"), `cluster "prod" api-version UnknownField`},
		"http":                     {server("http://prod:6443"), `cluster "prod" server NotHTTPS`},
		"no scheme":                {server("prod.example/x"), `cluster "prod" server NotHTTPS`},
		"no server":                {server(`""`), `cluster "prod" server Missing`},
		"user in the server":       {server("https://a:b@prod:6443"), `cluster "prod" server OtherLogin`},
		"query in the server":      {server("https://prod:6443/?x=y"), `cluster "prod" server Malformed it must be an address and a path`},
		"no host":                  {server("https://"), `cluster "prod" server Malformed it is no URL`},
		"unknown of a context":     {context("colour: red"), `context "jane@prod" colour UnknownField`},
		"namespace":                {context("namespace: ../x"), `context "jane@prod" namespace Malformed it is no name of a namespace`},
		"unknown":                  {top("colour: red"), `colour UnknownField`},
		"extensions":               {top("extensions: []"), `extensions UnknownField`},
		"foreign extension": {strings.Replace(good, "      name: provision", "      name: other", 1),
			`cluster "prod" extension other UnknownField`},
		"sealed key of a cluster": {strings.Replace(good, "        duration:", "        sealedKey: x\n        duration:", 1), `cluster "prod" sealedKey UnknownField`},
		"unknown of the mark":     {strings.Replace(good, "        duration:", "        run: x\n        duration:", 1), `cluster "prod" run UnknownField`},
		"version of the mark":     {strings.Replace(good, "provision/v1alpha1", "provision/v9", 1), `cluster "prod" extension provision Malformed it is not of this version`},
		"another's mark": {strings.Replace(good, "        user: jane\n        duration: 24h0m0s\n      name: provision\ncontexts", "        user: eve\n        duration: 24h0m0s\n      name: provision\ncontexts", 1),
			`user "jane@prod" extensions MarkOfAnother`},
		"another's key": {sent{s.context, s.user, s.cluster, s.server, s.ca, s.certificate, other.key, s.uid, "", "team"}.yaml(),
			`user "jane@prod" client-key-data KeyOfAnother`},
		"CA with a key": {sent{s.context, s.user, s.cluster, s.server, s.key, s.certificate, s.key, s.uid, "", "team"}.yaml(),
			`cluster "prod" certificate-authority-data Malformed it must hold certificates only, and holds a EC PRIVATE KEY`},
		"no certificate": {sent{s.context, s.user, s.cluster, s.server, s.ca, s.key, s.key, s.uid, "", "team"}.yaml(),
			`user "jane@prod" client-certificate-data Malformed it is no certificate in PEM form`},
		"base64":       {strings.Replace(good, "client-key-data: ", "client-key-data: '!'#", 1), `user "jane@prod" client-key-data Malformed it is not base64`},
		"two clusters": {strings.Replace(good, "users:\n", "- name: prod\n  cluster: {server: 'https://evil:6443'}\nusers:\n", 1), `cluster "prod" TwiceThere`},
		"two users": {strings.Replace(good, "contexts:\n", "- name: jane@prod\n  user: {client-key: jane.key}\ncontexts:\n", 1),
			`user "jane@prod" TwiceThere; user "jane@prod" client-certificate-data Missing`},
		"two servers":        {cluster("server: https://evil"), `cluster "prod" server TwiceThere`},
		"not named":          {strings.Replace(good, "users:\n", "- name: more\n  cluster: {server: 'https://evil:6443'}\nusers:\n", 1), `cluster "more" NotUsed`},
		"not there":          {strings.Replace(good, "    cluster: prod\n", "    cluster: dev\n", 1), `context "jane@prod" cluster Missing cluster dev; cluster "prod" NotUsed`},
		"escape in a name":   {strings.ReplaceAll(good, "- name: jane@prod\n  context:", "- name: \"jane\\e[2J@prod\"\n  context:"), `context 1 name Unprintable`},
		"bidi in a name":     {strings.ReplaceAll(good, "- name: prod", "- name: \"p\\u202erod\""), `cluster 1 name Unprintable; context "jane@prod" cluster Missing cluster prod; cluster "p\u202erod" NotUsed`},
		"escape in a server": {server(`"https://prod\e[2J:6443"`), `cluster "prod" server Unprintable; cluster "prod" server Malformed it is no URL`},
		"escape in a field":  {top("\"a\\eb\": 1"), `"a\x1bb" UnknownField`},
		"anchor":             {strings.Replace(good, "server: ", "server: &a ", 1), `NotReadable it has YAML anchors, aliases or tags`},
		"tag":                {strings.Replace(good, "server: ", "server: !!str ", 1), `NotReadable it has YAML anchors, aliases or tags`},
		"two documents":      {good + "---\n" + good, `NotReadable it has more than one document`},
		"another kind":       {strings.Replace(good, "kind: Config", "kind: Secret", 1), `kind Malformed it must be Config`},
		"number":             {strings.Replace(good, "namespace: team", "namespace: 7", 1), `context "jane@prod" namespace Malformed it must be text`},
		"empty":              {"", "NotReadable it is not a kubeconfig"},
		"no contexts":        {"apiVersion: v1\nkind: Config\n", "NotReadable it has no contexts"},
		"a list":             {"[1]", "NotReadable it is not a kubeconfig"},
		"a private key":      {string(s.key), "NotReadable it is not a kubeconfig"},
		"not UTF-8":          {"\xff\xfe", "NotReadable it is not text in UTF-8"},
		"not YAML":           {"a: [", "NotReadable it is not YAML: error in line 1"},
	} {
		list, err := accept.Parse([]byte(c.text), noon)
		refused, ok := errors.AsType[accept.Refusals](err)
		if !ok || len(list) > 0 {
			t.Errorf("%s: taken: %v", name, err)
			continue
		}
		if got := strings.Join(slices.Compact(strings.Split(refused.Error(), "; ")), "; "); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
	if _, err := accept.Parse([]byte(good), noon.Add(48*time.Hour)); err == nil || !strings.Contains(err.Error(), "Ended 2026-06-02 11:00 UTC") {
		t.Errorf("a certificate that has ended: %v", err)
	}
	if _, err := accept.Parse([]byte(strings.Replace(good, "client-key-data: ", "client-key-data: "+strings.Repeat("A", 80), 1)), noon); err == nil || strings.Contains(err.Error(), "AAAA") {
		t.Errorf("an error quotes the key: %v", err)
	}
}

func withoutKey(s sent) string {
	s.key = nil
	return s.yaml()
}

// Whatever is taken is data only, and kubectl reads of it what was shown.
func FuzzParse(f *testing.F) {
	s := from(f, "jane", "prod", "ca")
	f.Add([]byte(s.yaml()))
	f.Add([]byte(withoutKey(s)))
	f.Add([]byte(strings.Replace(s.yaml(), "    server:", "    proxy-url: x\n    server:", 1)))
	f.Add([]byte(strings.Replace(s.yaml(), "  user:\n", "  user:\n    exec: {command: x}\n", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := accept.Parse(data, noon)
		if err != nil {
			if refused, ok := errors.AsType[accept.Refusals](err); !ok || len(refused) == 0 {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		merged, _, err := accept.Merge(accept.Mine{Config: config(t, "")}, list, false)
		if err != nil {
			return
		}
		for name, u := range merged.AuthInfos {
			if u.Exec != nil || u.AuthProvider != nil || u.Token+u.TokenFile+u.Username+u.Password+u.Impersonate+u.ClientCertificate+u.ClientKey != "" || len(u.ImpersonateGroups) > 0 {
				t.Errorf("user %q has more than a certificate", name)
			}
		}
		for name, c := range merged.Clusters {
			if !strings.HasPrefix(c.Server, "https://") && !strings.HasPrefix(strings.ToLower(c.Server), "https://") || c.ProxyURL+c.CertificateAuthority != "" || c.InsecureSkipTLSVerify {
				t.Errorf("cluster %q: %+v", name, c)
			}
		}
		if _, err := clientcmd.Write(*merged); err != nil {
			t.Error(err)
		}
	})
}
