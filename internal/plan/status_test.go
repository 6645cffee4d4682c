package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	end := noon.Add(29*day - backdate)
	for _, c := range []struct {
		name   string
		change func(*world)
		state  State
		until  time.Time
		file   string
	}{
		{"valid", func(*world) {}, StateValid, end, "jane.kubeconfig"},
		{"a rewrite leaves the certificate valid", func(w *world) {
			w.file(func(f *File) { f.Kubeconfig.Endpoint.Server = "https://old" })
		}, StateValid, end, "jane.kubeconfig"},
		{"renew soon", func(w *world) { w.Users[0].RenewBefore.Share = .99 }, StateRenewSoon, end, "jane.kubeconfig"},
		{"reissue", func(w *world) { w.Users[0].Certificate.Groups = nil }, StateReissue, end, "jane.kubeconfig"},
		{"expired", func(w *world) {
			w.file(func(f *File) { f.Certificate.NotAfter = noon })
			w.Ledger[0].NotAfter = noon
		}, StateExpired, noon, "jane.kubeconfig"},
		{"missing", (*world).fresh, StateMissing, time.Time{}, ""},
		{"in the way of a foreign file", func(w *world) {
			w.fresh()
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileForeign}
		}, StateMissing, time.Time{}, ""},
		{"elsewhere", func(w *world) { delete(w.Files, "jane") }, StateElsewhere, end, ""},
		{"pending", func(w *world) {
			w.fresh()
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Pending, noon)}
		}, StatePending, time.Time{}, ""},
		{"revoked, and still in the file", func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Removed = noon.Add(-time.Hour)
		}, StateRemoved, end, ""},
		{"revoked, and allowed again", func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Removed = noon.Add(-time.Hour)
			w.Users[0].Reuse = true
		}, StateMissing, end, ""},
		{"given again: reuse need not stay", func(w *world) {
			old := recordOf(signedAt(w.Users[0].Certificate, keyHash("other"), noon.Add(-2*day)), noon.Add(-2*day))
			old.Removed = noon.Add(-36 * time.Hour)
			w.Ledger = append(w.Ledger, old)
		}, StateValid, end, "jane.kubeconfig"},
		{"not begun", func(w *world) {
			w.file(func(f *File) { f.Certificate.NotBefore = noon.Add(time.Minute) })
		}, StateNotYet, end, "jane.kubeconfig"},
		{"left", func(w *world) { w.Users = nil }, StateRemoved, end, "jane.kubeconfig"},
		{"left for another set", func(w *world) {
			w.Users = nil
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileOtherSet, Owner: "other"}
		}, StateRemoved, end, ""},
		{"left, only the ledger knows", func(w *world) {
			w.Users = nil
			delete(w.Files, "jane")
		}, StateRemoved, end, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			c.change(&w)
			got := Status(w.Desired, w.Observed, noon)
			if len(got) != 1 || got[0].User != "jane" || got[0].State != c.state || !got[0].Until.Equal(c.until) || got[0].File != c.file {
				t.Errorf("%+v, want %s until %v in %q", got, c.state, c.until, c.file)
			}
		})
	}
	t.Run("left, and the certificate has ended", func(t *testing.T) {
		w := settled(noon.Add(-40*day), wanted("jane", "dev"))
		w.Users = nil
		if got := Status(w.Desired, w.Observed, noon); len(got) > 0 {
			t.Errorf("%+v", got)
		}
	})
}

// A certificate that was replaced goes on: how long is told beside that of the present one.
func TestStatusOlder(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	end := noon.Add(20 * day)
	w.Ledger = append(w.Ledger,
		Record{User: "jane", KeyHash: keyHash("old"), Intended: noon.Add(-2 * day), NotBefore: noon.Add(-2 * day), NotAfter: end},
		Record{User: "jane", KeyHash: keyHash("intended"), Intended: noon, Duration: 90 * day}) // perhaps never issued
	if s := Status(w.Desired, w.Observed, noon)[0]; !s.Older.IsZero() || len(s.Certificates) != 3 {
		t.Errorf("sooner: %v, %d certificates", s.Older, len(s.Certificates))
	}
	w.Ledger[1].NotAfter = noon.Add(60 * day)
	w.Ledger = w.Ledger[:2]
	if s := Status(w.Desired, w.Observed, noon)[0]; !s.Older.Equal(noon.Add(60*day)) || !s.Until.Before(s.Older) {
		t.Errorf("later: %v beside %v", s.Older, s.Until)
	}
}

// What people have is what the cluster says. The file asks for other things, and they do not count.
func TestStatusGrants(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe"), wanted("left", "dev"), wanted("gone"))
	w.Users = w.Users[:3]
	w.Users[0].Certificate.Groups = []string{"ops"} // not applied: her certificate says dev
	for i := range w.Users {
		if w.Users[i].Certificate.User == "left" {
			w.Users = slices.Delete(w.Users, i, i+1)
			break
		}
	}
	w.Ledger = append(w.Ledger,
		Record{User: "joe", Groups: []string{"dev"}, KeyHash: keyHash("ended"), NotAfter: noon},
		Record{User: "joe", Groups: []string{"dev"}, KeyHash: keyHash("never issued"), Intended: noon, Duration: day})
	w.Desired.Bindings = []Binding{{Namespace: "till", RoleRef: edit, Subjects: []Subject{{"User", "jane"}, {"Group", "ops"}}}}
	view := RoleRef{"ClusterRole", "view"}
	w.Observed.Bindings = []Binding{
		{Name: BindingName(setName, view), RoleRef: view, Subjects: []Subject{{"Group", "dev"}, {"Group", "joe"}, {"User", "jane"}}},
		{Namespace: "shop", Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{{"User", "jane"}, {"User", "gone"}}},
		{Namespace: "shop", Name: "copied-label", RoleRef: edit, Subjects: []Subject{{"User", "joe"}}},
	}
	var got []string
	for _, s := range Status(w.Desired, w.Observed, noon) {
		got = append(got, fmt.Sprintf("%s %q %v", s.User, s.Groups, s.Grants))
	}
	// Each grant once; a group named like a user is nothing to the user; who left keeps what is still bound.
	want := []string{
		`gone [] [{ClusterRole/edit shop}]`, `jane ["dev"] [{ClusterRole/edit shop} {ClusterRole/view }]`,
		`joe [] []`, `left ["dev"] [{ClusterRole/view }]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
