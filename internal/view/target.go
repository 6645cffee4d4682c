package view

import "provision/internal/plan"

// others says what a plan leaves out because only some users were asked for, and who goes on having what it would take from them.
func (v Page) others(p pen, one plan.Proposal) {
	if one.Others == nil {
		return
	}
	left := plan.Proposals{{Plan: *one.Others}}
	p.text(0, p.bold("left out,"), "as only "+Users(one.Desired.Targets)+" was asked for: "+amountWords(left.Summary(), left))
	if still := one.StillHeld(); len(still) > 0 {
		p.text(2, p.yellow("!"), v.brief(func(names lister) string {
			return "until that is done these go on having what the file takes from them: " + names(each(still, plan.Subject.String))
		}))
	}
}
