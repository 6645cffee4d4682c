package view

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// sample is a warning or a problem, as many of which are printed. A # in its texts is a number that each has for itself.
type sample[T any] struct {
	of    T
	about string        // which of several samples of one code it is
	items bool          // there is one for all, with as many Items
	vary  func(*T, int) // what else differs
}

// end is when certificates end in these tests.
var end = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func laterWarning(w *plan.Warning, i int) { w.Until = w.Until.Add(time.Duration(i) * time.Minute) }
func longer(w *plan.Warning, i int)       { w.Asked += time.Duration(i) * time.Hour }
func laterProblem(p *plan.Problem, i int) { p.Until = p.Until.Add(time.Duration(i) * time.Minute) }

// heldBy is what a leaver, or a group, has by a binding that is not of the set.
func heldBy(kind, name string) []plan.Held {
	role := plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}
	s := plan.Subject{Kind: kind, Name: name}
	return []plan.Held{{Binding: plan.Binding{Namespace: "space-x", Name: "by-hand", RoleRef: role, Subjects: []plan.Subject{s, {Kind: "User", Name: "stays"}}}, Subject: s}}
}

// warningSamples have every field that the code says, unless they are about one that is not there.
var warningSamples = []sample[plan.Warning]{
	{of: plan.Warning{Code: plan.StillAuthenticates, User: "ann-#", Until: end, Items: []string{"ops", "dev"}}},
	{of: plan.Warning{Code: plan.StillAuthenticates, User: "ann-#", Until: end, Items: []string{"ops", "dev"}, Left: []string{"ops"}}, about: "revoke ends one of them", vary: laterWarning},
	{of: plan.Warning{Code: plan.StillAuthenticates, User: "ann-#", Until: end}, about: "no groups, several ends", vary: laterWarning},
	{of: plan.Warning{Code: plan.KeyChangesHands, User: "ann-#", Name: "sealed", To: "sealed", Left: []string{"SHA256:old (laptop)"}, Items: []string{"SHA256:new", "SHA256:newer"}, Until: end}, vary: laterWarning},
	{of: plan.Warning{Code: plan.KeyChangesHands, User: "ann-#", Name: "sealed", Left: []string{"SHA256:old (laptop)"}}, about: "to be in the kubeconfig, and the old one has ended"},
	{of: plan.Warning{Code: plan.Escrowed, Items: []string{"ann-#"}, Left: []string{"SHA256:safe (the safe)"}}, items: true},
	{of: plan.Warning{Code: plan.KeyChangesHands, User: "ann-#", To: "own", Until: end}, about: "to be the user's own"},
	{of: plan.Warning{Code: plan.KeyChangesHands, User: "ann-#", Name: "own", Until: end}, about: "the user's own no longer"},
	{of: plan.Warning{Code: plan.NotProved, Items: []string{"ann-#"}}, items: true},
	{of: plan.Warning{Code: plan.NotBlockedByVersion, Name: "v1.30.14"}},
	{of: plan.Warning{Code: plan.NotBlockedByRights, Items: []string{"ann", "bob"}, Permissions: []plan.Permission{{Verb: "get", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"}}}},
	{of: plan.Warning{Code: plan.NotBlockedByRights, Permissions: []plan.Permission{{Verb: "get", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"}}}, about: "nobody new"},
	{of: plan.Warning{Code: plan.OwnNotBlocked, User: "ann"}},
	{of: plan.Warning{Code: plan.SystemNotBlocked, User: "system:ann"}},
	{of: plan.Warning{Code: plan.NameNotBlocked, User: "ann-#", Name: "payments"}},
	{of: plan.Warning{Code: plan.NameNotBlocked, User: "ann-#"}, about: "of this set"},
	{of: plan.Warning{Code: plan.BlockNotRead, To: "validatingadmissionpolicies is forbidden"}},
	{of: plan.Warning{Code: plan.StillInGroup, User: "ann-#", Until: end, Items: []string{"ops", "dev"}}, vary: laterWarning},
	{of: plan.Warning{Code: plan.ClusterAdmin, Namespace: "space-#", Subjects: []plan.Subject{{Kind: "User", Name: "ann"}, {Kind: "Group", Name: "ops"}}}},
	{of: plan.Warning{Code: plan.PowerfulRole, Role: plan.RoleRef{Kind: "Role", Name: "role-#"}, Namespace: "shop", Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, Resources: []string{"*"}, APIGroups: []string{"*"}}, {Verbs: []string{"bind"}, Resources: []string{"roles"}, APIGroups: []string{"rbac.authorization.k8s.io"}}}}},
	{of: plan.Warning{Code: plan.PowerfulRole, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-#"}, Namespace: "shop", Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, Resources: []string{"*"}, APIGroups: []string{"*"}}}}, about: "a ClusterRole in a namespace"},
	{of: plan.Warning{Code: plan.PowerfulRole, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-#"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, Resources: []string{"*"}, APIGroups: []string{"*"}}}}, about: "in the whole cluster"},
	{of: plan.Warning{Code: plan.PowerfulGrant, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}, Namespace: "space-#", Subjects: []plan.Subject{{Kind: "User", Name: "ann"}, {Kind: "Group", Name: "ops"}}}},
	{of: plan.Warning{Code: plan.PowerfulGrant, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-#"}, Subjects: []plan.Subject{{Kind: "User", Name: "ann"}}}, about: "in the whole cluster"},
	{of: plan.Warning{Code: plan.LongerThanAsked, Items: []string{"ann-#"}, Asked: 12 * time.Hour, Issued: 365 * 24 * time.Hour}, items: true},
	{of: plan.Warning{Code: plan.LongerThanAsked, Items: []string{"ann-#"}, Asked: time.Hour, Issued: 365 * 24 * time.Hour}, about: "asked for differently", vary: longer},
	{of: plan.Warning{Code: plan.ShorterThanAsked, Items: []string{"ann-#"}, Asked: 365 * 24 * time.Hour, Issued: 12 * time.Hour}, items: true},
	{of: plan.Warning{Code: plan.ShorterThanAsked, Items: []string{"ann-#"}, Asked: 1000 * time.Hour, Issued: 12 * time.Hour}, about: "asked for differently", vary: longer},
	{of: plan.Warning{Code: plan.UnboundGroup, Name: "ops-#", Items: []string{"ann", "bob"}}},
	{of: plan.Warning{Code: plan.UnboundGroup, Name: "opss-#", To: "ops", Items: []string{"ann", "bob"}}, about: "like one of the file"},
	{of: plan.Warning{Code: plan.OlderLives, Items: []string{"ann-#"}, Until: end}, items: true},
	{of: plan.Warning{Code: plan.EndsPassed, Ends: []plan.End{{At: end, Pos: usersfile.Pos{File: "users.yaml", Line: 4, Column: 11}, User: "ann"}, {At: end, Pos: usersfile.Pos{File: "users.yaml", Line: 5, Column: 11}, Group: "ops"},
		{At: end, Pos: usersfile.Pos{File: "users.yaml", Line: 6, Column: 11}, User: "bob", Role: plan.RoleRef{Kind: "ClusterRole", Name: "view"}, Namespaces: []string{"a", "b"}}}}},
	{of: plan.Warning{Code: plan.OutlivesEnd, User: "ann-#", Until: end.Add(time.Hour), Since: end}, vary: laterWarning},
	{of: plan.Warning{Code: plan.NoTimeLeft, Items: []string{"ann-#"}}, items: true},
	{of: plan.Warning{Code: plan.EndsAfterCA, Until: end, Ends: []plan.End{{At: end.Add(time.Hour), Pos: usersfile.Pos{File: "users.yaml", Line: 4, Column: 11}, User: "ann"}}}},
	{of: plan.Warning{Code: plan.EndsWithCA, Items: []string{"ann-#"}, Until: end}, items: true},
	{of: plan.Warning{Code: plan.DurationLater, Items: []string{"ann-#"}}, items: true},
	{of: plan.Warning{Code: plan.ForeignRequest, Items: []string{"request-#"}}, items: true},
	{of: plan.Warning{Code: plan.SwappedRequest, Name: "request-#", User: "ann-#"}},
	{of: plan.Warning{Code: plan.ReservedNames, Items: []string{"system:ann-#"}}, items: true},
	{of: plan.Warning{Code: plan.OwnKey, User: "ann-#", Name: "0123456789abcdef-#", To: "fedcba9876543210-#"}},
	{of: plan.Warning{Code: plan.OwnKey, User: "ann-#", Name: "0123456789abcdef-#"}, about: "the first"},
	{of: plan.Warning{Code: plan.NewRequestDue, User: "ann-#", Name: "web", Since: end, Until: end, Items: []string{"dev"}, Generation: 2, Reasons: []plan.Reason{{Code: plan.RenewDue, At: end, To: "33%"}}}},
	{of: plan.Warning{Code: plan.NameAgain, User: "ann-#", Until: end, Items: []string{"first", "second"}}},
	{of: plan.Warning{Code: plan.NameAgain, User: "ann-#", Until: end}, about: "of this set, several ends", vary: laterWarning},
	{of: plan.Warning{Code: plan.NameAgain, User: "ann-#", Until: end, Generation: 2}, about: "of this set, of a generation"},
	{of: plan.Warning{Code: plan.NameInOtherSet, User: "ann-#", Items: []string{"first", "second"}}},
	{of: plan.Warning{Code: plan.NameInOtherSet, User: "ann-#", Items: []string{"second"}}, about: "one set"},
	{of: plan.Warning{Code: plan.LabelCopied, Objects: []plan.Object{{Kind: "RoleBinding", Namespace: "shop", Name: "by-hand-#"}}}, items: true},
	{of: plan.Warning{Code: plan.LedgerDamaged, Object: plan.Object{Kind: "ConfigMap", Namespace: "space-x", Name: "record-#"}, To: "the entry x is not a record"}},
	{of: plan.Warning{Code: plan.GrantedElsewhere, User: "ann-#", Held: []plan.Held{{Subject: plan.Subject{Kind: "User", Name: "ann-#"},
		Binding: plan.Binding{Namespace: "shop", Name: "by-hand", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "edit"}}}}}},
	{of: plan.Warning{Code: plan.GrantedElsewhere, Name: "ops-#", Held: []plan.Held{{Subject: plan.Subject{Kind: "Group", Name: "ops-#"},
		Binding: plan.Binding{Name: "by-hand", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "cluster-admin"}}}}}, about: "groups"},
	{of: plan.Warning{Code: plan.OutsideAdmin, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}, Name: "second", Held: heldBy("User", "ann-#")}, items: true},
	{of: plan.Warning{Code: plan.OutsideUnread, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}, Held: heldBy("User", "ann-#")}, items: true},
	{of: plan.Warning{Code: plan.OutsideGrant, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}, Held: heldBy("Group", "ops-#")}, items: true},
	{of: plan.Warning{Code: plan.NotBegun, User: "ann-#", Until: end}},
	{of: plan.Warning{Code: plan.NotBegun, User: "ann-#", Until: end}, about: "several beginnings", vary: laterWarning},
	{of: plan.Warning{Code: plan.CANotChecked, To: "configmaps is forbidden"}, items: true},
	{of: plan.Warning{Code: plan.LocalServer, Name: "https://127.0.0.1:6443"}, items: true},
	{of: plan.Warning{Code: plan.LocalServer, Name: "https://kubernetes.default.svc", To: "pods"}, about: "in the cluster", items: true},
	{of: plan.Warning{Code: plan.LocalProxy, Name: "http://127.0.0.1:3128"}, items: true},
	{of: plan.Warning{Code: plan.PrivateProxy, Name: "http://proxy.example:3128"}, items: true},
	{of: plan.Warning{Code: plan.OtherCluster, Name: "admin@here", To: "admin@there", Items: []string{"https://there:6443"}}},
	{of: plan.Warning{Code: plan.OtherCluster, Clusters: []plan.Address{{Name: "cluster-#", Server: "https://there:6443"}}}, about: "kubeconfigs here", items: true},
	{of: plan.Warning{Code: plan.OtherEntries, User: "ann-#", Name: "ann-#.kubeconfig", Entries: []plan.Entry{{Kind: "context", Name: "home"}, {Kind: "user", Name: "home"}}, To: "home"}},
	{of: plan.Warning{Code: plan.OtherEntries, User: "ann-#", Name: "ann-#.kubeconfig", Entries: []plan.Entry{{Kind: "context", Name: "home"}}}, about: "not the current context"},
	{of: plan.Warning{Code: plan.NewGeneration, User: "ann-#", Generation: 2, Until: end}, vary: laterWarning},
	{of: plan.Warning{Code: plan.NewGeneration, User: "ann-#", Generation: 2, Until: end, Items: []string{"dev", "ops"}}, about: "in groups"},
	{of: plan.Warning{Code: plan.WithoutUntilNew, Items: []string{"ann", "bob"}, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}, Namespace: "space-#"}},
	{of: plan.Warning{Code: plan.WithoutUntilNew, Items: []string{"ann-#"}, Role: plan.RoleRef{Kind: "ClusterRole", Name: "role-x"}}, about: "in the whole cluster", items: true},
	{of: plan.Warning{Code: plan.FrontProxyAnybody}, items: true},
	{of: plan.Warning{Code: plan.MisplacedKubeconfig, User: "ann-#", Name: "copy-#.kubeconfig", Until: end}, vary: laterWarning},
	{of: plan.Warning{Code: plan.MisplacedKubeconfig, User: "ann-#", Name: "old-#.kubeconfig", Until: end, To: "ann-#.kubeconfig"}, about: "another name"},
	{of: plan.Warning{Code: plan.MisplacedKubeconfig, User: "ann-#", Name: "ANN-#.kubeconfig", Until: end, To: "ann-#.kubeconfig"}, about: "another spelling"},
	{of: plan.Warning{Code: plan.MisplacedOfLeaver, User: "ann-#", Name: "ann-#.kubeconfig", Until: end}, vary: laterWarning},
	{of: plan.Warning{Code: plan.ClusterReplaced, Items: []string{"ann-#"}, Name: "uid-x", To: "https://there:6443"}, items: true},
	{of: plan.Warning{Code: plan.NothingToForget, Name: "uid-#"}},
	{of: plan.Warning{Code: plan.IssuedElsewhere, Items: []string{"ann-#"}}, items: true},
	{of: plan.Warning{Code: plan.ClockDiffers, Seconds: -1800}, items: true},
	{of: plan.Warning{Code: plan.ElsewhereEnds, Items: []string{"ann-#"}, Until: end}, items: true},
	{of: plan.Warning{Code: plan.LostLives, Items: []string{"ann-#"}, Until: end}, items: true},
	{of: plan.Warning{Code: plan.LedgerCopy, Namespace: "space-#", Name: "provision-system", To: "team", Items: []string{"ann", "bob"}, Left: []string{"eve"}}},
	{of: plan.Warning{Code: plan.LedgerCopy, Namespace: "space-#", Name: "provision-system", To: "team"}, about: "nobody's certificates"},
	{of: plan.Warning{Code: plan.LedgerUnsearched, Namespace: "provision-system"}, items: true},
	{of: plan.Warning{Code: plan.GroupReleased, Name: "ops-#", Holders: []plan.Holder{{User: "ann", Set: "second"}}, Held: heldBy("Group", "ops")}},
	{of: plan.Warning{Code: plan.GroupReleased, Name: "ops-#"}, about: "nobody else is known"},
	{of: plan.Warning{Code: plan.GroupEnds, Name: "ops-#", Left: []string{"joe"}, Items: []string{"kim"}, Holders: []plan.Holder{{User: "ann", Set: "second"}}, Held: heldBy("Group", "ops")}},
	{of: plan.Warning{Code: plan.GroupEnds, Name: "ops-#", Left: []string{"joe"}}, about: "nobody else is known"},
	{of: plan.Warning{Code: plan.SharedGroup, Name: "ops-#", Holders: []plan.Holder{{User: "ann", Set: "second"}, {User: "bob", Set: "second"}}}},
	{of: plan.Warning{Code: plan.NothingSelected, Name: "team=#"}},
	{of: plan.Warning{Code: plan.SetUnfiled, Name: "set-#", Items: []string{"ann", "bob"}}},
	{of: plan.Warning{Code: plan.LeaverBound, User: "ann-#", Held: heldBy("User", "ann-#")}},
	{of: plan.Warning{Code: plan.ServersDisagree, Name: "https://there:6443", Count: 2, Total: 7}, items: true},
}

// problemSamples are the same of problems. each is at a line of its own where the file asks for it.
var problemSamples = []sample[plan.Problem]{
	{of: plan.Problem{Code: plan.NamespaceMissing, Pos: usersfile.Pos{File: "users.yaml"}, Name: "space-#"}},
	{of: plan.Problem{Code: plan.NamespaceEnding, Pos: usersfile.Pos{File: "users.yaml"}, Name: "space-#"}},
	{of: plan.Problem{Code: plan.RoleMissing, Pos: usersfile.Pos{File: "users.yaml"}, Object: plan.Object{Kind: "Role", Namespace: "shop", Name: "role-#"}, Detail: "clusterrole/edit"}},
	{of: plan.Problem{Code: plan.RoleMissing, Pos: usersfile.Pos{File: "users.yaml"}, Object: plan.Object{Kind: "ClusterRole", Name: "role-#"}}, about: "nothing like it"},
	{of: plan.Problem{Code: plan.ForeignObject, Object: plan.Object{Kind: "RoleBinding", Namespace: "space-#", Name: "provision:team:edit"}, Detail: "second"}},
	{of: plan.Problem{Code: plan.ForeignObject, Object: plan.Object{Kind: "RoleBinding", Namespace: "space-#", Name: "provision:team:edit"}}, about: "of no set"},
	{of: plan.Problem{Code: plan.ForeignObject, Object: plan.Object{Kind: "ClusterRole", Name: "role-#"}}, about: "of no set, in the whole cluster"},
	{of: plan.Problem{Code: plan.LabelGone, Object: plan.Object{Kind: "RoleBinding", Namespace: "space-#", Name: "provision:team:edit"}, Detail: "second"}},
	{of: plan.Problem{Code: plan.LabelGone, Object: plan.Object{Kind: "RoleBinding", Namespace: "space-#", Name: "provision:team:edit"}}, about: "of no set"},
	{of: plan.Problem{Code: plan.LabelGone, Object: plan.Object{Kind: "ClusterRoleBinding", Name: "provision:team:edit-#"}}, about: "of no set, in the whole cluster"},
	{of: plan.Problem{Code: plan.ForeignFile, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "ann-#.kubeconfig", Detail: "it has no certificate that can be read"}},
	{of: plan.Problem{Code: plan.FileOfOtherSet, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "ann-#.kubeconfig", Detail: "second"}},
	{of: plan.Problem{Code: plan.UnreadableFile, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "ann-#.kubeconfig", Detail: "permission denied"}},
	{of: plan.Problem{Code: plan.UnmarkedFile, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "ann-#.kubeconfig", Detail: "https://there:6443"}},
	{of: plan.Problem{Code: plan.ClusterNameTaken, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "ann-#.kubeconfig", Detail: "ann-#@prod", Cluster: "uid-x"}},
	{of: plan.Problem{Code: plan.ClusterNameTaken, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "ann-#.kubeconfig", Detail: "prod"}, about: "not made by the set"},
	{of: plan.Problem{Code: plan.FrontProxyName, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#"}},
	{of: plan.Problem{Code: plan.NamedTwice, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", AlsoAt: usersfile.Pos{File: "second-#.yaml", Line: 4, Column: 5}}},
	{of: plan.Problem{Code: plan.NameClaimed, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Detail: "second"}},
	{of: plan.Problem{Code: plan.NameReused, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Until: end}},
	{of: plan.Problem{Code: plan.KeyUsed, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Name: "bob-#", Detail: "web", Since: end, Items: []string{"dev"}, Generation: 2}},
	{of: plan.Problem{Code: plan.KeyUsed, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#"}, about: "the operator's"},
	{of: plan.Problem{Code: plan.NewRequestMissing, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Since: end, Items: []string{"dev"}, Generation: 2, Reasons: []plan.Reason{{Code: plan.Expired, At: end}}}},
	{of: plan.Problem{Code: plan.GenerationLowered, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Generation: 1, Least: 2}},
	{of: plan.Problem{Code: plan.GroupEnded, Pos: usersfile.Pos{File: "users.yaml"}, Name: "ops-#", User: "ann", Since: end.Add(-time.Hour), Until: end}, vary: laterProblem},
	{of: plan.Problem{Code: plan.TooManySubjects, Count: 3_000_000, Allowed: 1_000_000}, items: true},
	{of: plan.Problem{Code: plan.UserEnded, User: "ann-#", Until: end}},
	{of: plan.Problem{Code: plan.GenerationEnded, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Until: end, Least: 1}},
	{of: plan.Problem{Code: plan.GenerationEnded, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Until: end, Generation: 2, Least: 3}, about: "several ends", vary: laterProblem},
	{of: plan.Problem{Code: plan.NameReused, Pos: usersfile.Pos{File: "users.yaml"}, User: "ann-#", Until: end}, about: "several ends", vary: laterProblem},
	{of: plan.Problem{Code: plan.TooManyDeletes, Count: 30, Allowed: 11, Total: 40}, items: true},
	{of: plan.Problem{Code: plan.TooManyDeletes, Count: 30, Allowed: 11, Total: 30}, about: "one set", items: true},
	{of: plan.Problem{Code: plan.LedgerIncomplete, Name: "provision-system", Items: []string{"ann-#"}}, items: true},
	{of: plan.Problem{Code: plan.ClientCAEnded, Until: end, Count: 1}, about: "one", items: true},
	{of: plan.Problem{Code: plan.ClientCAEnded, Until: end, Count: 2}, items: true},
	{of: plan.Problem{Code: plan.ServerNotHTTPS, Pos: usersfile.Pos{File: "users.yaml"}, Name: "admin@here", Detail: "http://there:8080"}, items: true},
	{of: plan.Problem{Code: plan.ServerNotHTTPS, Pos: usersfile.Pos{File: "users.yaml"}, Detail: "http://there:8080"}, about: "no context", items: true},
	{of: plan.Problem{Code: plan.CANotKnown, Pos: usersfile.Pos{File: "users.yaml"}, Name: "admin@here"}, items: true},
	{of: plan.Problem{Code: plan.NoClientCertificates, Name: "https://there:6443"}, items: true},
	{of: plan.Problem{Code: plan.LedgerUnreadable, Object: plan.Object{Kind: "ConfigMap", Namespace: "provision-system", Name: "record-#"}, Detail: "the entry x is not a record"}},
	{of: plan.Problem{Code: plan.LedgerMoved, From: "space-x", Name: "provision-system", Count: 1}, about: "one", items: true},
	{of: plan.Problem{Code: plan.LedgerMoved, From: "space-x", Name: "provision-system", Count: 2}, items: true},
	{of: plan.Problem{Code: plan.BlockUnsupported, Name: "v1.30.14"}},
	{of: plan.Problem{Code: plan.LedgerWrong, Name: "provision-system", Items: []string{"ann-#"}}, items: true},
}

// numbered writes a number for each # in the texts of v.
func numbered[T any](t *testing.T, v T, i int) T {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var of T
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(data), "#", strconv.Itoa(1001+i))), &of); err != nil {
		t.Fatal(err)
	}
	return of
}

// texts are the strings in a value as JSON has it, without the code.
func texts(t *testing.T, v any) []string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var of any
	if err := json.Unmarshal(data, &of); err != nil {
		t.Fatal(err)
	}
	var list []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			list = append(list, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for key, e := range v {
				if key != "code" && key != "pos" {
					walk(e)
				}
			}
		}
	}
	walk(of)
	return list
}

// constants are the values of the constants of a string type in package plan.
func constants(t *testing.T, of string) []string {
	t.Helper()
	files, err := filepath.Glob("../../internal/plan/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no source of package plan: ", err)
	}
	var values []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := s.Type.(*ast.Ident); !ok || typ.Name != of {
				return true
			}
			for _, v := range s.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					value, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, value)
				}
			}
			return true
		})
	}
	slices.Sort(values)
	return values
}

// sampled reports codes without a sample, and so perhaps without words.
func sampled[T any](t *testing.T, code string, samples []sample[T], of func(T) string) {
	t.Helper()
	have := map[string]bool{}
	for _, s := range samples {
		have[of(s.of)] = true
	}
	if want, got := constants(t, code), slices.Sorted(maps.Keys(have)); len(want) < 20 || !slices.Equal(want, got) {
		t.Errorf("samples for\n%q\nwant one for each %s\n%q", got, code, want)
	}
}

// unsound is what no sentence has: a verb of fmt without its value, a name or a moment that is not there, and what is left
// around one.
var unsound = regexp.MustCompile(`%!|  |""|''|\(\)|\( |\(,|, ,|, \)|,,|: ?[:;,]|; ?;| [,;:)]|0001-01-01|\b[Oo]f (?:[:;,]|$)|(?:[ :;,])$`)

// exempt takes out of a line what is said on purpose and looks unsound.
func exempt(line string) string {
	line = regexp.MustCompile(`sed (?:-e '[^']*' )+`).ReplaceAllString(line, "")
	return strings.NewReplacer(` ("" is none)`, "", `, "" if none is meant`, "", "  # ", " # ").Replace(line)
}

// said checks the words for n samples that are alike: a paragraph that begins with mark, and perhaps what is below it.
func said[T any](t *testing.T, s sample[T], list []T, n int, code, text, mark string, grave, all bool) {
	t.Helper()
	if strings.Contains(text, code) {
		t.Errorf("%s has no words: %s", code, text)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) == 0 || strings.Count("\n"+text, "\n  "+mark) != 1 || !strings.HasPrefix(lines[0], "  "+mark) {
		t.Errorf("want one paragraph:\n%s", text)
		return
	}
	for i, line := range lines {
		line = strings.TrimPrefix(strings.TrimSpace(line), mark)
		if i == 0 && len(lines) > 1 && strings.HasPrefix(lines[1], "      ") { // commands are below
			line = strings.TrimSuffix(line, ":")
		}
		if found := unsound.FindString(exempt(line)); found != "" {
			t.Errorf("%q is in %q", found, line)
		}
	}
	if n < 10 || all { // everything that it is about is said
		for _, one := range list {
			for _, v := range texts(t, one) {
				if at, err := time.Parse(time.RFC3339, v); err == nil {
					v = timeWords(at)
				}
				if !strings.Contains(strings.ToLower(text), strings.ToLower(v)) && !implied[v] {
					t.Errorf("%q is not in\n%s", v, text)
				}
			}
		}
	}
	first, _, _ := strings.Cut(text, "\n")
	shown := map[string]bool{}
	for _, number := range regexp.MustCompile(`\b1[0-9]{3}\b`).FindAllString(first, -1) {
		shown[number] = true
	}
	data, err := json.Marshal(s.of)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "#") {
		return
	}
	for i := range min(n, few) {
		if !shown[strconv.Itoa(1001+i)] {
			t.Errorf("number %d is not among the names:\n%s", i, text)
		}
	}
	if !s.items && n > 1 && !regexp.MustCompile(`\b`+thousands(n)+`\b`).MatchString(first) {
		t.Errorf("%d are not counted:\n%s", n, text)
	}
	switch {
	case n < 10:
	case all && len(shown) != n:
		t.Errorf("%d of %d names with --show-all", len(shown), n)
	case grave && len(shown) != n: // nothing about power is cut
		t.Errorf("%d of %d names, of a grave warning", len(shown), n)
	case grave || all:
	case len(shown) != few || len(first) > 1000:
		t.Errorf("%d of %d names, in %d characters", len(shown), n, len(first))
	case !strings.Contains(first, "and "+thousands(n-few)+" more") || strings.Count(first, "(--show-all lists them)") != 1 || !strings.HasSuffix(first, "(--show-all lists them)"):
		t.Errorf("the rest is not counted, with the way to see it at the end: %s", first)
	}
	if !s.items {
		if one := regexp.MustCompile(`\b1 (user|name|group|role|namespace|kubeconfig|file|request|binding|object|set)s\b|\b(?:3|300) (user|name|group|role|namespace|kubeconfig|file|request|binding|object|set)\b`).FindString(first); one != "" {
			t.Errorf("%q is in %s", one, first)
		}
	}
}

// implied are values that other words stand for, or that those who read know.
var implied = map[string]bool{"pods": true, "User": true, "Group": true, "ClusterRole": true, "stays": true}

// Every warning has words for one, a few and many that are alike: one paragraph that is whole, and not longer than is read.
func TestWarningsAlike(t *testing.T) {
	sampled(t, "WarningCode", warningSamples, func(w plan.Warning) string { return string(w.Code) })
	var words strings.Builder
	for _, s := range warningSamples {
		name := string(s.of.Code)
		if s.about != "" {
			name += ": " + s.about
		}
		t.Run(name, func(t *testing.T) {
			fmt.Fprintf(&words, "%s\n", name)
			data, err := json.Marshal(s.of)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 3, 300} {
				if n > 1 && !strings.Contains(string(data), "#") {
					continue
				}
				var list []plan.Warning
				for i := range n {
					w := numbered(t, s.of, i)
					if s.vary != nil {
						s.vary(&w, i)
					}
					if s.items && i > 0 {
						list[0] = joined(list[0], w)
						continue
					}
					list = append(list, w)
				}
				for _, all := range []bool{false, true} {
					var out strings.Builder
					Page{All: all}.warnings(pen{w: &out}, list)
					text := strings.TrimPrefix(out.String(), "\nwarnings\n")
					said(t, s, list, n, string(s.of.Code), text, "! ", s.of.Grave(), all)
					if n < 10 && !all {
						words.WriteString(text)
					}
				}
			}
		})
	}
	golden(t, "warnings-alike", words.String())
}

// So has every problem, with the place in the file and a way out.
func TestProblemsAlike(t *testing.T) {
	sampled(t, "ProblemCode", problemSamples, func(p plan.Problem) string { return string(p.Code) })
	dir, err := outdir.OpenRead("kubeconfigs")
	if err != nil {
		t.Fatal(err)
	}
	var words strings.Builder
	for _, s := range problemSamples {
		name := string(s.of.Code)
		if s.about != "" {
			name += ": " + s.about
		}
		t.Run(name, func(t *testing.T) {
			fmt.Fprintf(&words, "%s\n", name)
			data, err := json.Marshal(s.of)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 3, 300} {
				if n > 1 && !strings.Contains(string(data), "#") {
					continue
				}
				var list []plan.Problem
				for i := range n {
					p := numbered(t, s.of, i)
					if p.Pos.File != "" {
						p.Pos.Line, p.Pos.Column = 7+i, 5
					}
					if s.vary != nil {
						s.vary(&p, i)
					}
					if s.items && i > 0 {
						list[0].Items = append(list[0].Items, p.Items...)
						continue
					}
					list = append(list, p)
				}
				for _, all := range []bool{false, true} {
					var out strings.Builder
					Page{Dir: dir.Path(), Endpoint: operator, All: all}.plan(pen{w: &out}, plan.Proposal{Plan: plan.Plan{Set: "team", Problems: list}})
					_, text, _ := strings.Cut(out.String(), "\nerrors\n")
					text, _, found := strings.Cut(text, "\n\n")
					if !found || !strings.Contains(text, "\n    hint: ") {
						t.Errorf("no way out:\n%s", out.String())
					}
					text += "\n"
					said(t, s, list, n, string(s.of.Code), text, "x ", false, all)
					for i, p := range list {
						if at := p.Pos.String(); at != "" && (i < few || all) && !strings.Contains(text, at) {
							t.Errorf("%s is not in\n%s", at, text)
						}
					}
					if hint := text[strings.Index(text, "\n    hint: "):]; n > 10 && !all && len(hint) > 1000 {
						t.Errorf("the hint has %d characters: %s", len(hint), hint)
					}
					if n < 10 && !all {
						words.WriteString(text)
					}
				}
			}
		})
	}
	golden(t, "problems-alike", words.String())
}

// Thousands for whom the same is said are a line that is read, unless it is grave: then all of them are named.
func TestThousandsAlike(t *testing.T) {
	const n = 3000
	numbers := regexp.MustCompile(`\b[1-4][0-9]{3}\b`)
	look := func(t *testing.T, text string, grave bool) {
		t.Helper()
		first, _, _ := strings.Cut(text, "\n")
		if !grave {
			if len(first) > 1000 || !strings.Contains(first, " and 2,995 more") || !strings.HasSuffix(first, " (--show-all lists them)") {
				t.Errorf("%d characters: %.1200s", len(first), first)
			}
			return
		}
		shown := map[string]bool{}
		for _, number := range numbers.FindAllString(first, -1) {
			shown[number] = true
		}
		for i := range n {
			if number := strconv.Itoa(1001 + i); !shown[number] {
				t.Fatalf("%s is not named: %.1200s", number, first)
			}
		}
	}
	for _, s := range warningSamples {
		t.Run(string(s.of.Code)+" "+s.about, func(t *testing.T) {
			if !strings.Contains(strings.Join(texts(t, s.of), ""), "#") {
				t.Skip("of one only")
			}
			var list []plan.Warning
			for i := range n {
				w := numbered(t, s.of, i)
				if s.items && i > 0 {
					list[0] = joined(list[0], w)
					continue
				}
				list = append(list, w)
			}
			var out strings.Builder
			Page{}.warnings(pen{w: &out}, list)
			look(t, strings.TrimPrefix(out.String(), "\nwarnings\n"), s.of.Grave())
		})
	}
	for _, s := range problemSamples {
		t.Run(string(s.of.Code)+" "+s.about, func(t *testing.T) {
			if !strings.Contains(strings.Join(texts(t, s.of), ""), "#") {
				t.Skip("of one only")
			}
			var list []plan.Problem
			for i := range n {
				p := numbered(t, s.of, i)
				if s.items && i > 0 {
					list[0].Items = append(list[0].Items, p.Items...)
					continue
				}
				list = append(list, p)
			}
			look(t, Page{}.brief(func(names lister) string {
				what, _ := problemsWords("team", list, names)
				return what
			}), false)
		})
	}
}

// joined is a warning with the lists of two.
func joined(w, more plan.Warning) plan.Warning {
	w.Items, w.Held = append(w.Items, more.Items...), append(w.Held, more.Held...)
	w.Objects, w.Clusters = append(w.Objects, more.Objects...), append(w.Clusters, more.Clusters...)
	return w
}

// lengthened lengthens the lists in a warning to n, whatever they hold.
func lengthened(w plan.Warning, n int) plan.Warning {
	for _, list := range []*[]string{&w.Items, &w.Left} {
		for i := len(*list); len(*list) > 0 && i < n; i++ {
			*list = append(*list, fmt.Sprintf("item-%d", i))
		}
	}
	for i := len(w.Subjects); len(w.Subjects) > 0 && i < n; i++ {
		w.Subjects = append(w.Subjects, plan.Subject{Kind: "User", Name: fmt.Sprintf("item-%d", i)})
	}
	for i := len(w.Objects); len(w.Objects) > 0 && i < n; i++ {
		w.Objects = append(w.Objects, plan.Object{Kind: "RoleBinding", Namespace: "shop", Name: fmt.Sprintf("item-%d", i)})
	}
	for i := len(w.Holders); len(w.Holders) > 0 && i < n; i++ {
		w.Holders = append(w.Holders, plan.Holder{User: fmt.Sprintf("item-%d", i), Set: "second"})
	}
	for i := len(w.Entries); len(w.Entries) > 0 && i < n; i++ {
		w.Entries = append(w.Entries, plan.Entry{Kind: "user", Name: fmt.Sprintf("item-%d", i)})
	}
	for i := len(w.Clusters); len(w.Clusters) > 0 && i < n; i++ {
		w.Clusters = append(w.Clusters, plan.Address{Name: fmt.Sprintf("item-%d", i), Server: "https://there:6443"})
	}
	for i := len(w.Rules); len(w.Rules) > 0 && i < n; i++ {
		w.Rules = append(w.Rules, rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{fmt.Sprintf("item-%d", i)}})
	}
	for i := len(w.Held); len(w.Held) > 0 && i < n; i++ {
		h := w.Held[0]
		if w.Code == plan.GrantedElsewhere || w.Code == plan.GroupReleased || w.Code == plan.GroupEnds { // to one subject, by many
			h.Binding.Name = fmt.Sprintf("held-%d", i)
			w.Held = append(w.Held, h)
			continue
		}
		h.Subject.Name = fmt.Sprintf("held-%d", i)
		h.Binding.Subjects = append(slices.Clone(h.Binding.Subjects), h.Subject)
		w.Held = append(w.Held, h)
	}
	return w
}

// listed are the names in all lists of a warning.
func listed(w plan.Warning) []string {
	return slices.Concat(w.Items, w.Left,
		each(w.Subjects, func(s plan.Subject) string { return s.Name }),
		each(w.Objects, func(o plan.Object) string { return o.Name }),
		each(w.Holders, func(h plan.Holder) string { return h.User }),
		each(w.Entries, func(e plan.Entry) string { return e.Name }),
		each(w.Clusters, func(a plan.Address) string { return a.Name }),
		each(w.Rules, func(r rbacv1.PolicyRule) string { return r.Resources[0] }))
}

// Names in brackets behind a name, or before the names, are cut as those are: nothing of it with --show-all, nothing of what
// is grave, and else with the way to see all, once and at the end of the line. Documents for programs have all.
func TestNamesInBrackets(t *testing.T) {
	const items = 12
	for _, s := range warningSamples {
		for _, n := range []int{1, 3} {
			for _, all := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s %d all=%t", s.of.Code, s.about, n, all), func(t *testing.T) {
					var list []plan.Warning
					for i := range n {
						list = append(list, lengthened(numbered(t, s.of, i), items))
					}
					var out strings.Builder
					Page{All: all}.warnings(pen{w: &out}, list)
					text := out.String()
					counted := regexp.MustCompile(`(?m) and [0-9,]+ more.*$`).FindAllString(text, -1)
					if all || s.of.Grave() {
						for _, w := range list {
							for _, item := range slices.Concat(listed(w), each(w.Held, func(h plan.Held) string { return h.Subject.Name })) {
								if !strings.Contains(text, item) {
									t.Errorf("%s is not in\n%s", item, text)
								}
							}
						}
						if len(counted) > 0 {
							t.Errorf("cut: %s", counted)
						}
						return
					}
					for _, line := range counted {
						if strings.Count(line, "(--show-all lists them)") != 1 {
							t.Errorf("the way to see all is not there once: %s", line)
						}
					}
				})
			}
		}
		t.Run(fmt.Sprintf("%s %s for programs", s.of.Code, s.about), func(t *testing.T) {
			w := lengthened(numbered(t, s.of, 0), items)
			if s.of.Code == plan.LeaverBound { // whose bindings are in the hint
				w.Items = each(w.Held, func(h plan.Held) string { return h.Subject.Name })
			}
			n := warningNote("team", w)
			for _, item := range listed(w) {
				if !strings.Contains(n.Message+n.Hint, item) {
					t.Errorf("%s is not in %+v", item, n)
				}
			}
		})
	}
	left := plan.Problem{Code: plan.NamespaceMissing, Name: "gone"}
	for i := range items {
		b := plan.Binding{Namespace: fmt.Sprintf("space-%d", i), RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "view"}}
		for j := range items {
			b.Subjects = append(b.Subjects, plan.Subject{Kind: "User", Name: fmt.Sprintf("ann-%d-%d", i, j)})
		}
		left.Grants = append(left.Grants, b)
	}
	for _, all := range []bool{false, true} {
		line := Page{All: all}.brief(func(names lister) string { return leftOutWords(left, names) })
		if all != strings.Contains(line, "ann-11-11") || all == strings.HasSuffix(line, " and 7 more (--show-all lists them)") || strings.Contains(line, "them),") {
			t.Errorf("left out, all=%t: %s", all, line)
		}
	}
}

// What is written in minutes does not differ by seconds: certificates that are issued one after the other end at one time.
func TestLatest(t *testing.T) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	itself := func(at time.Time) time.Time { return at }
	for _, c := range []struct {
		list   []time.Time
		last   time.Time
		differ bool
	}{
		{[]time.Time{noon}, noon, false},
		{[]time.Time{noon.Add(59 * time.Second), noon}, noon.Add(59 * time.Second), false},
		{[]time.Time{noon, noon.Add(time.Minute)}, noon.Add(time.Minute), true},
		{[]time.Time{noon, noon.Add(-time.Second)}, noon, true},
	} {
		if last, differ := latest(c.list, itself); !last.Equal(c.last) || differ != c.differ {
			t.Errorf("%v: %v, differ %v", c.list, last, differ)
		}
	}
}
