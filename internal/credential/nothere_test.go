package credential

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"provision/internal/recipient"
)

// notHere is an entry of jane's whose private key is with her alone.
func notHere(t *testing.T, cluster string, sealed bool) Entry {
	t.Helper()
	e := entryOf(cluster)
	e.Key, e.KeyFile = nil, "jane.key"
	if sealed {
		_, jane := ageKey(t)
		var err error
		if e.Sealed, err = Seal([]byte("key for "+cluster), []recipient.Recipient{jane}); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// An entry without a key is written and read back, beside others, and nothing in it counts as somebody's addition.
func TestEntryWithoutKey(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		e := notHere(t, "prod", sealed)
		k := parse(t, []byte(foreign))
		put(t, k, entryOf("dev"))
		put(t, k, e)
		text := written(t, k)
		k = parse(t, text)
		wantEntry(t, k, e)
		wantEntry(t, k, entryOf("dev"))
		got, _ := k.Entry("uid-prod", "jane")
		if !got.NotHere() {
			t.Errorf("sealed %v: %+v", sealed, got)
		}
		if edited := k.Edited("uid-prod", "jane"); len(edited) > 0 {
			t.Errorf("sealed %v: edited %q", sealed, edited)
		}
		if n := strings.Count(string(text), "sealedKey"); sealed && n != 1 || !sealed && n != 0 {
			t.Errorf("sealed %v: the key stands there %d times:\n%s", sealed, n, text)
		}
		others, _ := k.Others("uid-dev", "jane")
		if slices.Contains(others, Other{"user", "jane@prod"}) {
			t.Errorf("sealed %v: an entry of hers for another cluster is not ours: %v", sealed, others)
		}
		config, err := clientcmd.Load(text)
		if err != nil || config.AuthInfos["jane@prod"].ClientKey != "jane.key" || len(config.AuthInfos["jane@prod"].ClientKeyData) > 0 {
			t.Errorf("sealed %v: as kubectl reads it: %v %+v", sealed, err, config.AuthInfos["jane@prod"])
		}
		put(t, k, entryOf("prod")) // the key is to be here again
		if got, _ := k.Entry("uid-prod", "jane"); got.NotHere() || got.KeyFile != "" || got.Sealed.Key != "" {
			t.Errorf("sealed %v: %+v", sealed, got)
		}
	}
}

// Only the one file that provision names stands for a key that is with its owner: any other is a path that somebody wrote.
func TestKeyFileOfOthers(t *testing.T) {
	for name, change := range map[string]func(*Entry){
		"another file":       func(e *Entry) { e.KeyFile = "bob.key" },
		"a path":             func(e *Entry) { e.KeyFile = "../jane.key" },
		"an absolute path":   func(e *Entry) { e.KeyFile = "/jane.key" },
		"a key beside it":    func(e *Entry) { e.Key = []byte("key") },
		"cut short":          func(e *Entry) { e.Sealed.Key = e.Sealed.Key[:100] },
		"something else":     func(e *Entry) { e.Sealed.Key = "-----BEGIN PRIVATE KEY-----" },
		"no file and no key": func(e *Entry) { e.KeyFile = "" },
	} {
		e := notHere(t, "prod", true)
		change(&e)
		k := NewKubeconfig()
		put(t, k, e)
		k = parse(t, written(t, k))
		if got, ok := k.Entry("uid-prod", "jane"); !ok || got.NotHere() {
			t.Errorf("%s: %+v", name, got)
		}
		edited := k.Edited("uid-prod", "jane")
		if want := e.KeyFile != "" && (e.KeyFile != "jane.key" || len(e.Key) > 0); slices.Contains(edited, "client-key") != want {
			t.Errorf("%s: edited %q", name, edited)
		}
	}
}

// An older program reads whose the entry is, and the mark of it that has no sealed key is as it ever was.
func TestOwnerBesideSealedKey(t *testing.T) {
	k := NewKubeconfig()
	put(t, k, notHere(t, "prod", true))
	k = parse(t, written(t, k))
	user := k.config.AuthInfos["jane@prod"]
	if owner, ok := ownerOf(user.Extensions); !ok || owner != entryOf("prod").Owner {
		t.Errorf("%v %+v", ok, owner)
	}
	if s := sealedIn(k.config.Contexts["jane@prod"].Extensions); s.Key != "" {
		t.Errorf("the context has a sealed key")
	}
	if s := sealedIn(k.config.Clusters["prod"].Extensions); s.Key != "" {
		t.Errorf("the cluster has a sealed key")
	}
}
