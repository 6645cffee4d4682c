package plan

import (
	"maps"
	"testing"
	"time"
)

// A name is claimed by a set that has a certificate for it which lives, and not by one that the person has left.
func TestClaimed(t *testing.T) {
	record := func(user string, edit func(*Record)) Record {
		r := Record{User: user, KeyHash: user, Serial: "1", Intended: noon.Add(-time.Hour), NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), Duration: 2 * time.Hour}
		edit(&r)
		return r
	}
	got := Claimed([]SetLedger{
		{Set: "one", Records: []Record{
			record("ann", func(*Record) {}),
			record("left", func(r *Record) { r.Removed = noon.Add(-time.Minute) }),
			record("ended", func(r *Record) { r.NotAfter = noon.Add(-time.Minute) }),
		}},
		{Set: "two", Records: []Record{record("bob", func(*Record) {})}},
	}, noon)
	if want := map[string]string{"ann": "one", "bob": "two"}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// What every cluster binds to everybody tells nothing of anybody; all else that is bound to everybody does.
func TestStock(t *testing.T) {
	all, ann := Subject{"Group", "system:authenticated"}, Subject{"User", "ann"}
	for _, c := range []struct {
		subject Subject
		in      string
		role    RoleRef
		want    bool
	}{
		{all, "", RoleRef{"ClusterRole", "system:basic-user"}, true},
		{all, "", RoleRef{"ClusterRole", "view"}, false},
		{ann, "", RoleRef{"ClusterRole", "system:basic-user"}, false},
		{Subject{"User", "system:anonymous"}, "kube-public", RoleRef{"Role", "kubeadm:bootstrap-signer-clusterinfo"}, true},
		{Subject{"User", "system:anonymous"}, "shop", RoleRef{"Role", "kubeadm:bootstrap-signer-clusterinfo"}, false},
		{all, "shop", RoleRef{"Role", "system:basic-user"}, false},
	} {
		namespace := c.in
		if c.role.Kind == "ClusterRole" {
			namespace = ""
		}
		if got := Stock(c.subject, ObjectKey{namespace, c.role.Name}, c.role); got != c.want {
			t.Errorf("%v by %v in %q: %t", c.subject, c.role, c.in, got)
		}
	}
}
