package cluster

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"provision/internal/plan"
)

// clientOf talks to a handler that plays an API server, for what a real one cannot be made to do at a given instant.
func clientOf(t *testing.T, handler http.Handler) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	kube, _, err := newClientset(config, route{})
	if err != nil {
		t.Fatal(err)
	}
	return &Client{kube: kube, watch: kube, username: "operator", answers: newAnswers(), clock: &clock{}, fence: &fence{}}
}

// answer writes an object, or err as the API server does.
func answer(w http.ResponseWriter, object any, err error) {
	code := http.StatusOK
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		code, object = int(status.ErrStatus.Code), status.ErrStatus
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object)
}

// place has room for one RoleBinding and keeps the API server's rules for writing it.
type place struct {
	object  *rbacv1.RoleBinding
	lost    bool                      // the next answer to a creation does not arrive, and it takes effect
	before  map[string]func(p *place) // what others do just before a request is carried out, once, by method
	always  func(p *place)            // what others do before every write
	adds    string                    // a user whom admission puts in with every update
	refuses string                    // a method that admission refuses
}

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if do := p.before[r.Method]; do != nil {
		delete(p.before, r.Method)
		do(p)
	}
	if p.always != nil && p.object != nil && r.Method != http.MethodGet {
		p.always(p)
	}
	resource := schema.GroupResource{Group: rbacv1.GroupName, Resource: "rolebindings"}
	stale := apierrors.NewConflict(resource, "x", errors.New("it was edited"))
	if r.Method != http.MethodPost && p.object == nil {
		answer(w, nil, apierrors.NewNotFound(resource, "x"))
		return
	}
	if r.Method == p.refuses {
		answer(w, nil, apierrors.NewForbidden(resource, "x", errors.New("a policy denied the request")))
		return
	}
	switch r.Method {
	case http.MethodGet:
		answer(w, p.object, nil)
	case http.MethodPost:
		if p.object != nil {
			answer(w, nil, apierrors.NewAlreadyExists(resource, "x"))
			return
		}
		p.object = &rbacv1.RoleBinding{}
		_ = json.NewDecoder(r.Body).Decode(p.object)
		p.object.UID, p.object.ResourceVersion = "created", "1"
		if p.lost {
			p.lost = false
			answer(w, nil, apierrors.NewInternalError(errors.New("the answer is lost")))
			return
		}
		answer(w, p.object, nil)
	case http.MethodPut:
		var sent rbacv1.RoleBinding
		_ = json.NewDecoder(r.Body).Decode(&sent)
		if sent.UID != p.object.UID || sent.ResourceVersion != "" && sent.ResourceVersion != p.object.ResourceVersion {
			answer(w, nil, stale)
			return
		}
		if p.adds != "" {
			sent.Subjects = append(sent.Subjects, rbacv1.Subject{Kind: rbacv1.UserKind, Name: p.adds})
		}
		sent.ResourceVersion = p.object.ResourceVersion + "0"
		p.object = &sent
		answer(w, p.object, nil)
	case http.MethodDelete:
		var options metav1.DeleteOptions
		_ = json.NewDecoder(r.Body).Decode(&options)
		only := options.Preconditions
		if only.UID != nil && *only.UID != p.object.UID || only.ResourceVersion != nil && *only.ResourceVersion != p.object.ResourceVersion {
			answer(w, nil, stale)
			return
		}
		if len(p.object.Finalizers) > 0 {
			p.object.DeletionTimestamp = &metav1.Time{Time: time.Unix(0, 0)}
			p.object.ResourceVersion += "0"
			answer(w, p.object, nil)
			return
		}
		p.object = nil
		answer(w, metav1.Status{Status: metav1.StatusSuccess}, nil)
	}
}

// bound is a RoleBinding of the set as it is in the cluster.
func bound(uid types.UID, role string, users ...string) *rbacv1.RoleBinding {
	b := plan.Binding{RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: role}}
	for _, u := range users {
		b.Subjects = append(b.Subjects, plan.Subject{Kind: "User", Name: u})
	}
	m := meta("team", "shop", "x")
	m.UID, m.ResourceVersion = uid, "7"
	return &rbacv1.RoleBinding{
		TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"}, ObjectMeta: m,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}, Subjects: subjectsOf(b),
	}
}

// wanted is the same in a plan.
func wanted(uid types.UID, role string, users ...string) plan.Binding {
	p := bindingOf(bound(uid, role, users...))
	if uid == "" {
		p.ResourceVersion = ""
	}
	return p
}

// seen is a binding that a plan found: version 6, so that what it has now is compared.
func seen(users ...string) *plan.Binding {
	b := wanted("a", "view", users...)
	b.ResourceVersion = "6"
	return &b
}

func subjectNames(b *rbacv1.RoleBinding) []string {
	var names []string
	for _, s := range b.Subjects {
		names = append(names, s.Name)
	}
	return names
}

// What is not ours stays in an update, also what somebody writes while it is under way.
func TestUpdateKeepsWhatIsNotOurs(t *testing.T) {
	there := bound("a", "view", "ann")
	there.Labels["team"] = "payments"
	there.Labels[managedBy] = "argocd"
	there.Annotations = map[string]string{"note": "do not touch"}
	there.Finalizers = []string{"example.com/hold"}
	there.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: "o"}}
	p := &place{object: there, before: map[string]func(*place){
		http.MethodPut: func(p *place) { p.object.Annotations["late"] = "yes"; p.object.ResourceVersion = "8" },
	}}
	if err := clientOf(t, p).PutBinding(t.Context(), "team", wanted("a", "view", "ann", "bob"), seen("ann")); err != nil {
		t.Fatal(err)
	}
	now := p.object
	if got := subjectNames(now); !slices.Equal(got, []string{"ann", "bob"}) {
		t.Errorf("subjects %q", got)
	}
	if want := map[string]string{plan.SetLabel: "team", "team": "payments", managedBy: "argocd"}; !maps.Equal(now.Labels, want) {
		t.Errorf("labels %v, want %v", now.Labels, want)
	}
	if want := map[string]string{"note": "do not touch", "late": "yes", plan.OriginAnnotation: "shop"}; !maps.Equal(now.Annotations, want) {
		t.Errorf("annotations %v, want %v", now.Annotations, want)
	}
	if len(now.Finalizers) != 1 || len(now.OwnerReferences) != 1 {
		t.Errorf("finalizers %v, owners %v", now.Finalizers, now.OwnerReferences)
	}
}

// What is found in the place of what was planned is written to only if it is what the plan saw: who was taken out since
// does not come back.
func TestPutBinding(t *testing.T) {
	foreign := bound("b", "view")
	delete(foreign.Labels, plan.SetLabel)
	ending := bound("a", "view", "ann")
	ending.DeletionTimestamp, ending.Finalizers = &metav1.Time{Time: time.Unix(0, 0)}, []string{"example.com/keep"}
	put := func(method string, do func(*place)) map[string]func(*place) {
		return map[string]func(*place){method: do}
	}
	for _, c := range []struct {
		name  string
		place place
		seen  *plan.Binding
		put   plan.Binding
		want  error
		role  string // of what is there in the end, if anything
		users []string
	}{
		{name: "new", put: wanted("", "view", "ann"), role: "view", users: []string{"ann"}},
		{name: "new, the answer is lost", place: place{lost: true}, put: wanted("", "view", "ann"), role: "view", users: []string{"ann"}},
		{name: "new, made by somebody without our label", place: place{object: foreign}, put: wanted("", "view", "ann"), want: ErrForeign, role: "view"},
		{name: "new, made by somebody for another role", place: place{object: bound("b", "cluster-admin", "mallory")}, put: wanted("", "view", "ann"),
			want: ErrEdited, role: "cluster-admin", users: []string{"mallory"}},
		{name: "new, made by somebody for others", place: place{object: bound("b", "view", "carl")}, put: wanted("", "view", "ann"),
			want: ErrEdited, role: "view", users: []string{"carl"}},
		{name: "update", place: place{object: bound("a", "view", "ann")}, seen: seen("ann"), put: wanted("a", "view", "bob"), role: "view", users: []string{"bob"}},
		{name: "update, edited, in the same version", place: place{object: bound("a", "view", "ann")},
			seen: func() *plan.Binding { b := wanted("a", "view"); return &b }(), put: wanted("a", "view", "bob"), role: "view", users: []string{"bob"}},
		{name: "update, somebody was taken out", place: place{object: bound("a", "view", "ann")}, seen: seen("ann", "leo"),
			put: wanted("a", "view", "ann", "bob", "leo"), want: ErrEdited, role: "view", users: []string{"ann"}},
		{name: "update, somebody is taken out while it is under way",
			place: place{object: bound("a", "view", "ann", "leo"), before: put(http.MethodPut, func(p *place) { p.object = bound("a", "view", "ann"); p.object.ResourceVersion = "8" })},
			seen:  seen("ann", "leo"), put: wanted("a", "view", "ann", "bob", "leo"), want: ErrEdited, role: "view", users: []string{"ann"}},
		{name: "update, it says that already", place: place{object: bound("a", "view", "bob")}, seen: seen("ann"), put: wanted("a", "view", "bob"), role: "view", users: []string{"bob"}},
		{name: "update of one that is gone", seen: seen("ann"), put: wanted("a", "view", "bob"), want: ErrEdited},
		{name: "update of one that is being deleted", place: place{object: ending}, seen: seen("ann"), put: wanted("a", "view", "ann", "bob"),
			want: ErrEdited, role: "view", users: []string{"ann"}},
		{name: "update, made anew for another role", place: place{object: bound("b", "admin", "mallory")}, seen: seen("ann"), put: wanted("a", "view", "bob"),
			want: ErrEdited, role: "admin", users: []string{"mallory"}},
		{name: "update, made anew for the same role", place: place{object: bound("b", "view", "mallory")}, seen: seen("ann"), put: wanted("a", "view", "bob"),
			want: ErrEdited, role: "view", users: []string{"mallory"}},
		{name: "update, made anew while it is under way",
			place: place{object: bound("a", "view", "ann"), before: put(http.MethodPut, func(p *place) { p.object = bound("b", "admin", "mallory") })},
			seen:  seen("ann"), put: wanted("a", "view", "bob"), want: ErrEdited, role: "admin", users: []string{"mallory"}},
		{name: "update, its label is taken off",
			place: place{object: bound("a", "view", "ann"), before: put(http.MethodGet, func(p *place) { delete(p.object.Labels, plan.SetLabel) })},
			seen:  seen("ann"), put: wanted("a", "view", "bob"), want: ErrForeign, role: "view", users: []string{"ann"}},
		{name: "update, altered by admission", place: place{object: bound("a", "view", "ann"), adds: "mallory"}, seen: seen("ann"), put: wanted("a", "view", "bob"),
			want: ErrAltered, role: "view", users: []string{"bob", "mallory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := clientOf(t, &c.place).PutBinding(t.Context(), "team", c.put, c.seen); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			now := c.place.object
			if now == nil {
				now = &rbacv1.RoleBinding{}
			}
			if now.RoleRef.Name != c.role || !slices.Equal(subjectNames(now), c.users) {
				t.Errorf("%s for %q, want %s for %q", now.RoleRef.Name, subjectNames(now), c.role, c.users)
			}
		})
	}
}

// What takes away is done whatever somebody edits meanwhile, as long as the object is ours; and it is done only when it
// shows.
func TestTakeAway(t *testing.T) {
	object := func(uid types.UID, version string, finalizer string, users ...string) *rbacv1.RoleBinding {
		b := bound(uid, "view", users...)
		b.ResourceVersion = version
		if finalizer != "" {
			b.Finalizers = []string{finalizer}
		}
		return b
	}
	foreign := bound("a", "view", "ann")
	foreign.ResourceVersion = "8"
	delete(foreign.Labels, plan.SetLabel)
	edit := func(p *place) {
		p.object.Annotations = map[string]string{"edit": p.object.ResourceVersion}
		p.object.ResourceVersion += "1"
	}
	for _, c := range []struct {
		name     string
		place    place
		held     bool           // the plan saw a finalizer
		withdraw []plan.Subject // these, instead of a deletion
		want     string         // of the error
		left     []string       // subjects in the end
		gone     bool
	}{
		{name: "as planned", place: place{object: object("a", "7", "", "ann")}, gone: true},
		{name: "gone already", gone: true},
		{name: "edited", place: place{object: object("a", "8", "", "ann", "mallory")}, gone: true},
		{name: "edited all the time", place: place{object: object("a", "8", "", "ann"), always: edit}, want: "somebody keeps editing it"},
		{name: "others have come to need it", place: place{object: object("a", "8", "", "zoe")}, want: ErrEdited.Error(), left: []string{"zoe"}},
		{name: "made anew", place: place{object: object("b", "8", "", "ann")}, want: "it was made anew", left: []string{"ann"}},
		{name: "its label is off", place: place{object: foreign}, want: ErrForeign.Error(), left: []string{"ann"}},
		{name: "a finalizer that the plan saw", place: place{object: object("a", "7", "example.com/keep", "ann")}, held: true, want: "not gone: finalizer example.com/keep; it grants nothing any more"},
		{name: "a finalizer since", place: place{object: object("a", "8", "example.com/keep", "ann")}, want: "not gone: finalizer example.com/keep; it grants nothing any more"},
		{name: "a finalizer, and no update allowed", place: place{object: object("a", "7", "example.com/keep", "ann"), refuses: http.MethodPut}, held: true,
			want: "not gone: finalizer example.com/keep, and it grants what it did: ", left: []string{"ann"}},
		{name: "no deletion allowed", place: place{object: object("a", "7", "", "ann"), refuses: http.MethodDelete}, want: "it grants nothing any more, but is still there: "},
		{name: "no update allowed", place: place{object: object("a", "8", "", "ann"), refuses: http.MethodPut}, gone: true},
		{name: "one of two", place: place{object: object("a", "8", "", "ann", "bob")}, withdraw: []plan.Subject{{Kind: "User", Name: "bob"}}, left: []string{"ann"}},
		{name: "one of two, edited all the time", place: place{object: object("a", "8", "", "ann", "bob"), always: edit}, withdraw: []plan.Subject{{Kind: "User", Name: "bob"}}, left: []string{"ann"}},
		{name: "one who is out", place: place{object: object("a", "8", "", "ann")}, withdraw: []plan.Subject{{Kind: "User", Name: "bob"}}, left: []string{"ann"}},
		{name: "one of two, put back by admission", place: place{object: object("a", "8", "", "ann", "bob"), adds: "bob"}, withdraw: []plan.Subject{{Kind: "User", Name: "bob"}},
			want: ErrAltered.Error(), left: []string{"ann", "bob"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := wanted("a", "view", "ann")
			if c.held {
				b.Finalizers = []string{"example.com/keep"}
			}
			client := clientOf(t, &c.place)
			var err error
			if c.withdraw != nil {
				_, err = client.Withdraw(t.Context(), "team", b, c.withdraw, nil)
			} else {
				err = client.DeleteBinding(t.Context(), "team", b)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			switch now := c.place.object; {
			case (now == nil) != c.gone:
				t.Errorf("it is there: %v", now)
			case now != nil && !slices.Equal(subjectNames(now), c.left):
				t.Errorf("it has %q, want %q", subjectNames(now), c.left)
			}
		})
	}
}
