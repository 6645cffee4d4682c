package plan

import (
	"fmt"
	"testing"
)

// Objects and subjects are named as kubectl names them, and never by cutting such a name apart: a name may hold what divides
// the parts of another.
func TestNamesOfObjects(t *testing.T) {
	for _, c := range []struct {
		of   fmt.Stringer
		want string
	}{
		{Object{"RoleBinding", "shop", "x"}, "rolebinding/x -n shop"},
		{Role{Name: "team admins"}.Object(), "clusterrole/team admins"},
		{Role{Namespace: "shop", Name: "reader"}.Object(), "role/reader -n shop"},
		{Binding{Name: "x"}.Object(), "clusterrolebinding/x"},
		{Binding{Namespace: "shop", Name: "x"}.Object(), "rolebinding/x -n shop"},
		{RoleRef{"ClusterRole", "view -n payments"}.In(""), "clusterrole/view -n payments"},
		{RoleRef{"ClusterRole", "view"}.In("payments"), "clusterrole/view -n payments"}, // the same text, and another object
		{Subject{"User", "jane"}, "user jane"},
		{Subject{"Group", "a b"}, `group "a b"`},
	} {
		if got := c.of.String(); got != c.want {
			t.Errorf("%#v is %q, want %q", c.of, got, c.want)
		}
	}
}
