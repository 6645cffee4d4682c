package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/plan"
)

// block lists whose certificates are blocked at admission, or no longer.
func (v Page) block(p pen, c *plan.Change[plan.Block]) {
	if c == nil {
		return
	}
	added, dropped := plan.BlockDifference(*c)
	text := fmt.Sprintf("%s block at admission: %s", c.Op, v.reasons(c.Reasons))
	below := append(signed("-", each(dropped, blockedWords)), signed("+", each(added, blockedWords))...)
	v.rows(p, "block", []row{{sign: sign(c.Op), text: text, below: below}}, 0)
}

// blockedWords names a certificate that is blocked.
func blockedWords(c plan.BlockedCertificate) string {
	return fmt.Sprintf("%s: %s", plan.Quoted(c.User), c.ID())
}

// unproved tells of blocks of which it is not known whether they are in force.
func unproved(s Streams, reports []apply.Report) {
	for _, r := range reports {
		for _, one := range r.Results {
			if one.Unproved != nil {
				s.Warning(fmt.Sprintf("block at admission (%s): %s", r.Set, OneLine(one.Unproved)))
			}
		}
	}
}

// blockedState says what a block means for somebody whose certificates live.
const (
	blockedState = "blocked: whatever is sent with %s to create, change or delete, to exec, attach or port-forward, or to get a token is refused, " +
		"whoever has granted it. Reading goes on. Another API server of the cluster takes it up in about a second"
	notBlockedState = "NOT BLOCKED: what others have granted can still be used to write"
)

// unblocked tells of what a binding allows that a block does not refuse.
func (p pen) unblocked(a cluster.Access) {
	const there = "NOT BLOCKED there: they can %s: the API server says yes to: %s"
	if a.Impersonates != "" {
		p.line(6, p.yellow("!"), fmt.Sprintf(there, "act as others (--as), whom no block knows", a.Impersonates))
	}
	if a.Alters != "" {
		p.line(6, p.yellow("!"), fmt.Sprintf(there, "change webhooks and policies, the block among them", a.Alters))
	}
}

// blocks says of one person whether their certificates of the sets are blocked: "", if there are none.
func (r Remainder) blocks(user string) (words string, blocked bool) {
	if c := r.Certificate; c != nil {
		if slices.ContainsFunc(r.Plans, func(p plan.Proposal) bool { return p.Blocks(*c) }) {
			return fmt.Sprintf(blockedState, "this certificate"), true
		}
		return notBlockedState, false
	}
	any := false
	for _, p := range r.Plans {
		all, some := p.BlocksAll(user, time.Now())
		if some && !all {
			return notBlockedState, false
		}
		any = any || some
	}
	if !any {
		return "", false
	}
	return fmt.Sprintf(blockedState, "a certificate of theirs from this set"), true
}

// blockWays are the commands that block the certificates of people, each of one set that has not.
func (r Remainder) blockWays(group []observe.Remainder) []string {
	const about = "  # blocks them, or says why that cannot be"
	var ways []string
	for _, p := range r.Plans {
		var users []string
		for _, one := range group {
			if all, some := p.BlocksAll(one.User, time.Now()); some && !all {
				users = append(users, hint.ShellWord(one.User))
			}
		}
		switch c := r.Certificate; {
		case c != nil && !p.Blocks(*c):
			ways = append(ways, fmt.Sprintf("provision revoke --set %s --certificate %s --block=always", p.Set, c.CredentialID)+about)
		case c == nil && len(users) > 0:
			ways = append(ways, fmt.Sprintf("provision revoke --set %s --block=always %s", p.Set, strings.Join(users, " "))+about)
		}
	}
	return ways
}
