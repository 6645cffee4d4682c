package plan

import (
	"slices"
	"strings"

	"provision/internal/usersfile"
)

// maxPairs is how many pairs of names are compared to find what the names of missing roles were meant to be: a file can be made of
// which all together would take hours.
const maxPairs = 1_000_000

// missing finds the namespaces and roles that the file refers to and that are not there. The problem says what they were meant to be as far
// as maxPairs goes. A namespace that is to be made is no problem; a role in it, which the set does not make either, is.
func missing(desired Desired, observed Observed) []Problem {
	pairs := 0
	var problems []Problem
	for _, r := range desired.References {
		switch r.Kind {
		case "Namespace":
			if usable, there := observed.Namespaces[r.Name]; there && !usable {
				problems = append(problems, Problem{Code: NamespaceEnding, Pos: r.Pos, Name: r.Name})
			} else if !there && !desired.CreateNamespaces {
				problems = append(problems, Problem{Code: NamespaceMissing, Pos: r.Pos, Name: r.Name})
			}
		default:
			if usable, there := observed.Namespaces[r.Namespace]; r.Namespace != "" && !usable && (there || !desired.CreateNamespaces) {
				continue // said once, of the namespace
			}
			if _, ok := observed.RoleOwners[r.Key()]; !ok {
				problem := Problem{Code: RoleMissing, Pos: r.Pos, Object: r.Object}
				if pairs += len(observed.RoleOwners) + len(desired.Roles); pairs <= maxPairs {
					problem.Detail = alike(r, desired, observed)
				}
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// alike finds the role whose name a missing one's was most likely meant to be, or "".
func alike(r Reference, desired Desired, observed Observed) string {
	var known []string
	for key := range observed.RoleOwners {
		if key.Namespace == r.Namespace {
			known = append(known, key.Name)
		}
	}
	for _, own := range desired.Roles {
		if own.Namespace == r.Namespace {
			known = append(known, own.Name)
		}
	}
	slices.Sort(known)
	return usersfile.Closest(r.Name, known)
}

// namespacesToCreate are the namespaces that the file refers to, that are not there, and that are to be made; sorted. That of the ledger
// is made with it.
func namespacesToCreate(desired Desired, observed Observed, ledger Ledger) []Change[Namespace] {
	if !desired.CreateNamespaces {
		return nil
	}
	var list []Change[Namespace]
	for _, r := range desired.References {
		if _, there := observed.Namespaces[r.Name]; r.Kind != "Namespace" || there || ledger.CreateNamespace && r.Name == ledger.Namespace {
			continue
		}
		list = append(list, Change[Namespace]{Op: Create, After: &Namespace{Name: r.Name}, Reasons: []Reason{{Code: InFile}}})
	}
	slices.SortFunc(list, func(a, b Change[Namespace]) int { return strings.Compare(a.After.Name, b.After.Name) })
	return list
}
