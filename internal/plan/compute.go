package plan

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Compute compares desired with observed as of now and returns everything that has to happen. It changes neither.
func Compute(desired Desired, observed Observed, now time.Time) Plan {
	p := Plan{Set: desired.Set}
	problems := missing(desired, observed)

	requests := map[string]Request{} // by the key that made them
	for _, r := range observed.Requests {
		requests[r.KeyHash] = r
	}
	named := make(map[string]bool, len(desired.Users))
	later := []string{}
	for _, u := range desired.Users {
		name := u.Certificate.User
		named[name] = true
		file, has := observed.Files[name]
		if problem := checkFile(u, file, has); problem != nil {
			problems = append(problems, *problem)
			p.Users = append(p.Users, UserChange{Name: name, Pos: u.Pos, Certificate: Change[Certificate]{Op: Keep}, Kubeconfig: Change[Kubeconfig]{Op: Keep}})
			continue
		}
		c := userChange(u, file, has, observed, now)
		if c.Certificate.Op != Keep {
			if problem := resume(&c, u, observed, requests); problem != nil {
				problems = append(problems, *problem)
			}
		}
		p.Users = append(p.Users, c)
		p.Warnings = append(p.Warnings, groupWarnings(c, now)...)
		if c.Certificate.Op == Keep && c.Certificate.Before.Duration != u.Certificate.Duration {
			later = append(later, name)
		}
	}
	if len(later) > 0 {
		p.Warnings = append(p.Warnings, Warning{Code: DurationLater, Items: later})
	}
	for _, name := range slices.Sorted(maps.Keys(observed.Files)) {
		file := observed.Files[name]
		if named[name] || file.State != FileOurs {
			continue
		}
		p.Users = append(p.Users, UserChange{
			Name:        name,
			Certificate: Change[Certificate]{Op: Keep, Before: file.Certificate},
			Kubeconfig:  Change[Kubeconfig]{Op: Remove, Before: &file.Kubeconfig, Reasons: []Reason{{Code: NotInFile}}},
		})
		if cert := file.Certificate; cert != nil && cert.NotAfter.After(now) {
			p.Warnings = append(p.Warnings, Warning{Code: StillAuthenticates, User: name, Items: cert.Groups, Until: cert.NotAfter})
		}
	}
	slices.SortFunc(p.Users, func(a, b UserChange) int { return strings.Compare(a.Name, b.Name) })

	var taken []Problem
	p.Roles, taken = computeRoles(desired, observed)
	problems = append(problems, taken...)
	p.Bindings, taken = computeBindings(desired, observed)
	problems = append(problems, taken...)

	p.Warnings = append(p.Warnings, setWarnings(desired, observed, now)...)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Pos.File != b.Pos.File {
			return strings.Compare(a.Pos.File, b.Pos.File)
		}
		return a.Pos.Line - b.Pos.Line
	})
	p.Problems = problems
	return p
}

// missing finds the namespaces and roles that the file refers to and that are not there.
func missing(desired Desired, observed Observed) []Problem {
	var problems []Problem
	for _, r := range desired.References {
		switch r.Kind {
		case "Namespace":
			if !observed.Namespaces[r.Name] {
				problems = append(problems, Problem{Code: NamespaceMissing, Pos: r.Pos, Kind: r.Kind, Name: r.Name})
			}
		default:
			if r.Namespace != "" && !observed.Namespaces[r.Namespace] {
				continue // said once, of the namespace
			}
			if _, ok := observed.RoleOwners[ObjectKey{r.Namespace, r.Name}]; !ok {
				problems = append(problems, Problem{Code: RoleMissing, Pos: r.Pos, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name})
			}
		}
	}
	return problems
}

// setWarnings are those that concern the whole set.
func setWarnings(desired Desired, observed Observed, now time.Time) []Warning {
	var list []Warning
	for _, b := range desired.Bindings {
		if b.RoleRef != (RoleRef{Kind: "ClusterRole", Name: "cluster-admin"}) {
			continue
		}
		w := Warning{Code: ClusterAdmin, Name: b.Namespace}
		for _, s := range b.Subjects {
			w.Items = append(w.Items, strings.ToLower(s.Kind)+" "+s.Name)
		}
		list = append(list, w)
	}
	if desired.Insecure {
		list = append(list, Warning{Code: Insecure})
	}
	if observed.ClientCAError != "" {
		list = append(list, Warning{Code: CANotChecked, To: observed.ClientCAError})
	}
	ours := map[string]bool{}
	for _, k := range observed.Keys {
		ours[k.KeyHash] = true
	}
	for _, f := range observed.Files {
		if f.Certificate != nil {
			ours[f.Certificate.KeyHash] = true
		}
	}
	for _, r := range observed.Requests {
		// One that is decided needs nobody's attention: it may be an earlier certificate of ours, or another
		// operator's. One that waits for approval and that we do not know may be bait for `kubectl certificate approve`.
		if r.State == Pending && !ours[r.KeyHash] {
			list = append(list, Warning{Code: ForeignRequest, Name: r.Name, User: r.User})
		}
	}
	slices.SortStableFunc(list, func(a, b Warning) int { return strings.Compare(string(a.Code)+a.Name, string(b.Code)+b.Name) })
	return list
}
