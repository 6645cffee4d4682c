package view

import (
	"bytes"
	"slices"
	"strings"

	"provision/internal/apply"
	"provision/internal/plan"
)

// handedOut are the changes of the users who have a new kubeconfig, in the order of the reports.
func handedOut(reports []apply.Report) []plan.UserChange {
	var list []plan.UserChange
	for _, r := range reports {
		for _, one := range r.Results {
			if one.HandedOut() {
				list = append(list, *one.User)
			}
		}
	}
	return list
}

// handOut draws what people need who hand kubeconfigs out: where these lead, so that those who get one can compare, and whose they
// are. Nothing where there are none.
func (v Page) handOut(p pen, users []plan.UserChange) {
	for _, e := range endpoints(users) {
		for _, words := range caWords(e) {
			p.line(0, p.bold("CA of "+e.Server+":"), words)
		}
	}
	if len(users) == 0 {
		return
	}
	head := "new kubeconfigs to hand out:"
	if len(users) == 1 {
		head = "new kubeconfig to hand out:"
	}
	p.line(0, p.bold(head), v.brief(func(names lister) string { return handOutWords(users, names) }))
}

// handOutWords names the users, and says what those have to do whose key is not in their kubeconfig.
func handOutWords(users []plan.UserChange, names lister) string {
	by := map[plan.KeyPlace][]string{}
	for _, u := range users {
		at := keyOf(u)
		by[at] = append(by[at], plan.Quoted(u.Name))
	}
	var parts []string
	for _, of := range []struct {
		key  plan.KeyPlace
		todo string
	}{{plan.KeyHere, ""}, {plan.KeySealed, "sealed: `provision accept` opens it"}, {plan.KeyOwn, "own key: `provision accept --key` adds it"}} {
		if list := by[of.key]; len(list) > 0 {
			slices.Sort(list)
			parts = append(parts, withBrackets(names(list), of.todo))
		}
	}
	return strings.Join(parts, "; ")
}

// keyOf says where the private key of a user is, after the change.
func keyOf(u plan.UserChange) plan.KeyPlace {
	if c := u.Certificate.Object(); c != nil {
		return c.Key
	}
	return plan.KeyHere
}

// endpoints are where the new kubeconfigs of users lead: each server and CA once.
func endpoints(users []plan.UserChange) []plan.Endpoint {
	var list []plan.Endpoint
	for _, u := range users {
		e := u.Kubeconfig.After.Endpoint
		if !slices.ContainsFunc(list, func(other plan.Endpoint) bool {
			return other.Server == e.Server && bytes.Equal(other.CertificateAuthorityData, e.CertificateAuthorityData)
		}) {
			list = append(list, e)
		}
	}
	return list
}
