package plan

import (
	"cmp"
	"slices"
	"time"
)

// setWarnings returns the warnings that concern the whole set, sorted by code: one function for each. records are the living
// ones of the set.
func setWarnings(desired Desired, observed Observed, records []Record) []Warning {
	list := slices.Concat(otherEntries(desired.Users, observed.Files), ClockWarnings(observed), clusterAdmins(desired), powerfulRoles(desired),
		frontProxyAnybody(observed), several(Warning{Code: ReservedNames}, desired.Reserved), labelsCopied(desired.Set, observed),
		caNotChecked(observed), serversDisagree(observed), swappedRequests(desired.Set, observed), foreignRequests(desired.Set, observed, records), nothingSelected(desired.Selections))
	slices.SortStableFunc(list, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Role.Kind, b.Role.Kind), cmp.Compare(a.Role.Name, b.Role.Name),
			compareKeys(a.Namespace, a.Name, b.Namespace, b.Name))
	})
	return list
}

// clusterAdmins finds where the file grants the role that allows everything.
func clusterAdmins(desired Desired) []Warning {
	var list []Warning
	for _, b := range desired.Bindings {
		if b.RoleRef == ClusterAdminRole {
			list = append(list, Warning{Code: ClusterAdmin, Namespace: b.Namespace, Subjects: b.Subjects})
		}
	}
	return list
}

// frontProxyAnybody warns where the API server takes any certificate for that of its front proxy.
func frontProxyAnybody(observed Observed) []Warning {
	if f := observed.FrontProxy; f == nil || len(f.Names) > 0 {
		return nil
	}
	return []Warning{{Code: FrontProxyAnybody}}
}

// labelsCopied finds the bindings with the set's label that have no name which the set gives.
func labelsCopied(set string, observed Observed) []Warning {
	var copied []Object
	for _, b := range observed.Bindings {
		if !b.named(set) {
			copied = append(copied, b.Object())
		}
	}
	if len(copied) == 0 {
		return nil
	}
	slices.SortFunc(copied, compareObjects)
	return []Warning{{Code: LabelCopied, Objects: copied}}
}

// caNotChecked warns where the cluster's client CA could not be read.
func caNotChecked(observed Observed) []Warning {
	if observed.ClientCAError == "" {
		return nil
	}
	return []Warning{{Code: CANotChecked, To: observed.ClientCAError}}
}

// serversDisagree warns where API servers behind one address accept and refuse certificates of one client CA.
func serversDisagree(observed Observed) []Warning {
	of := observed.Disagreement
	if of == nil {
		return nil
	}
	return []Warning{{Code: ServersDisagree, Name: of.Server, Count: of.Refused, Total: of.Tried}}
}

// swappedNames are the names of our requests whose key made no request that is there, each with its user.
func swappedNames(observed Observed, own map[string]Request) map[string]string {
	names := map[string]string{}
	for user, k := range observed.Keys {
		if _, ok := own[k.KeyHash]; !ok {
			names[k.Request] = user
		}
	}
	return names
}

// swappedRequests finds requests that another key made and that have the name of one of ours.
func swappedRequests(set string, observed Observed) []Warning {
	swapped := swappedNames(observed, requestsByKey(set, observed))
	var list []Warning
	for _, r := range observed.Requests {
		if user, taken := swapped[r.Name]; taken {
			list = append(list, Warning{Code: SwappedRequest, Name: r.Name, User: user})
		}
	}
	return list
}

// foreignRequests finds requests with the set's label that wait for approval and that no key of the set made: they may be
// bait for `kubectl certificate approve`. A request that is decided needs nobody's attention.
func foreignRequests(set string, observed Observed, records []Record) []Warning {
	own := requestsByKey(set, observed)
	swapped := swappedNames(observed, own)
	ours := map[string]bool{}
	for _, k := range observed.Keys {
		ours[k.KeyHash] = true
	}
	for _, r := range records {
		ours[r.KeyHash] = true // another operator of the set has the key
	}
	var bait []string
	for _, r := range observed.Requests {
		_, conforms := own[r.KeyHash]
		_, taken := swapped[r.Name]
		if r.State == Pending && !taken && !(conforms && ours[r.KeyHash] && r.named(set)) {
			bait = append(bait, r.Name)
		}
	}
	slices.Sort(bait)
	return several(Warning{Code: ForeignRequest}, bait)
}

// powerfulRoles are the roles of the set by which somebody may take more than they were given: where each is bound, and
// what of it allows that. One that nobody is bound to yet is judged as if it were bound as widely as it can be.
func powerfulRoles(desired Desired) []Warning {
	var list []Warning
	for _, r := range desired.Roles {
		scopes := map[string]bool{}
		for _, b := range desired.Bindings {
			if b.Role() == r.Key() && b.RoleRef.Kind == r.Kind() {
				scopes[b.Namespace] = true
			}
		}
		if len(scopes) == 0 {
			scopes[r.Namespace] = true
		}
		for scope := range scopes {
			if rules := PowerfulIn(scope, desired.LedgerNamespace, r.Rules); len(rules) > 0 {
				list = append(list, Warning{Code: PowerfulRole, Namespace: scope, Role: RoleRef{r.Kind(), r.Name}, Rules: rules})
			}
		}
	}
	return list
}

// ClockTolerance is the difference between two clocks that is nothing to tell of: the signer lets a certificate begin as
// much earlier.
const ClockTolerance = backdate

// ClockWarnings tells of clocks that differ.
func ClockWarnings(observed Observed) []Warning {
	if observed.ClockAhead.Abs() <= ClockTolerance {
		return nil
	}
	return []Warning{{Code: ClockDiffers, Seconds: int(observed.ClockAhead / time.Second)}}
}

// otherEntries finds the users' files that hold more than provision made. Such an entry may run a program of somebody else's,
// or send them what the user types, as soon as the user uses the file.
func otherEntries(users []User, files map[string]File) []Warning {
	var list []Warning
	for _, u := range users {
		f, has := files[u.Certificate.User]
		if has && (f.State == FileOurs || f.free()) && len(f.Others) > 0 {
			list = append(list, Warning{Code: OtherEntries, User: u.Certificate.User, Name: f.Name, Entries: f.Others, To: f.OtherContext})
		}
	}
	return list
}
