package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/spec"
)

type revokeCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	changeFlags
	User []string `arg:"" name:"user" placeholder:"USER" help:"Who is to lose access."`
}

func (c *revokeCmd) Help() string {
	return `Takes people out of every grant of the set at once, without waiting for the users file, and removes their kubeconfigs.
Then shows what they can still do, and until when: a certificate cannot be revoked, and what is bound to a group in it,
by this set or by anybody, holds until it ends. Take them out of the users file too: until then apply refuses.

Examples:
  provision revoke jane
  provision revoke -f users.yaml jane bob --yes

Exit status: 0 done, 1 error, 130 interrupted.`
}

func (c *revokeCmd) Run(ctx context.Context, s streams) error {
	ask, err := newQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, sets)
	if err != nil {
		return err
	}
	unknown := slices.Clone(c.User)
	decide := func(d plan.Desired, o plan.Observed, now time.Time) plan.Plan {
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return plan.Knows(d, o, name) })
		return plan.Revoke(d, o, c.User, now)
	}
	var intents []intent
	for _, set := range sets {
		intents = append(intents, intent{set.Pos.File, plan.Expand(set, client.Endpoint()), decide, 0})
	}
	format := c.Output
	if format != "text" {
		format = "quiet"
	}
	ch := change{c.changeFlags, c.OutputDir, format, client, s, verbRevoke, func() error {
		if len(unknown) == 0 {
			return nil
		}
		return &hinted{fmt.Errorf("nothing of the set bears the name %s: nothing was changed", strings.Join(unknown, ", ")),
			"is it spelled right? provision status lists everybody"}
	}}
	all, err := ch.run(ctx, intents, ask)
	code, reported := errors.AsType[exitCode](err)
	if err != nil && !reported {
		return err
	}
	left, err := remaining(ctx, client, all, c.User, c.dry())
	if err != nil {
		return fmt.Errorf("what %s can still do is not known: %w", strings.Join(c.User, ", "), err)
	}
	if c.Output != "text" {
		if err := printDocument(s.out, c.Output, revokeDoc{FormatVersion: formatVersion, Kind: "Remainder", DryRun: c.dry(), Users: left}); err != nil {
			return err
		}
	} else {
		printRemaining(s.out, s.outStyle, left, sets)
	}
	if reported {
		return code
	}
	return nil
}

// revokeDoc is what remains, for programs.
type revokeDoc struct {
	FormatVersion string      `json:"formatVersion"`
	Kind          string      `json:"kind"`
	DryRun        bool        `json:"dryRun"` // nothing was kept: what would remain
	Users         []remainder `json:"users"`
}

type remainder struct {
	User   string    `json:"user"`
	Until  time.Time `json:"until,omitzero"` // zero: no certificate of hers lives
	Groups []string  `json:"groups"`
	Grants []grant   `json:"grants"`
}

type grant struct {
	Binding   string `json:"binding"`
	Role      string `json:"role"`
	Through   string `json:"through"`
	Set       string `json:"set,omitempty"`
	Proof     string `json:"proof,omitempty"`
	Allowed   bool   `json:"allowed"`
	Namespace string `json:"namespace,omitempty"`
}

// remaining asks what people can still do. What the run has just taken away, or would have if it were not dry, is not
// asked about: API servers learn of it a little later, or never.
func remaining(ctx context.Context, client *cluster.Client, all plans, users []string, dry bool) ([]remainder, error) {
	var list []remainder
	for _, name := range users {
		r := remainder{User: name, Groups: []string{}, Grants: []grant{}}
		for _, p := range all {
			until, groups := plan.Remaining(p.observed, name, time.Now())
			if until.After(r.Until) {
				r.Until = until
			}
			r.Groups = append(r.Groups, groups...)
		}
		slices.Sort(r.Groups)
		r.Groups = slices.Compact(r.Groups)
		if !r.Until.IsZero() {
			accesses, err := client.Accesses(ctx, name, r.Groups)
			if err != nil {
				return nil, err
			}
			for _, a := range accesses {
				if dry && all.withdraw(a) {
					continue
				}
				r.Grants = append(r.Grants, grant{
					Binding: objectName(a.Binding.Kind(), a.Binding.Namespace, a.Binding.Name), Namespace: a.Binding.Namespace,
					Role: objectName(a.Binding.RoleRef.Kind, "", a.Binding.RoleRef.Name), Through: strings.ToLower(a.Subject.Kind) + " " + a.Subject.Name,
					Set: a.Set, Proof: a.Proof, Allowed: a.Allowed,
				})
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// withdraw says whether the plans take an access away.
func (all plans) withdraw(a cluster.Access) bool {
	for _, p := range all {
		for _, c := range p.Bindings {
			if c.Before == nil || c.Before.UID != a.Binding.UID {
				continue
			}
			return c.Op == plan.Delete || c.Op == plan.Update && !slices.Contains(c.After.Subjects, a.Subject)
		}
	}
	return false
}

func printRemaining(w io.Writer, s style, list []remainder, sets []spec.Set) {
	for _, r := range list {
		fmt.Fprintln(w)
		if r.Until.IsZero() {
			fmt.Fprintf(w, "%s cannot authenticate: no certificate of this set lives\n", s.bold(r.User))
			continue
		}
		line := fmt.Sprintf("%s can still authenticate until %s", s.bold(r.User), timeWords(r.Until))
		if len(r.Groups) > 0 {
			line += ", as a member of " + flat(strings.Join(r.Groups, ", "))
		}
		if len(r.Grants) == 0 {
			fmt.Fprintf(w, "%s; no binding in the cluster grants anything to that name or these groups\n", line)
			continue
		}
		fmt.Fprintf(w, "%s; that still allows:\n", line)
		ours, others := false, false
		for _, g := range r.Grants {
			owner := "not of this set"
			for _, set := range sets {
				if g.Set == set.Name {
					owner = "of this set"
				}
			}
			proof := "grants nothing now"
			if g.Allowed {
				proof = "the API server says yes to: " + g.Proof
			} else if g.Proof != "" {
				proof = "the API server says no to: " + g.Proof
			}
			fmt.Fprintf(w, "  %s %s\n", s.yellow("!"), flat(fmt.Sprintf("%s (%s, through %s, %s): %s", g.Binding, g.Role, g.Through, owner, proof)))
			ours, others = ours || owner == "of this set", others || owner != "of this set"
		}
		var ways []string
		if others {
			ways = append(ways, "take the subject out of the bindings that are not of this set")
		}
		if ours {
			ways = append(ways, "bind groups to members (bindTo: Members) so that leaving takes effect at once")
		}
		fmt.Fprintf(w, "  %s\n", s.faint("hint: "+strings.Join(ways, "; ")))
	}
	for _, r := range list {
		for _, set := range sets {
			if slices.ContainsFunc(set.Users, func(u spec.User) bool { return u.Name == r.User }) {
				then := "stops at it"
				if r.Until.IsZero() {
					then = "gives it all back" // nothing is left that keeps the name from being used again
				}
				fmt.Fprintf(w, "\n%s still names %s: take the user out, or the next apply %s\n", set.Pos.File, r.User, then)
			}
		}
	}
}
