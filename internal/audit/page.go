package audit

import (
	"bytes"
	"cmp"
	_ "embed"
	"html/template"
	"slices"
	"strings"
	"time"

	"provision/internal/plan"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New(Page).Funcs(template.FuncMap{
	"name": plan.Quoted, "names": quotedNames, "moment": moment, "day": day, "short": short,
}).Parse(pageText))

// sheet is what the page shows.
type sheet struct {
	Report
	Sets     []string
	In       []Person // those who are in, and
	Out      []Person // those who left
	Living   int      // people who can authenticate
	Given    []perRole
	Beyond   []Grant // from outside the sets, the most powerful first
	LeftHave []Grant // what those have who left
	Blocked  []Certificate
	Picture  timeline
}

// perRole are all who have one role in one namespace by the sets.
type perRole struct {
	Set, Role, Where string
	Until            time.Time
	Users            []string
}

// page writes the report as one page that needs nothing from elsewhere.
func (r Report) page() ([]byte, error) {
	s := sheet{Report: r}
	for _, source := range r.Sources {
		s.Sets = append(s.Sets, source.Set)
	}
	for _, p := range r.People {
		if p.Left {
			s.Out = append(s.Out, p)
		} else {
			s.In = append(s.In, p)
		}
		if p.Until.After(r.Time) {
			s.Living++
		}
	}
	for _, g := range r.Grants {
		switch {
		case g.Left:
			s.LeftHave = append(s.LeftHave, g)
		case g.From != ThisSet:
			s.Beyond = append(s.Beyond, g)
		}
	}
	s.Given = byRole(r.Grants)
	slices.SortStableFunc(s.Beyond, func(a, b Grant) int { return cmp.Compare(weight(a.Power), weight(b.Power)) })
	for _, c := range r.Certificates {
		if c.State == "blocked" {
			s.Blocked = append(s.Blocked, c)
		}
	}
	s.Picture = newTimeline(r.Certificates, r.Time)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, s); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// byRole puts those together who have the same by a set, until the same moment.
func byRole(grants []Grant) []perRole {
	type same struct {
		set, role, where string
		until            time.Time
	}
	at := map[same]int{}
	var list []perRole
	for _, g := range grants {
		if g.From != ThisSet || g.Left {
			continue
		}
		key := same{g.Set, strings.ToLower(g.RoleKind) + "/" + g.Role, g.where(), g.Until}
		i, is := at[key]
		if !is {
			i, at[key] = len(list), len(list)
			list = append(list, perRole{Set: g.Set, Role: key.role, Where: key.where, Until: g.Until})
		}
		list[i].Users = append(list[i].Users, g.User)
	}
	slices.SortStableFunc(list, func(a, b perRole) int {
		return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Role, b.Role), a.Until.Compare(b.Until))
	})
	return list
}

// weight orders what others grant: what is as good as cluster-admin or may be comes first.
func weight(p plan.Power) int {
	return slices.Index([]plan.Power{plan.PowerAdmin, plan.PowerUnknown, plan.PowerLimited, plan.PowerNone}, p)
}

func quotedNames(list []string) string {
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = plan.Quoted(name)
	}
	return strings.Join(quoted, ", ")
}

// moment writes a time to the minute, in UTC; a dash: there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// short is the beginning of a hash, enough to find it.
func short(hash string) string {
	_, hex, is := strings.Cut(hash, "=")
	if !is {
		hex = hash
	}
	return hex[:min(len(hex), 16)]
}
