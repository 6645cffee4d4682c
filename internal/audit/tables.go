package audit

import (
	"strconv"
	"strings"
	"time"
)

// tables are the rows of the report for spreadsheets, each with the names of its columns first, by the name of the file. Lists in a cell
// have ; between them.
func (r Report) tables() map[string][][]string {
	people := [][]string{{"set", "user", "state", "left", "until", "ends", "groups", "key", "sealedTo", "file", "generation", "blocked"}}
	for _, p := range r.People {
		generation := ""
		if p.Generation > 0 {
			generation = strconv.Itoa(p.Generation)
		}
		people = append(people, []string{
			p.Set, p.User, string(p.State), strconv.FormatBool(p.Left), stamp(p.Until), stamp(p.Ends), list(p.Groups), p.Key, list(p.SealedTo), p.File, generation,
			strconv.FormatBool(p.Blocked),
		})
	}
	certificates := [][]string{{"set", "user", "state", "credentialID", "keyHash", "groups", "notBefore", "notAfter", "intended", "by", "digest"}}
	for _, c := range r.Certificates {
		certificates = append(certificates, []string{
			c.Set, c.User, c.State, c.CredentialID, c.KeyHash, list(c.Groups), stamp(c.NotBefore), stamp(c.NotAfter), stamp(c.Intended), c.By, c.Digest,
		})
	}
	grants := [][]string{{"set", "user", "left", "roleKind", "role", "namespace", "through", "binding", "from", "power", "until"}}
	for _, g := range r.Grants {
		grants = append(grants, []string{
			g.Set, g.User, strconv.FormatBool(g.Left), g.RoleKind, g.Role, g.Namespace, g.Through, g.Binding, g.From, string(g.Power), stamp(g.Until),
		})
	}
	approvers := [][]string{{"subject", "everybody", "with", "bindings"}}
	for _, a := range r.Approvers {
		approvers = append(approvers, []string{a.Subject, strconv.FormatBool(a.Everybody), list(a.With), list(a.Bindings)})
	}
	return map[string][][]string{"people.csv": people, "certificates.csv": certificates, "grants.csv": grants, "approvers.csv": approvers}
}

func list(items []string) string { return strings.Join(items, ";") }

// stamp writes a moment as RFC 3339 in UTC; "": there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
