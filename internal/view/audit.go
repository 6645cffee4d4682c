package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"provision/internal/hint"
	"provision/internal/plan"
)

// auditQuery is a jq command that finds in an audit log what people did with their certificates: by the ids of these and, where one may
// have no id that is known or the API server notes none, by name. "": nobody has any.
func (r Remainder) auditQuery() string {
	ids, users := r.credentials()
	var which []string
	if len(ids) > 0 {
		which = append(which, fmt.Sprintf(`.user.extra["authentication.kubernetes.io/credential-id"][0] | IN(%s)`, jsonWords(ids)))
	}
	if len(users) > 0 {
		which = append(which, fmt.Sprintf(`.user.username | IN(%s)`, jsonWords(users)))
	}
	switch len(which) {
	case 0:
		return ""
	case 2:
		which[0] = "(" + which[0] + ") or (" + which[1] + ")"
	}
	return "jq -c " + hint.ShellWord("select("+which[0]+")") + " audit.log"
}

// credentials are the ids of the certificates, and the names of those for whom ids are not enough.
func (r Remainder) credentials() (ids, users []string) {
	unnoted := slices.ContainsFunc(r.Plans, func(p plan.Proposal) bool { return p.Observed.WithoutCredentialIDs != "" })
	for _, one := range r.People {
		if !unnoted {
			ids = append(ids, one.Credentials...)
		}
		if one.NameOnly || unnoted {
			users = append(users, one.User)
		}
	}
	return ids, users
}

// jsonWords writes strings as jq reads them.
func jsonWords(list []string) string {
	return strings.Join(each(list, func(s string) string {
		data, _ := json.Marshal(s) // which fails for no string
		return string(data)
	}), ", ")
}

// audit tells how to find what people did with their certificates. Of many only on request: each has an id of 75 letters.
func (r Remainder) audit(p pen) {
	ids, users := r.credentials()
	query, text := r.auditQuery(), "the API server's audit log, if it keeps one, has all that was done with "
	switch {
	case query == "":
		return
	case len(ids)+len(users) == 1:
		text += "the certificate"
	default:
		text += "the certificates"
	}
	p.gap()
	if len(ids)+len(users) > few && !r.All {
		p.line(0, "", text+": --show-all shows the command that finds it")
		return
	}
	p.line(0, "", text+":")
	p.line(4, "", query)
}
