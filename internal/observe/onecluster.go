package observe

import (
	"fmt"

	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// OneCluster finds the context with which to talk to the cluster that all sets are for, and the set that says by its UID
// which one that is, if any does. One run talks to one cluster.
func OneCluster(sets []usersfile.Set, given string) (context string, uid usersfile.Set, err error) {
	var named, free *usersfile.Set
	for i := range sets {
		set := &sets[i]
		c := set.Cluster
		switch {
		case c.Context == "":
			free = set
		case given != "" && c.Context != given:
			return "", uid, hint.With(fmt.Errorf("%s: cluster.context: the set %s is for the context %s, not %s: nothing was read or changed", c.ContextPos, set.Name, plan.Quoted(c.Context), plan.Quoted(given)),
				"leave --context out, or give "+hint.ShellWord(c.Context))
		case named != nil && named.Cluster.Context != c.Context:
			return "", uid, hint.With(fmt.Errorf("%s: cluster.context: the set %s is for the context %s, and the set %s for %s: one run talks to one cluster", c.ContextPos, set.Name, plan.Quoted(c.Context), named.Name, plan.Quoted(named.Cluster.Context)),
				"run provision once for each, with -f")
		default:
			named = set
		}
		switch {
		case c.UID == "":
		case uid.Cluster.UID != "" && uid.Cluster.UID != c.UID:
			return "", uid, hint.With(fmt.Errorf("%s: cluster.uid: the set %s is for the cluster %s, and the set %s for %s: one run talks to one cluster", c.UIDPos, set.Name, c.UID, uid.Name, uid.Cluster.UID),
				"run provision once for each, with -f")
		default:
			uid = *set
		}
	}
	if given != "" || named == nil {
		return given, uid, nil
	}
	if free != nil {
		return "", uid, hint.With(fmt.Errorf("%s: cluster.context: the set %s is for the context %s, and the set %s (%s) names none: do both belong there?", named.Cluster.ContextPos, named.Name, plan.Quoted(named.Cluster.Context), free.Name, free.Pos),
			"if they do, give --context "+hint.ShellWord(named.Cluster.Context)+"; else run provision once for each, with -f")
	}
	return named.Cluster.Context, uid, nil
}
