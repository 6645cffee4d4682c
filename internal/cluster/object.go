package cluster

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// managedBy is Kubernetes' recommended label for the tool that made an object.
const managedBy = "app.kubernetes.io/managed-by"

// meta is the metadata of an object of the set that is not there yet.
func meta(set, namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{plan.SetLabel: set, managedBy: "provision"}}
}

// mark notes in an object of a namespace where it was made, so that a copy of it elsewhere is known for one.
func mark(m *metav1.ObjectMeta) {
	if m.Namespace != "" {
		metav1.SetMetaDataAnnotation(m, plan.OriginAnnotation, m.Namespace)
	}
}

// markEnded notes on a binding the groups that its set binds no more, and no others.
func markEnded(o *rbacv1.RoleBinding, ended []plan.EndedGroup) {
	if text := plan.EndedText(ended, bindingOf(o).Subjects); text != "" {
		metav1.SetMetaDataAnnotation(&o.ObjectMeta, plan.EndedAnnotation, text)
	} else {
		delete(o.Annotations, plan.EndedAnnotation)
	}
}

// found is what only an object has that was found.
func found(meta *metav1.ObjectMeta) plan.Found {
	return plan.Found{
		UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		Finalizers: meta.Finalizers, Ending: meta.DeletionTimestamp != nil, Origin: origin(meta),
	}
}

// origin reads where an object comes from. By default the API server names a writer after its user agent
// (staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go:managerOrUserAgent).
func origin(meta *metav1.ObjectMeta) plan.Origin {
	ours := func(f metav1.ManagedFieldsEntry) bool { return f.Manager == "provision" }
	return plan.Origin{
		Namespace: meta.Annotations[plan.OriginAnnotation],
		ByOthers:  len(meta.ManagedFields) > 0 && !slices.ContainsFunc(meta.ManagedFields, ours),
	}
}
