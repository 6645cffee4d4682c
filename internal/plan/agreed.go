package plan

import "slices"

// oneClock reports whether an end has passed by one of the two clocks alone.
func (d Desired) oneClock(at moment) bool {
	return slices.ContainsFunc(d.Endings, func(e End) bool { return ended(e.At, at.now) != ended(e.At, at.lives) })
}

// agreed are the subjects that a binding loses because the end has passed that the file gives.
func (p Plan) agreed(c Change[Binding]) []Subject {
	if p.OneClock {
		return nil
	}
	for _, r := range c.Reasons {
		if r.Code == EndPassed {
			return r.Leaves
		}
	}
	return nil
}

// unasked are those of the people whom the plan takes out whose end the file gave: nobody is asked a second time. Somebody whose
// certificate goes on for long after that is not among them: when it was issued the file said otherwise, so the end is new.
func (p Plan) unasked() map[string]bool {
	names := map[string]bool{}
	if p.OneClock {
		return names
	}
	for _, u := range p.Users {
		names[u.Name] = names[u.Name] || asks(u.Kubeconfig.Reasons, EndPassed)
	}
	for _, c := range p.Ledger.Records {
		names[c.Object().User] = names[c.Object().User] || asks(c.Reasons, EndPassed)
	}
	for _, c := range p.Ledger.Records {
		for _, r := range c.Reasons {
			if r.Code == EndPassed && c.Object().NotAfter.Sub(r.At) > untilSlack {
				names[c.Object().User] = false
			}
		}
	}
	return names
}

// leaversCounted are the people whom the plan takes out and who count as deletions.
func (p Plan) leaversCounted() []string {
	agreed := p.unasked()
	return slices.DeleteFunc(p.Leavers(), func(name string) bool { return agreed[name] })
}
