package plan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// busy is a world with something of everything to do.
func busy() world {
	w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe", "dev"), wanted("left", "dev"))
	w.Users = append(w.Users[:2:2], wanted("new", "dev"))
	w.Users[0].Certificate.Groups = []string{"ops"}
	w.Desired.Bindings = []Binding{grantTo([]Subject{{"User", "jane"}, {"User", "joe"}})}
	w.Observed.Bindings = []Binding{grantTo([]Subject{{"User", "joe"}})}
	w.Observed.Bindings[0].UID, w.Observed.Bindings[0].ResourceVersion = "u", "1"
	w.BindingOwners[ObjectKey{"shop", BindingName(setName, edit)}] = setName
	w.Desired.Roles = []Role{{Name: "reader"}}
	w.Observed.Roles = []Role{{Name: "writer", Found: Found{UID: "w", ResourceVersion: "1"}}}
	w.Namespaces = map[string]bool{"shop": true}
	w.References = []Reference{{Object: Object{Kind: "Namespace", Name: "shop"}}}
	const key = "0123456789abcdef0123456789abcdef"
	w.Keys["new"] = journalKey(w.Users[2], key)
	w.Requests = []Request{requestOf(w.Users[2], key, Pending, noon)}
	return w
}

func TestSame(t *testing.T) {
	p := busy().plan()
	if len(p.Problems) > 0 || p.Deletions() != 2 {
		t.Fatalf("%+v", p.Problems)
	}
	w := busy()
	later := Compute(w.Desired, w.Observed, noon.Add(time.Minute))
	w.Observed.LedgerNamespace = false
	elsewhere := w.plan()
	elsewhere.Warnings = []Warning{{Code: OtherCluster}}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var read Plan
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]Plan{"itself": p, "a minute later": later, "without the ledger's namespace, with other warnings": elsewhere, "read from JSON": read} {
		if !Same(p, other) || !Same(other, p) {
			t.Errorf("%s is not the same", name)
		}
	}
	if later.Ledger.Records[0].After.Removed.Unix() == 0 {
		t.Error("Same changed what it compared")
	}
	for name, change := range map[string]func(*world){
		"a user more":      func(w *world) { w.Users = append(w.Users, wanted("more")) },
		"a user less":      func(w *world) { w.Users = w.Users[:2] },
		"another group":    func(w *world) { w.Users[2].Certificate.Groups = []string{"admins"} },
		"another duration": func(w *world) { w.Users[0].Certificate.Duration = day },
		"another server":   func(w *world) { w.Users[0].Kubeconfig.Endpoint.Server = "https://mallory" },
		"another CA":       func(w *world) { w.Users[0].Kubeconfig.Endpoint.CertificateAuthorityData = []byte("mallory") },
		"a subject more": func(w *world) {
			w.Desired.Bindings = []Binding{grantTo([]Subject{{"User", "jane"}, {"User", "joe"}, {"User", "m"}})}
		},
		"another roleRef":         func(w *world) { w.Desired.Bindings[0].RoleRef.Name = "admin" },
		"another resourceVersion": func(w *world) { w.Observed.Bindings[0].ResourceVersion = "2" },
		"another request object":  func(w *world) { w.Requests[0].UID = "other" },
		"another digest":          func(w *world) { w.Desired.Digest = "sha256:2" },
		"another set":             func(w *world) { w.Desired.Set = "team2" },
		"another problem":         func(w *world) { w.Namespaces = nil },
		"another record":          func(w *world) { w.Ledger[2].KeyHash = keyHash("x") },
	} {
		w := busy()
		change(&w)
		if other := w.plan(); Same(p, other) || Same(other, p) {
			t.Errorf("%s is the same", name)
		}
	}
}

func TestInputs(t *testing.T) {
	of := func(w world) Inputs { return InputsOf("users.yaml", "uid", w.Desired, w.Observed) }
	then := of(busy())
	if moved := then.Compare(of(busy())); len(moved) > 0 {
		t.Errorf("nothing moved, but %+v", moved)
	}
	for _, c := range []struct {
		object string // moves, and nothing else does
		change func(*world)
	}{
		{"file users.yaml (set team)", func(w *world) { w.Desired.Digest = "sha256:2" }},
		{"clusterrole/writer", func(w *world) { w.Observed.Roles[0].ResourceVersion = "2" }},
		{"clusterrole/writer", func(w *world) { w.Observed.Roles[0].UID = "made anew" }},
		{"clusterrole/writer", func(w *world) { w.Observed.Roles = nil }},
		{"rolebinding/" + BindingName(setName, edit) + " -n shop", func(w *world) { w.Observed.Bindings[0].ResourceVersion = "2" }},
		{"certificatesigningrequest/provision-team-new-0123456789abcdef", func(w *world) { w.Requests[0].State = Approved }},
		{"certificatesigningrequest/provision-team-new-0123456789abcdef", func(w *world) { w.Requests[0].UID = "other" }},
		{"kubeconfig jane.kubeconfig", func(w *world) { w.file(func(f *File) { f.Certificate.Serial = "2" }) }},
		{"kubeconfig jane.kubeconfig", func(w *world) { w.file(func(f *File) { f.Mode = 0o644 }) }},
		{"kubeconfig jane.kubeconfig", func(w *world) { w.file(func(f *File) { f.Edited = []string{"exec"} }) }},
		{"kubeconfig jane.kubeconfig", func(w *world) { w.file(func(f *File) { f.Others = []Entry{{"user", "x"}} }) }},
		{"kubeconfig jane.kubeconfig", func(w *world) { w.file(func(f *File) { f.State = FileForeign }) }},
		{"kubeconfig jane.kubeconfig", func(w *world) { delete(w.Files, "jane") }},
		{"kubeconfig joe.kubeconfig", func(w *world) {
			f := w.Files["joe"]
			f.Taken = map[string]string{"prod": ""}
			w.Files["joe"] = f
		}},
		{"journal of new", func(w *world) { w.Keys["new"] = journalKey(w.Users[2], keyHash("x")) }},
		{"ledger record of jane " + keyHash("jane")[:12], func(w *world) { w.Ledger[0].Removed = noon }},
		{"namespace/shop", func(w *world) { w.Namespaces = nil }},
		{"endpoint", func(w *world) { w.Users[0].Kubeconfig.Endpoint.Server = "https://other" }},
	} {
		w := busy()
		c.change(&w)
		moved := then.Compare(of(w))
		if len(moved) != 1 || moved[0].Object != c.object || moved[0].Then == moved[0].Now {
			t.Errorf("%s: moved %+v", c.object, moved)
		}
	}
	w := busy()
	w.Observed.Roles = append(w.Observed.Roles, Role{Namespace: "shop", Name: "x", Found: Found{UID: "x"}})
	w.Keys = nil
	moved := then.Compare(of(w))
	if len(moved) != 2 || moved[0].Object != "journal of new" || moved[0].Now != "" || moved[1].Object != "role/x -n shop" || moved[1].Then != "" {
		t.Errorf("moved %+v", moved)
	}
	// A password in a URL must not come out of a saved plan.
	w.Users[0].Kubeconfig.Endpoint.ProxyURL = "http://u:secret@proxy"
	w.Users[0].Kubeconfig.Endpoint.Server = "https://u:secret@api"
	if data, err := json.Marshal([]any{of(w), w.plan()}); err != nil || strings.Contains(string(data), "secret") {
		t.Errorf("%v: %s", err, data)
	}
}
