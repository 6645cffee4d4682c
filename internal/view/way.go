package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/hint"
	"provision/internal/plan"
)

// wayOut is the command that takes away from users what subjects of one kind have by a binding, and what that is. Where the binding is
// of a set, the command is that set's. A group that a set binds has none: revoking takes nobody out of a group, and what it is
// says what does.
func wayOut(b plan.Binding, set string, subjects []plan.Subject, users []string, names lister) (command, about string) {
	group := subjects[0].Kind == rbacv1.GroupKind
	about = fmt.Sprintf("%s, through %s %s", b.RoleRef.Name, strings.ToLower(subjects[0].Kind), names(each(subjects, func(s plan.Subject) string { return plan.Quoted(s.Name) })))
	if b.Namespace != "" {
		about += ", in namespace " + b.Namespace
	}
	switch {
	case set != "" && group:
		return "", about + ", of the set " + set + ": set bindTo: Members in its users file"
	case set != "":
		return revokeThere(set, users...), about
	case group:
		about += ": from everybody in that group"
	}
	return withoutSubjects(b, nil, subjects), about
}

// revokeThere is the command that has users leave a set.
func revokeThere(set string, users ...string) string {
	return fmt.Sprintf("provision revoke --set %s %s", set, strings.Join(each(users, hint.ShellWord), " "))
}

// wayLine writes a way out so that it can be pasted into a shell, with what it is of as a comment.
func wayLine(command, about string) string {
	if command == "" {
		return "# " + about
	}
	return command + "  # " + about
}

// taken are the subjects that the commands of one text take out of each binding, so far: a command counts on those before it.
type taken map[plan.ObjectKey][]plan.Subject

// wayOut is wayOut behind the commands that were given before.
func (t taken) wayOut(b plan.Binding, set string, subjects []plan.Subject, users []string, names lister) (command, about string) {
	command, about = wayOut(b, set, subjects, users, names)
	before := t[b.Key()]
	switch {
	case set != "":
		return command, about
	case !slices.ContainsFunc(subjects, func(s plan.Subject) bool { return !slices.Contains(before, s) }):
		return "", about + ": a command above takes it away"
	case len(before) > 0:
		command, about = withoutSubjects(b, before, subjects), about+", after the command above"
	}
	t[b.Key()] = append(before, subjects...)
	return command, about
}

// withoutSubjects is the kubectl command that takes subjects out of a binding, once some others were taken out before. It fails, and does
// nothing, if by then another one stands in the place of any of them.
func withoutSubjects(b plan.Binding, before, gone []plan.Subject) string {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value string `json:"value,omitempty"`
	}
	left := slices.DeleteFunc(slices.Clone(b.Subjects), func(s plan.Subject) bool { return slices.Contains(before, s) })
	var patch []operation
	others := len(b.Subjects) - len(left)
	for i := len(left) - 1; i >= 0; i-- { // from behind, so that the places before stay what they are
		s := left[i]
		if !slices.Contains(gone, s) {
			others++
			continue
		}
		at := "/subjects/" + strconv.Itoa(i)
		patch = append(patch, operation{"test", at + "/kind", s.Kind})
		if namespace, name, ok := strings.Cut(s.Name, "/"); ok && s.Kind == rbacv1.ServiceAccountKind {
			patch, s.Name = append(patch, operation{"test", at + "/namespace", namespace}), name
		}
		patch = append(patch, operation{"test", at + "/name", s.Name}, operation{Op: "remove", Path: at})
	}
	name := objectName(b.Object())
	if others == 0 {
		return "kubectl delete " + name
	}
	data, err := json.Marshal(patch)
	if err != nil {
		return "kubectl edit " + name
	}
	return "kubectl patch " + name + " --type=json -p " + hint.ShellWord(string(data))
}

// warningWays returns the lines below a warning: the ways out, each a command with what it is about as a comment.
func warningWays(w plan.Warning, names lister) []string {
	var ways []string
	if w.Code == plan.NotBlockedByRights {
		return permissionTexts(w.Permissions, names)
	}
	if w.Code != plan.LeaverBound {
		return nil
	}
	for _, h := range w.Held {
		ways = append(ways, wayLine(wayOut(h.Binding, h.Set, []plan.Subject{h.Subject}, []string{w.User}, names)))
	}
	return ways
}

// warningsWays returns the lines below several warnings that are alike: a way out for each binding.
func warningsWays(group []plan.Warning, names lister) []string {
	if len(group) == 1 {
		return warningWays(group[0], names)
	}
	if group[0].Code != plan.LeaverBound {
		return nil
	}
	type of struct {
		binding, set, kind string
	}
	type way struct {
		held     plan.Held
		subjects []plan.Subject
		users    []string
	}
	var list []*way
	at := map[of]*way{}
	for _, w := range group {
		for _, h := range w.Held {
			key := of{values(h.Binding.Namespace, h.Binding.Name), h.Set, h.Subject.Kind}
			one := at[key]
			if one == nil {
				one = &way{held: h}
				at[key] = one
				list = append(list, one)
			}
			if !slices.Contains(one.subjects, h.Subject) {
				one.subjects = append(one.subjects, h.Subject)
			}
			one.users = append(one.users, w.User)
		}
	}
	return each(list, func(one *way) string {
		return wayLine(wayOut(one.held.Binding, one.held.Set, one.subjects, one.users, names))
	})
}

// wayOutOfSet is the way out where users, as they are called, have kubeconfigs of another set.
func wayOutOfSet(users, set string, held bool) string {
	if held {
		return "the set " + set + " gives " + users + " up in this run, which is held back: do first what its errors say"
	}
	return "use another output directory (-d), or take " + users + " out of one of the two sets; to move from one to the other, give the files of both in one run, or apply that of " + set + " first; if that set has another name now, or its file has gone: provision destroy --set " + set
}

// moveLedger is the commands that move the records of a set into another namespace. The namespace may be there already; a new one
// gets the label of those that provision makes, by which its records are believed.
func moveLedger(set, from, to string) string {
	return fmt.Sprintf("kubectl create namespace %[3]s && kubectl label namespace %[3]s app.kubernetes.io/managed-by=provision; kubectl get configmap -n %[2]s -l %[4]s=%[1]s,provision/ledger=true -o yaml"+
		" | sed -e 's/^    namespace: %[2]s$/    namespace: %[3]s/' -e '/^    resourceVersion: /d' -e '/^    uid: /d' | kubectl create -f -"+
		" && kubectl delete configmap,lease -n %[2]s -l %[4]s=%[1]s", set, from, to, plan.SetLabel)
}

// reissueWords is the command that reissues the certificates of some users, or its pattern where they are many.
func reissueWords(users []string) string {
	if len(users) > few {
		return "provision apply, with --reissue USER for each"
	}
	return "provision apply" + strings.Join(each(users, func(user string) string { return " --reissue " + hint.ShellWord(user) }), "")
}

// wayToServer is the way out where a client certificate does not reach the API server.
const wayToServer = "set cluster.server in the users file to the address of the API server itself"

// wayToAgree is the way out where API servers behind one address do not trust the same client CAs.
const wayToAgree = "give all API servers the same --client-ca-file"
