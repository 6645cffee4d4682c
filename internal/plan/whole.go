package plan

import "slices"

// Whole reports whether each change of a plan has the objects that it is about. A plan that was computed is whole; one that was read
// from a file may have been edited.
func (p Plan) Whole() bool {
	return allWhole(p.Namespaces) && allWhole(p.Roles) && allWhole(p.Bindings) && allWhole(p.Requests) && allWhole(p.Forgotten) && allWhole(p.Ledger.Records) &&
		(p.Block == nil || p.Block.whole()) && (p.Held == nil || p.Held.Whole()) && (p.Others == nil || p.Others.Whole()) &&
		!slices.ContainsFunc(p.Users, func(u UserChange) bool { return !u.Certificate.idleOrWhole() || !u.Kubeconfig.idleOrWhole() })
}

func allWhole[T any](list []Change[T]) bool {
	return !slices.ContainsFunc(list, func(c Change[T]) bool { return !c.whole() })
}

// idleOrWhole is whole for a change of what a user need not have.
func (c Change[T]) idleOrWhole() bool { return c.Op == Keep || c.whole() }

func (c Change[T]) whole() bool {
	switch c.Op {
	case "":
		return false
	case Create:
		return c.After != nil
	case Delete:
		return c.Before != nil
	case Update:
		return c.Before != nil && c.After != nil
	}
	return c.Object() != nil
}
