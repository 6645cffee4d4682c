package cluster

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

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
	kube, err := newClientset(config)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{kube: kube, watch: kube, username: "operator", works: &successes{}}
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
	object *rbacv1.RoleBinding
	lost   bool                      // the next answer to a creation does not arrive, and it takes effect
	before map[string]func(p *place) // what others do just before a request is carried out, once, by method
}

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if do := p.before[r.Method]; do != nil {
		delete(p.before, r.Method)
		do(p)
	}
	resource := schema.GroupResource{Group: rbacv1.GroupName, Resource: "rolebindings"}
	stale := apierrors.NewConflict(resource, "x", errors.New("it was edited"))
	if r.Method != http.MethodPost && p.object == nil {
		answer(w, nil, apierrors.NewNotFound(resource, "x"))
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
		if sent.UID != p.object.UID || sent.ResourceVersion != p.object.ResourceVersion {
			answer(w, nil, stale)
			return
		}
		sent.ResourceVersion += "0"
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
	return &rbacv1.RoleBinding{
		TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"}, ObjectMeta: meta("team", "shop", "x", uid, "7"),
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}, Subjects: subjectsOf(b),
	}
}

// wanted is the same in a plan.
func wanted(uid types.UID, role string, users ...string) plan.Binding {
	b := bound(uid, role, users...)
	p := binding(&b.ObjectMeta, b.RoleRef, b.Subjects)
	if uid == "" {
		p.ResourceVersion = ""
	}
	return p
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
	if err := clientOf(t, p).PutBinding(t.Context(), "team", wanted("a", "view", "ann", "bob")); err != nil {
		t.Fatal(err)
	}
	now := p.object
	if got := subjectNames(now); !slices.Equal(got, []string{"ann", "bob"}) {
		t.Errorf("subjects %q", got)
	}
	if want := map[string]string{plan.SetLabel: "team", "team": "payments", managedBy: "argocd"}; !maps.Equal(now.Labels, want) {
		t.Errorf("labels %v, want %v", now.Labels, want)
	}
	if want := map[string]string{"note": "do not touch", "late": "yes"}; !maps.Equal(now.Annotations, want) {
		t.Errorf("annotations %v, want %v", now.Annotations, want)
	}
	if len(now.Finalizers) != 1 || len(now.OwnerReferences) != 1 {
		t.Errorf("finalizers %v, owners %v", now.Finalizers, now.OwnerReferences)
	}
}

// What is found in the place of what was planned is written to only if it is what was planned.
func TestPutBinding(t *testing.T) {
	foreign := bound("b", "view")
	delete(foreign.Labels, plan.SetLabel)
	for _, c := range []struct {
		name  string
		place place
		put   plan.Binding
		want  error
		role  string // of what is there in the end
		users []string
	}{
		{name: "new", put: wanted("", "view", "ann"), role: "view", users: []string{"ann"}},
		{name: "new, the answer is lost", place: place{lost: true}, put: wanted("", "view", "ann"), role: "view", users: []string{"ann"}},
		{name: "new, made by somebody without our label", place: place{object: foreign}, put: wanted("", "view", "ann"), want: ErrForeign, role: "view"},
		{name: "new, made by somebody for another role", place: place{object: bound("b", "cluster-admin", "mallory")}, put: wanted("", "view", "ann"),
			want: ErrEdited, role: "cluster-admin", users: []string{"mallory"}},
		{name: "update", place: place{object: bound("a", "view", "ann")}, put: wanted("a", "view", "bob"), role: "view", users: []string{"bob"}},
		{name: "update of one that is gone", put: wanted("a", "view", "bob"), role: "view", users: []string{"bob"}},
		{name: "update, made anew for another role", place: place{object: bound("b", "admin", "mallory")}, put: wanted("a", "view", "bob"),
			want: ErrEdited, role: "admin", users: []string{"mallory"}},
		{name: "update, made anew for the same role", place: place{object: bound("b", "view", "mallory")}, put: wanted("a", "view", "bob"),
			want: ErrEdited, role: "view", users: []string{"mallory"}},
		{name: "update, made anew while it is under way",
			place: place{object: bound("a", "view", "ann"), before: map[string]func(*place){
				http.MethodPut: func(p *place) { p.object = bound("b", "admin", "mallory") },
			}},
			put: wanted("a", "view", "bob"), want: ErrEdited, role: "admin", users: []string{"mallory"}},
		{name: "update, its label is taken off",
			place: place{object: bound("a", "view", "ann"), before: map[string]func(*place){
				http.MethodGet: func(p *place) { delete(p.object.Labels, plan.SetLabel) },
			}},
			put: wanted("a", "view", "bob"), want: ErrForeign, role: "view", users: []string{"ann"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := clientOf(t, &c.place).PutBinding(t.Context(), "team", c.put); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if now := c.place.object; now.RoleRef.Name != c.role || !slices.Equal(subjectNames(now), c.users) {
				t.Errorf("%s for %q, want %s for %q", now.RoleRef.Name, subjectNames(now), c.role, c.users)
			}
		})
	}
}

// Only what was planned is deleted: no binding that was made anew, and none that was edited.
func TestDeleteBinding(t *testing.T) {
	edited := bound("a", "view", "ann", "mallory")
	edited.ResourceVersion = "8"
	for _, c := range []struct {
		name  string
		place place
		want  error
		stays bool
	}{
		{name: "as planned", place: place{object: bound("a", "view", "ann")}},
		{name: "gone already"},
		{name: "edited", place: place{object: edited}, want: ErrEdited, stays: true},
		{name: "made anew", place: place{object: bound("b", "view", "ann")}, want: ErrEdited, stays: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := clientOf(t, &c.place).DeleteBinding(t.Context(), wanted("a", "view", "ann")); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if stays := c.place.object != nil; stays != c.stays {
				t.Errorf("it stays: %v, want %v", stays, c.stays)
			}
		})
	}
}
