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

// elsewhere is the namespace that an object comes from which the file does not name; made are namespaces in which the set
// has one like it. "": it is no copy.
func (o Origin) elsewhere(namespace string, made func(yield func(namespace string, o Origin) bool)) string {
	if namespace == "" {
		return "" // nothing that is cluster-wide was somewhere else
	}
	if o.Namespace != "" && o.Namespace != namespace {
		return o.Namespace
	}
	if o.ByOthers {
		for other, of := range made {
			if other != "" && other != namespace && !of.ByOthers {
				return other
			}
		}
	}
	return ""
}

// copyOf is the namespace that a role was copied from, or "".
func (r Role) copyOf(desired Desired, observed Observed) string {
	return r.Origin.elsewhere(r.Namespace, func(yield func(string, Origin) bool) {
		for _, list := range [][]Role{desired.Roles, observed.Roles} {
			for _, other := range list {
				if other.Name == r.Name && !yield(other.Namespace, other.Origin) {
					return
				}
			}
		}
	})
}

// copyOf is the namespace that a binding was copied from, or "".
func (b Binding) copyOf(desired Desired, observed Observed) string {
	if slices.ContainsFunc(desired.Bindings, func(want Binding) bool { return want.Namespace == b.Namespace && want.RoleRef == b.RoleRef }) {
		return ""
	}
	return b.Origin.elsewhere(b.Namespace, func(yield func(string, Origin) bool) {
		for _, list := range [][]Binding{desired.Bindings, observed.Bindings} {
			for _, other := range list {
				if other.RoleRef == b.RoleRef && !yield(other.Namespace, other.Origin) {
					return
				}
			}
		}
	})
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
