package accept_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/accept"
)

// split is the kubeconfig that jane was sent, as two files: contexts and users, and the clusters, which has a proxy.
func split(t testing.TB, s sent) (creds, clusters *clientcmdapi.Config) {
	t.Helper()
	creds, _ = mergeInto(t, accept.Mine{Config: config(t, "")}, false, s)
	clusters = config(t, "")
	clusters.Clusters, creds.Clusters = creds.Clusters, clusters.Clusters
	clusters.Clusters[s.cluster].ProxyURL = "http://proxy:3128"
	return creds, clusters
}

// mergeInto merges into a kubeconfig of several files.
func mergeInto(t testing.TB, mine accept.Mine, replace bool, s sent) (*clientcmdapi.Config, accept.Change) {
	t.Helper()
	merged, changes, err := accept.Merge(mine, s.entries(t), replace)
	if err != nil {
		t.Fatal(err)
	}
	return merged, changes[0]
}

// renewed is what was sent with another certificate.
func renewed(t testing.TB, s sent) sent {
	s.key, s.certificate = issue(t, "jane", noon.Add(-time.Minute))
	return s
}

// Which server an entry has may be said in another file: it counts as if it were in this one, and is not changed there.
func TestMergeSplit(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	creds, clusters := split(t, s)
	mine := accept.Mine{Config: creds, Others: []*clientcmdapi.Config{clusters}}
	renamed := creds.DeepCopy()
	renamed.Contexts["p"] = renamed.Contexts["jane@prod"]
	delete(renamed.Contexts, "jane@prod")
	renamed.AuthInfos["jane@prod"].Extensions = nil
	for name, mine := range map[string]accept.Mine{
		"in a later file": mine, "in an earlier file": {Config: creds, Others: mine.Others, Before: 1}, "renamed, without a mark": {Config: renamed, Others: mine.Others},
	} {
		t.Run(name, func(t *testing.T) {
			next := renewed(t, s)
			merged, c := mergeInto(t, mine, false, next)
			if c.New || !c.Renewed || c.Moved || c.Cluster != "prod" || len(merged.Clusters) != 0 {
				t.Errorf("%+v %s", c, described(merged))
			}
			if string(merged.AuthInfos["jane@prod"].ClientCertificateData) != string(next.certificate) {
				t.Error("not the new certificate")
			}
			next.server = "https://evil:6443"
			next.context = c.Context
			_, _, err := accept.Merge(mine, next.entries(t), false)
			if changed, ok := errors.AsType[*accept.ServerChangedError](err); !ok || changed.Have.Server != "https://prod:6443" {
				t.Fatalf("%v", err)
			}
			merged, c = mergeInto(t, mine, true, next)
			if !c.Moved || c.Before.Server != "https://prod:6443" || c.Cluster != "prod-2" || merged.Clusters["prod-2"].Server != next.server || len(merged.Clusters) != 1 {
				t.Errorf("%+v %s", c, described(merged))
			}
		})
	}
}

// An entry of an earlier file hides that of the file itself, as for kubectl.
func TestMergeHidden(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	creds, _ := merge(t, config(t, ""), false, s)
	_, others := split(t, s)
	others.Clusters["prod"].Server = "https://mine:6443"
	files := []*clientcmdapi.Config{others}
	_, _, err := accept.Merge(accept.Mine{Config: creds, Others: files, Before: 1}, s.entries(t), false)
	if changed, ok := errors.AsType[*accept.ServerChangedError](err); !ok || changed.Have.Server != "https://mine:6443" {
		t.Errorf("%v", err)
	}
	if _, c := mergeInto(t, accept.Mine{Config: creds, Others: files}, false, s); !c.Done() {
		t.Errorf("%+v", c)
	}
}

// Nobody knows where a context leads whose cluster is in no file: it could be anywhere, and it is the person who says.
func TestMergeNowhere(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	creds, _ := split(t, s)
	next := renewed(t, s)
	next.server = "https://evil:6443"
	_, _, err := accept.Merge(accept.Mine{Config: creds}, next.entries(t), false)
	const want = `the context "jane@prod" of your kubeconfig would get the server https://evil:6443: no file of yours has a server for its cluster "prod"`
	if changed, ok := errors.AsType[*accept.ServerChangedError](err); !ok || changed.Error() != want {
		t.Errorf("%v", err)
	}
	merged, c := mergeInto(t, accept.Mine{Config: creds}, true, next)
	if got := described(merged); !c.Moved || c.Before.Server != "" || got != "*jane@prod=prod+jane@prod https://evil:6443" {
		t.Errorf("%+v %s", c, got)
	}
}

// A context of another file keeps its server, and gets none that it had not.
func TestMergeContextElsewhere(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	other := config(t, "contexts: [{name: other, context: {cluster: prod, user: jane@prod}}]")
	files := []*clientcmdapi.Config{other}
	const beside = "*jane@prod=prod-2+jane@prod-2 https://prod:6443"
	if merged, _ := mergeInto(t, accept.Mine{Config: config(t, ""), Others: files}, false, s); described(merged) != beside {
		t.Errorf("new: %s", described(merged))
	}
	dangling := config(t, "contexts: [{name: other, context: {cluster: prod, user: jane@prod}}]")
	if merged, _ := mergeInto(t, accept.Mine{Config: dangling}, false, s); described(merged) != beside+"; other=prod+jane@prod " {
		t.Errorf("new in the same file: %s", described(merged))
	}
	mine, _ := merge(t, config(t, ""), false, s)
	next := s
	next.server = "https://evil:6443"
	merged, c := mergeInto(t, accept.Mine{Config: mine, Others: files}, true, next)
	if c.Cluster != "prod-2" || merged.Clusters["prod"].Server != "https://prod:6443" {
		t.Errorf("moved: %+v %s", c, described(merged))
	}
}

// Two sets may know a person by one name: the certificate of each has a place of its own.
func TestMergeSets(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	web := config(t, strings.ReplaceAll(s.yaml(), "set: team", "set: web"))
	db, c := mergeInto(t, accept.Mine{Config: web}, false, renewed(t, s))
	const want = "*jane@prod=prod+jane@prod https://prod:6443; jane@prod-2=prod+jane@prod-2 https://prod:6443"
	if got := described(db); !c.New || got != want {
		t.Fatalf("%+v %s", c, got)
	}
	next := renewed(t, s)
	merged, c := mergeInto(t, accept.Mine{Config: db}, false, next)
	if !c.Renewed || c.Context != "jane@prod-2" || !reflect.DeepEqual(merged.AuthInfos["jane@prod"], db.AuthInfos["jane@prod"]) {
		t.Errorf("%+v", c)
	}
}

// KUBECONFIG names a file with the contexts and one with the clusters: a login goes where kubectl goes.
func TestStoreSplit(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	creds, clusters := split(t, s)
	for _, order := range []string{"creds clusters", "clusters creds"} {
		t.Run(order, func(t *testing.T) {
			dir := t.TempDir()
			for name, config := range map[string]*clientcmdapi.Config{"creds": creds, "clusters": clusters} {
				if err := clientcmd.WriteToFile(*config, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			var paths []string
			for name := range strings.FieldsSeq(order) {
				paths = append(paths, filepath.Join(dir, name))
			}
			before := read(t, filepath.Join(dir, "clusters"))
			next := renewed(t, s)
			done, path := put(t, paths, next)
			if filepath.Base(path) != "creds" || !done.Written || read(t, filepath.Join(dir, "clusters")) != before {
				t.Errorf("%+v into %s", done, path)
			}
			if e := done.Logins[0]; e.Server != s.server || e.ProxyURL != "http://proxy:3128" || string(e.Key) != string(next.key) {
				t.Errorf("logs in at %s through %q", e.Server, e.ProxyURL)
			}
			evil := renewed(t, s)
			evil.server = "https://evil:6443"
			if _, _, err := tryPut(t, paths, evil); err == nil {
				t.Error("another server")
			}
		})
	}
}

// What would log in is known before anything is written.
func TestLogins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	s := from(t, "jane", "prod", "ca")
	put(t, []string{path}, s)
	before := read(t, path)
	next := renewed(t, s)
	list := next.entries(t)
	own, err := accept.Open([]string{path}, list)
	if err != nil {
		t.Fatal(err)
	}
	logins, err := own.Logins(list, false)
	if err != nil || len(logins) != 1 || string(logins[0].Key) != string(next.key) || string(logins[0].Certificate) != string(next.certificate) || logins[0].Context != "jane@prod" {
		t.Errorf("%+v %v", logins, err)
	}
	if read(t, path) != before {
		t.Error("something was written")
	}
}

// Files of one directory have nothing to do with each other.
func TestStoreBesideOthers(t *testing.T) {
	dir := t.TempDir()
	var g sync.WaitGroup
	for i := range 8 {
		s := from(t, "jane", fmt.Sprintf("c%d", i), "ca")
		path := filepath.Join(dir, s.cluster)
		var all []sent
		for range 5 {
			all = append(all, renewed(t, s))
		}
		g.Go(func() {
			for _, s := range all {
				if _, _, err := tryPut(t, []string{path}, s); err != nil {
					t.Error(err)
				}
			}
			text := read(t, path)
			if !strings.Contains(text, "server: "+s.server+"\n") {
				t.Errorf("%s has the text of another", path)
			}
		})
	}
	g.Wait()
	if got := files(t, dir); strings.Contains(got, ".tmp") {
		t.Error(got)
	}
}
