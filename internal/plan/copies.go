package plan

import "slices"

// OriginAnnotation is the namespace for which a namespaced object was made. A copy takes it along.
const OriginAnnotation = "provision/created-in"

// Origin is what shows where an object in a namespace comes from.
//
// Hierarchical namespaces, backups that are restored under another name, and people copy objects from one namespace to
// another, with the label and the name that make them ours. A copy grants what the file does not say, so it goes like all
// that the file does not say: otherwise a copy of one's own binding would be a way to keep a right, and that goes for one that only
// looks like a copy. But it was never the file's, so it counts for nothing in the guard against a file that lost its half,
// and who may not remove it can do all else. Something may defend it, such as a controller: that is a failure only while
// it grants something to anybody who does not have the original.
type Origin struct {
	Namespace string `json:"createdIn,omitempty"` // by its annotation; "": it has none
	ByOthers  bool   `json:"byOthers,omitempty"`  // the API server has noted who wrote it, and provision is not among them
}

func (o Origin) origin() Origin { return o }

// copiedFrom is the namespace that an object comes from which the file does not name, or "": it is no copy. made are the roles or
// bindings of the set, of which those count that are like it.
func copiedFrom[T interface {
	Object() Object
	origin() Origin
}](o T, like func(T) bool, made ...[]T) string {
	here, from := o.Object().Namespace, o.origin()
	switch {
	case here == "":
		return "" // nothing that is cluster-wide was somewhere else
	case from.Namespace != "" && from.Namespace != here:
		return from.Namespace
	case !from.ByOthers:
		return ""
	}
	for _, list := range made {
		for _, other := range list {
			if there := other.Object().Namespace; like(other) && there != "" && there != here && !other.origin().ByOthers {
				return there
			}
		}
	}
	return ""
}

// copyOf is the namespace that a role was copied from, or "".
func (r Role) copyOf(desired Desired, observed Observed) string {
	return copiedFrom(r, func(other Role) bool { return other.Name == r.Name }, desired.Roles, observed.Roles)
}

// copyOf is the namespace that a binding was copied from, or "".
func (b Binding) copyOf(desired Desired, observed Observed) string {
	if slices.ContainsFunc(desired.Bindings, func(want Binding) bool { return want.Grant() == b.Grant() }) {
		return ""
	}
	return copiedFrom(b, func(other Binding) bool { return other.RoleRef == b.RoleRef }, desired.Bindings, observed.Bindings)
}

// Copy reports whether a change takes away a copy that somebody made, and whether that is needed for anybody to lose a
// right that they have lost in the original.
func (c Change[T]) Copy() (is, needed bool) {
	for _, r := range c.Reasons {
		if r.Code == Copied {
			return true, len(r.Leaves) > 0
		}
	}
	return false, false
}
