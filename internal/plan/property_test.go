package plan

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/usersfile"
)

const cases = 2000

// everyCase runs check with many small random worlds, each from a seed of its own that a failure names.
func everyCase(t *testing.T, check func(t *testing.T, r *rand.Rand, w world)) {
	t.Helper()
	for seed := range int64(cases) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewSource(seed))
			check(t, r, randomWorld(r))
		})
		if t.Failed() {
			return // the first is enough to work on
		}
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.Intn(len(from))] }

func some[T any](r *rand.Rand, from ...T) []T {
	var list []T
	for _, v := range from {
		if r.Intn(2) == 0 {
			list = append(list, v)
		}
	}
	return list
}

var (
	everyName = []string{"ann", "bob", "cat", "dan"}
	everyRef  = []RoleRef{edit, {"ClusterRole", "view"}, {"Role", "reader"}}
)

// randomWorld has few users, groups, roles and namespaces, so that all kinds of collisions happen.
func randomWorld(r *rand.Rand) world {
	w := settled(noon)
	w.RebuildLedger = r.Intn(8) > 0 // without: many cases end with a problem
	w.Allow = 0
	w.Observed.LedgerNamespace = r.Intn(2) == 0
	w.Namespaces = map[string]bool{"shop": r.Intn(8) > 0}
	w.References = []Reference{{Object: Object{Kind: "Namespace", Name: "shop"}}, {Object: Object{Kind: "ClusterRole", Name: "edit"}}, {Object: Object{Kind: "ClusterRole", Name: "view"}}}
	for _, name := range []string{"edit", "view"} {
		if r.Intn(8) > 0 {
			w.RoleOwners[ObjectKey{"", name}] = ""
		}
	}
	w.Members = map[string]bool{}
	for _, g := range some(r, "dev", "ops") {
		w.Members[g] = true
	}
	inCertificates := r.Intn(4) == 0
	for _, name := range some(r, everyName...) {
		groups := some(r, "dev", "ops")
		u := wanted(name, slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return w.Members[g] && !inCertificates })...)
		u.Groups = groups
		u.Certificate.Duration = pick(r, 30*day, day, time.Hour)
		u.Certificate.KeyAlgorithm = pick(r, usersfile.ECDSAP256, usersfile.ECDSAP256, usersfile.Ed25519)
		u.RenewBefore = pick(r, usersfile.RenewBefore{Share: 1. / 3}, usersfile.RenewBefore{Time: 2 * day})
		if r.Intn(4) == 0 { // they end soon, or not so soon
			u.Certificate.Until = noon.Add(pick(r, time.Minute, 20*time.Minute, 20*time.Hour, 40*day))
		}
		u.Reuse, u.Reissue = r.Intn(2) == 0, r.Intn(8) == 0
		w.Users = append(w.Users, u)
	}
	for _, name := range everyName {
		randomUser(r, &w, name)
	}
	for _, ref := range everyRef {
		for _, namespace := range []string{"", "shop"} {
			if namespace == "" && ref.Kind == "Role" {
				continue
			}
			randomGrant(r, &w, namespace, ref)
		}
	}
	rules := func() []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: some(r, "get", "list")}}
	}
	for _, namespace := range []string{"", "shop"} {
		if r.Intn(2) == 0 {
			w.Desired.Roles = append(w.Desired.Roles, Role{Namespace: namespace, Name: "reader", Rules: rules()})
		}
		if r.Intn(2) == 0 {
			w.Observed.Roles = append(w.Observed.Roles, Role{Namespace: namespace, Name: pick(r, "reader", "writer"), Rules: rules(), Found: Found{UID: "r", ResourceVersion: "1"}})
		} else if r.Intn(8) == 0 {
			w.RoleOwners[ObjectKey{namespace, "reader"}] = pick(r, "", "other")
		}
	}
	for _, o := range w.Observed.Roles {
		w.RoleOwners[o.Key()] = setName
	}
	return w
}

// randomUser fills what is found of one name: a file, a key, requests, records.
func randomUser(r *rand.Rand, w *world, name string) {
	of := wanted(name, some(r, "dev", "ops")...)
	of.Certificate.Duration = pick(r, 30*day, day, time.Hour)
	issued := noon.Add(-pick(r, 0, time.Minute, 30*time.Minute, 20*time.Hour, 29*day, 31*day))
	switch r.Intn(12) {
	case 0, 1, 2, 3, 4, 5:
		f := fileOf(of, issued)
		switch r.Intn(10) {
		case 0:
			f.KeyMatches = false
		case 1:
			f.Certificate = nil
		case 2:
			f.Mode = 0o644
		case 3:
			f.Kubeconfig.Namespace = "shop"
		case 4:
			f.Taken = map[string]string{pick(r, "dev", "prod"): ""}
		case 5:
			f.Edited, f.Others = some(r, "exec", "token"), some(r, Entry{"user", "x"})
		}
		w.Files[name] = f
		if f.Certificate != nil && r.Intn(4) > 0 {
			w.Ledger = append(w.Ledger, recordOf(f.Certificate, issued))
		}
	case 6:
		w.Files[name] = File{Name: of.Kubeconfig.File, State: pick(r, FileForeign, FileOtherSet, FileUnreadable), Owner: "other"}
	case 7:
		w.Files[name] = File{Name: of.Kubeconfig.File, State: FileOther, Mode: 0o600, Taken: map[string]string{name + "@dev": ""}}
	}
	if r.Intn(4) == 0 { // a certificate that is not here
		c := signedAt(of.Certificate, keyHash(name+" elsewhere"), issued)
		record := recordOf(c, issued)
		if r.Intn(2) == 0 {
			record.NotAfter = time.Time{}
		}
		if r.Intn(2) == 0 {
			record.Removed = noon.Add(-time.Minute)
		}
		w.Ledger = append(w.Ledger, record)
	}
	state := func() RequestState { return pick(r, Pending, Approved, Issued, Denied, Failed) }
	if r.Intn(3) == 0 {
		key, came := keyHash(name+" tried"), state()
		if f, ok := w.Files[name]; ok && f.Certificate != nil && r.Intn(4) == 0 {
			key, came = f.Certificate.KeyHash, Issued // its certificate has arrived
		}
		w.Keys[name] = journalKey(of, key)
		switch {
		case r.Intn(4) == 0 && key != keyHash(name): // the cluster has lost the request, if it ever had it, and the ledger lists it
			w.Ledger = append(w.Ledger, Record{User: name, Groups: of.Certificate.Groups, KeyHash: key, Request: w.Keys[name].Request,
				Duration: of.Certificate.Duration, Intended: issued, Resent: r.Intn(2) == 0})
			if r.Intn(2) == 0 { // and the file still wants just that
				for i, u := range w.Users {
					if u.Certificate.User == name {
						w.Users[i].Certificate = of.Certificate
					}
				}
			}
		case r.Intn(4) > 0:
			request := requestOf(of, key, came, issued)
			switch r.Intn(8) {
			case 0:
				request.Conforms = false
			case 1:
				request.Conforms, request.OfOther = false, true
			case 2:
				request.KeyHash = keyHash("mallory")
			}
			w.Requests = append(w.Requests, request)
			if key != keyHash(name) {
				w.Ledger = append(w.Ledger, Record{User: name, Groups: of.Certificate.Groups, KeyHash: key, Request: request.Name, Duration: of.Certificate.Duration, Intended: issued})
			}
		}
	}
	if r.Intn(6) == 0 { // somebody else's, with our label
		request := requestOf(of, keyHash(name+" foreign"), state(), issued)
		request.Conforms, request.OfOther = r.Intn(2) == 0, r.Intn(2) == 0
		w.Requests = append(w.Requests, request)
	}
}

func randomGrant(r *rand.Rand, w *world, namespace string, ref RoleRef) {
	subjects := []Subject{{"Group", "dev"}, {"User", "ann"}, {"User", "bob"}, {"User", "cat"}}
	name := BindingName(setName, ref)
	if want := w.bindable(some(r, subjects...)); len(want) > 0 && r.Intn(3) > 0 {
		w.Desired.Bindings = append(w.Desired.Bindings, Binding{Namespace: namespace, Name: name, RoleRef: ref, Subjects: want})
	}
	add := func(name string, ref RoleRef) {
		b := Binding{Namespace: namespace, Name: name, RoleRef: ref, Subjects: some(r, subjects...), Found: Found{UID: types.UID("uid-" + name), ResourceVersion: "1"}}
		if r.Intn(8) == 0 {
			b.Subjects = append(b.Subjects, b.Subjects...)
		}
		w.Observed.Bindings = append(w.Observed.Bindings, b)
		if b.named(setName) {
			w.BindingOwners[ObjectKey{namespace, name}] = setName
		}
	}
	switch r.Intn(8) {
	case 0, 1, 2:
		add(name, ref)
	case 3:
		add(name, pick(r, everyRef...)) // perhaps made anew with another roleRef
	case 4:
		w.BindingOwners[ObjectKey{namespace, name}] = pick(r, "", "other")
	case 5:
		add("theirs-"+ref.Name, ref)
	}
	if r.Intn(4) == 0 {
		add(name+":2", ref)
	}
}

// bindable puts members in the place of the groups that the file binds to them.
func (w *world) bindable(subjects []Subject) []Subject {
	var list []Subject
	for _, s := range subjects {
		if s.Kind != "Group" || !w.Members[s.Name] {
			list = append(list, s)
			continue
		}
		for _, u := range w.Users {
			if slices.Contains(u.Groups, s.Name) {
				list = append(list, Subject{"User", u.Certificate.User})
			}
		}
	}
	slices.SortFunc(list, compareSubjects)
	return slices.Compact(list)
}

// copied is a deep copy of values that hold no functions and channels.
func copied[T any](v T) T { return deep(reflect.ValueOf(v)).Interface().(T) }

func deep(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	if v.Type() == reflect.TypeFor[time.Time]() {
		out.Set(v)
		return out
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(deep(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deep(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for _, k := range v.MapKeys() {
				out.SetMapIndex(k, deep(v.MapIndex(k)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(deep(v.Field(i)))
		}
	default:
		out.Set(v)
	}
	return out
}

// perform does in memory what apply does with the cluster and the directory.
func (w *world) perform(p Plan) {
	records := map[string]Record{}
	for _, r := range w.Ledger {
		if r.Live(noon) {
			records[r.KeyHash] = r
		}
	}
	for _, c := range p.Ledger.Records {
		if c.Op == Delete {
			delete(records, c.Before.KeyHash)
		} else {
			records[c.After.KeyHash] = *c.After
		}
	}
	w.Observed.LedgerNamespace = true
	w.bind(p)
	for _, c := range p.Roles {
		key := c.Object().Key()
		same := func(r Role) bool { return r.Key() == key }
		switch c.Op {
		case Create, Update:
			w.Observed.Roles = append(slices.DeleteFunc(w.Observed.Roles, same), *c.After)
			w.RoleOwners[key] = w.Set
		case Delete:
			w.Observed.Roles = slices.DeleteFunc(w.Observed.Roles, same)
			delete(w.RoleOwners, key)
		}
	}
	for _, c := range p.Requests {
		w.Requests = slices.DeleteFunc(w.Requests, func(r Request) bool { return r.UID == c.Before.UID && r.Name == c.Before.Name })
		if c.Before.State == Pending && c.Before.Conforms {
			delete(records, c.Before.KeyHash)
		}
	}
	for _, u := range p.Users {
		f := w.Files[u.Name]
		switch {
		case u.Kubeconfig.Op == Remove:
			delete(w.Files, u.Name)
		case u.Certificate.Op != Keep:
			key := keyHash(u.Name + " new")
			if u.Certificate.Op == Resume || u.Request != nil { // or sent again
				key = w.Keys[u.Name].KeyHash
			}
			want := *u.Certificate.After
			life, _ := want.Ask(noon)
			want.Duration, want.Until = life, time.Time{}
			c := signedAt(want, key, noon)
			if i := slices.IndexFunc(w.Requests, func(r Request) bool { return r.KeyHash == key }); i >= 0 && w.Requests[i].State == Issued {
				c = w.Requests[i].Certificate
			} else {
				w.Requests = slices.DeleteFunc(w.Requests, func(r Request) bool { return r.KeyHash == key })
				w.Requests = append(w.Requests, requestOf(User{Certificate: want}, key, Issued, noon))
			}
			w.Files[u.Name] = File{Name: u.Kubeconfig.After.File, State: FileOurs, Owner: w.Set, Mode: 0o600, Kubeconfig: *u.Kubeconfig.After, Certificate: c, KeyMatches: true, Taken: f.Taken}
			record := recordOf(c, noon)
			record.Resent = u.Request != nil && u.Request.Resent
			records[key] = record
			delete(w.Keys, u.Name)
		case u.Kubeconfig.Op == Rewrite:
			f.Kubeconfig, f.Mode, f.Edited = *u.Kubeconfig.After, 0o600, nil
			w.Files[u.Name] = f
		}
		if u.Abandon {
			delete(w.Keys, u.Name)
		}
	}
	w.Ledger = nil
	for _, r := range records {
		w.Ledger = append(w.Ledger, r)
	}
	for i := range w.Users {
		w.Users[i].Reissue = false
	}
	w.RebuildLedger = false
}

// agreed agrees to whatever number of deletions the plan has.
func (w *world) agreed() Plan {
	w.Allow = Compute(w.Desired, w.Observed, noon).Deletions()
	return w.plan()
}

func TestPerformThenNoChanges(t *testing.T) {
	performed := 0
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		p := w.agreed()
		if p.Held != nil {
			return // it is not as the file says: see TestHeldBack
		}
		leftOut := map[string]bool{}
		for _, problem := range p.Problems {
			leftOut[problem.User] = true
		}
		for _, u := range p.Users {
			leftOut[u.Name] = leftOut[u.Name] || u.NoTimeLeft
			if after := u.Certificate.After; u.Certificate.Op != Keep && !after.Until.IsZero() {
				if life, ok := after.Ask(noon); !ok || noon.Add(life).After(after.Until) {
					t.Errorf("%s is asked a certificate of %s, and ends %s", u.Name, life, after.Until)
				}
			}
		}
		performed++
		before := copied(w)
		w.perform(p)
		if again := w.plan(); again.Changes() || len(again.Problems) > len(p.Problems) {
			t.Errorf("before %+v\nplan %+v\nthen %+v\nproblems %+v\nrecords %+v\nrequests %+v\nbindings %v", before, p, busyUsers(again), again.Problems, again.Ledger.Records, again.Requests, shape(again.Bindings))
		}
		for _, u := range w.Users { // and it is as the file says
			f, ok := w.Files[u.Certificate.User]
			if leftOut[u.Certificate.User] {
				continue
			}
			if !ok || f.State != FileOurs {
				i := slices.IndexFunc(p.Users, func(c UserChange) bool { return c.Name == u.Certificate.User })
				if p.Users[i].Elsewhere == nil {
					t.Errorf("%s has no kubeconfig", u.Certificate.User)
				}
				continue
			}
			if !Fit(w.Members, f.Certificate.Groups, u.Certificate.Groups) || f.Certificate.KeyAlgorithm != u.Certificate.KeyAlgorithm || !reflect.DeepEqual(f.Kubeconfig, u.Kubeconfig) || !f.KeyMatches {
				t.Errorf("%s has %+v, want %+v", u.Certificate.User, f, u)
			}
			if !slices.ContainsFunc(w.Ledger, func(r Record) bool { return r.KeyHash == f.Certificate.KeyHash }) {
				t.Errorf("the ledger does not list the certificate of %s", u.Certificate.User)
			}
		}
	})
	if performed < cases/8 {
		t.Errorf("only %d of %d cases could be applied: the random worlds say too little", performed, cases)
	}
}

func busyUsers(p Plan) []UserChange {
	return slices.DeleteFunc(slices.Clone(p.Users), UserChange.Idle)
}

func TestOrderDoesNotMatter(t *testing.T) {
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		want := w.agreed()
		shuffle(r, w.Requests)
		shuffle(r, w.Observed.Roles)
		shuffle(r, w.Observed.Bindings)
		shuffle(r, w.Ledger)
		if got := w.plan(); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestComputeIsPure(t *testing.T) {
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		before := copied(w)
		first := w.plan()
		kept := copied(first)
		if !reflect.DeepEqual(w, before) {
			t.Fatalf("the inputs were changed:\n%+v\n%+v", before, w)
		}
		if again := w.plan(); !reflect.DeepEqual(again, first) {
			t.Errorf("a second time: %+v\nthe first: %+v", again, first)
		}
		names := some(r, everyName...)
		revoked := Revoke(w.Desired, w.Observed, names, noon)
		Status(w.Desired, w.Observed, noon)
		if !reflect.DeepEqual(w, before) || !reflect.DeepEqual(first, kept) {
			t.Errorf("Revoke or Status changed its inputs, or an earlier plan")
		}
		if !Same(first, kept) || !reflect.DeepEqual(Revoke(w.Desired, w.Observed, names, noon), revoked) {
			t.Errorf("a second time it is another plan")
		}
	})
}

// What is not the set's is never touched, whatever the plan: apply, revoke or destroy.
func TestNothingOfOthersIsTouched(t *testing.T) {
	again := 0 // requests that are sent again
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		nothing := Nothing(usersfile.Set{Name: setName, Ledger: usersfile.Ledger{Namespace: "provision-system"}}, Context{})
		for _, p := range []Plan{w.agreed(), Revoke(w.Desired, w.Observed, some(r, everyName...), noon), Destroy(nothing, w.Observed, noon)} {
			for _, c := range p.Bindings {
				b := c.Object()
				owner, there := w.BindingOwners[b.Key()]
				if c.Op != Keep && (!b.named(setName) || there && owner != setName) {
					t.Errorf("%s %+v", c.Op, b)
				}
				if c.Op == Update && c.Before.RoleRef != c.After.RoleRef {
					t.Errorf("updates an immutable roleRef: %+v", c)
				}
			}
			for _, c := range p.Roles {
				owner, there := w.RoleOwners[c.Object().Key()]
				if c.Op != Keep && there && owner != setName {
					t.Errorf("%s %+v", c.Op, c.Object())
				}
			}
			for _, u := range p.Users {
				f, there := w.Files[u.Name]
				touched := u.Kubeconfig.Op != Keep || u.Certificate.Op != Keep
				if touched && there && (f.State == FileForeign || f.State == FileOtherSet) {
					t.Errorf("%+v, and the file is %s", u, f.State)
				}
				if u.Kubeconfig.Op == Remove && f.State != FileOurs {
					t.Errorf("removes a file that is %s", f.State)
				}
				if u.Request != nil && u.Request.UID == "" {
					// It is sent again: with the key that we hold, as the ledger lists it, and not in the place of another.
					key := w.Keys[u.Name]
					listed := slices.ContainsFunc(w.Ledger, func(r Record) bool {
						return r.KeyHash == key.KeyHash && r.User == u.Name && !r.Issued() && slices.Equal(r.Groups, u.Certificate.After.Groups)
					})
					taken := slices.ContainsFunc(w.Requests, func(r Request) bool { return r.Name == u.Request.Name })
					if !listed || taken || u.Request.Name != key.Request || !u.Request.Resent || u.Certificate.Op == Keep {
						t.Errorf("%s sends %+v again", u.Name, u.Request)
					}
					again++
				} else if u.Request != nil {
					request := w.Requests[slices.IndexFunc(w.Requests, func(r Request) bool { return r.UID == u.Request.UID })]
					if !request.Conforms || request.KeyHash != w.Keys[u.Name].KeyHash || request.User != u.Name || !slices.Equal(request.Groups, u.Certificate.After.Groups) {
						t.Errorf("%s resumes %+v", u.Name, request)
					}
				}
			}
			for _, c := range p.Requests {
				held := slices.ContainsFunc(everyName, func(name string) bool { return w.Keys[name].KeyHash == c.Before.KeyHash })
				if !held || c.Before.State != Pending && c.Before.State != Approved {
					t.Errorf("deletes the request %+v", c.Before)
				}
			}
		}
	})
	if again < cases/100 {
		t.Errorf("only %d requests were sent again in %d cases: the random worlds say too little", again, cases)
	}
}
