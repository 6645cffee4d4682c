package accept_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/accept"
)

// known is a kubeconfig of three clusters, with what provision knows nothing of.
const known = `apiVersion: v1
kind: Config
current-context: work
clusters:
- name: prod
  cluster: {server: "https://elsewhere:6443", certificate-authority: /etc/ca.pem, extensions: [{name: minikube.sigs.k8s.io, extension: {version: v1}}]}
- name: dev
  cluster: {server: "https://dev.example", proxy-url: "http://proxy:3128"}
- name: lab
  cluster: {server: "https://lab", insecure-skip-tls-verify: true}
users:
- name: admin
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: Never}}
- name: jane@prod
  user: {token: t}
contexts:
- name: work
  context: {cluster: prod, user: admin, namespace: mine}
- name: dev
  context: {cluster: dev, user: admin}
- name: lab
  context: {cluster: lab, user: jane@prod}
`

func merge(t *testing.T, into *clientcmdapi.Config, replace bool, s ...sent) (*clientcmdapi.Config, []accept.Change) {
	t.Helper()
	var list []accept.Entry
	for _, one := range s {
		list = append(list, one.entries(t)...)
	}
	merged, changes, err := accept.Merge(accept.Mine{Config: into}, list, replace)
	if err != nil {
		t.Fatal(err)
	}
	return merged, changes
}

// Nothing of the person's is lost or changed, whatever the names are; the same file again changes nothing.
func TestMerge(t *testing.T) {
	mine := config(t, known)
	s := from(t, "jane", "prod", "ca")
	merged, changes := merge(t, mine, false, s)
	const want = "dev=dev+admin https://dev.example; jane@prod=prod-2+jane@prod-2 https://prod:6443; lab=lab+jane@prod https://lab; *work=prod+admin https://elsewhere:6443"
	if got := described(merged); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if c := changes[0]; !c.New || c.Renewed || c.Moved || c.Current || c.Done() || !c.NeedsKey() {
		t.Errorf("%+v", c)
	}
	left := merged.DeepCopy()
	delete(left.Contexts, "jane@prod")
	delete(left.Clusters, "prod-2")
	delete(left.AuthInfos, "jane@prod-2")
	if !reflect.DeepEqual(left, config(t, known)) || !reflect.DeepEqual(mine, config(t, known)) {
		t.Error("something of the person's changed")
	}
	again, changes := merge(t, merged, false, s)
	if !changes[0].Done() || !reflect.DeepEqual(again, merged) {
		t.Errorf("the same again: %+v", changes[0])
	}
	if _, changes := merge(t, merged, false, without(s)); changes[0].NeedsKey() {
		t.Error("a key is needed that is there")
	}
}

func without(s sent) sent { s.key = nil; return s }

// A person renames their context and chooses a namespace; a renewed certificate finds its place.
func TestMergeRenewed(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	mine, changes := merge(t, config(t, ""), false, s)
	if !changes[0].Current || mine.CurrentContext != "jane@prod" {
		t.Errorf("%+v", changes[0])
	}
	mine.Contexts["p"], mine.CurrentContext = mine.Contexts["jane@prod"], "p"
	mine.Contexts["p"].Namespace = "mine"
	delete(mine.Contexts, "jane@prod")
	for name, unmarked := range map[string]bool{"marked": false, "a tool has dropped the extensions": true} {
		t.Run(name, func(t *testing.T) {
			mine := mine.DeepCopy()
			if unmarked {
				mine.AuthInfos["jane@prod"].Extensions = nil
			}
			next := s
			next.key, next.certificate = issue(t, "jane", noon.Add(-time.Minute))
			merged, changes := merge(t, mine, false, next)
			if c := changes[0]; c.New || !c.Renewed || c.Older || c.Moved || c.Current || c.Context != "p" || c.Kept != "mine" {
				t.Errorf("%+v", c)
			}
			if got := described(merged); got != "*p=prod+jane@prod https://prod:6443" {
				t.Error(got)
			}
			if string(merged.AuthInfos["jane@prod"].ClientCertificateData) != string(next.certificate) || merged.Contexts["p"].Namespace != "mine" {
				t.Error("not the new certificate, or another namespace")
			}
			if _, changes := merge(t, merged, false, s); !changes[0].Older {
				t.Errorf("the first again: %+v", changes[0])
			}
		})
	}
}

// Another CA or server for an entry that is known is another cluster, until the person says that it is not.
func TestMergeServer(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	mine, _ := merge(t, config(t, ""), false, s)
	for name, change := range map[string]func(*sent) string{
		"CA": func(s *sent) string { s.ca = authority(t, "eve"); return "another CA for https://prod:6443" },
		"server": func(s *sent) string {
			s.server = "https://evil:6443"
			return "another server: https://evil:6443 in place of https://prod:6443"
		},
		"renamed": func(s *sent) string {
			s.context, s.cluster, s.server = "x", "x", "https://evil:6443"
			return "another server: https://evil:6443 in place of https://prod:6443"
		},
	} {
		t.Run(name, func(t *testing.T) {
			next := s
			want := `the context "jane@prod" of your kubeconfig would get ` + change(&next)
			_, _, err := accept.Merge(accept.Mine{Config: mine}, next.entries(t), false)
			if changed, ok := errors.AsType[*accept.ServerChangedError](err); !ok || changed.Error() != want {
				t.Fatalf("%v, want %s", err, want)
			}
			merged, changes := merge(t, mine, true, next)
			if c := changes[0]; !c.Moved || c.New || c.Before.Server != "https://prod:6443" || c.Context != "jane@prod" {
				t.Errorf("%+v", c)
			}
			if got := merged.Clusters["prod"]; got.Server != next.server || string(got.CertificateAuthorityData) != string(next.ca) || len(merged.Clusters) != 1 {
				t.Errorf("%v", got)
			}
			shared := mine.DeepCopy()
			shared.Contexts["other"] = &clientcmdapi.Context{Cluster: "prod", AuthInfo: "other"}
			merged, _ = merge(t, shared, true, next)
			if merged.Clusters["prod"].Server != "https://prod:6443" || merged.Contexts["jane@prod"].Cluster == "prod" {
				t.Error("a context of the person's leads to another server now")
			}
		})
	}
}

// The same server with another CA, under whatever name, is told.
func TestMergeRivals(t *testing.T) {
	mine, _ := merge(t, config(t, ""), false, from(t, "jane", "prod", "ca"))
	s := from(t, "june", "new", "eve")
	s.server = "https://PROD:6443/"
	if _, changes := merge(t, mine, false, s); !slices.Equal(changes[0].Rivals, []string{"prod"}) {
		t.Errorf("%+v", changes[0])
	}
}

func TestMergeSeveral(t *testing.T) {
	first, second := from(t, "jane", "prod", "ca"), from(t, "jane", "dev", "ca2")
	merged, changes := merge(t, config(t, ""), false, first, second)
	if got := described(merged); got != "jane@dev=dev+jane@dev https://dev:6443; *jane@prod=prod+jane@prod https://prod:6443" {
		t.Error(got)
	}
	if !changes[0].Current || changes[1].Current {
		t.Errorf("%+v", changes)
	}
	list := append(first.entries(t), first.entries(t)...)
	_, _, err := accept.Merge(accept.Mine{Config: config(t, "")}, list, false)
	if _, ok := errors.AsType[*accept.TwiceError](err); !ok {
		t.Errorf("one context twice: %v", err)
	}
	// A name in another file of KUBECONFIG is taken: kubectl takes the first that it finds.
	other := config(t, known)
	merged, changes, err = accept.Merge(accept.Mine{Config: config(t, ""), Others: []*clientcmdapi.Config{other}}, first.entries(t), false)
	if err != nil || described(merged) != "jane@prod=prod-2+jane@prod-2 https://prod:6443" || changes[0].Current {
		t.Errorf("%v %s", err, described(merged))
	}
	// One user of two clusters shares nothing but a name.
	if strings.Count(described(merged), "https") != 1 {
		t.Error(described(merged))
	}
}

func TestKeys(t *testing.T) {
	s, other := from(t, "jane", "prod", "ca"), from(t, "eve", "prod", "ca")
	list := without(s).entries(t)
	_, changes := merge(t, config(t, ""), false, without(s))
	err := accept.CheckKeys(list, changes)
	if missing, ok := errors.AsType[*accept.KeyMissingError](err); !ok || missing.File != "jane.key" {
		t.Fatal(err)
	}
	var keys accept.Keys
	if err := keys.Add("jane.key", s.key); err != nil {
		t.Fatal(err)
	}
	if err := keys.Fill(list); err != nil || accept.CheckKeys(list, changes) != nil || string(list[0].Key) != string(s.key) {
		t.Error(err)
	}
	if err := keys.Add("eve.key", other.key); err != nil {
		t.Fatal(err)
	}
	if err := keys.Fill(list); err == nil || !strings.HasPrefix(err.Error(), "eve.key: ") {
		t.Errorf("a key of nobody: %v", err)
	}
	if err := keys.Add("x", []byte("-----BEGIN SECRET-----")); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}
