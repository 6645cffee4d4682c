package usersfile

import (
	"fmt"
	"slices"

	"provision/internal/recipient"
)

// escrow reads those to whom every sealed key of the set is sealed beside its owner, and adds them to the recipients of the users who
// have any: another user's key stays in their kubeconfig, or is their own. One who is a recipient already is not added again. Where
// nobody has recipients it would seal nothing, and somebody may count on it.
func (r *reader) escrow(v value, users []User) []recipient.Recipient {
	if !v.given() {
		return nil
	}
	before := r.mistakes
	escrow := r.recipientList(v)
	if err := recipient.Check(escrow); err != nil {
		r.add(v, "Invalid value: "+err.Error())
	}
	if r.mistakes > before {
		return nil
	}
	sealed := false
	for i, u := range users {
		if len(u.Recipients) == 0 {
			continue
		}
		sealed = true
		added, _ := recipient.Difference(u.Recipients, escrow)
		users[i].Recipients = slices.Concat(u.Recipients, added)
		if err := recipient.Check(users[i].Recipients); err != nil && recipient.Check(u.Recipients) == nil {
			r.add(v, fmt.Sprintf("Invalid value: together with the recipients of the user at %s: %v", u.Pos, err))
			return nil
		}
	}
	if !sealed {
		r.add(v, "must not stand where no user has recipients: nothing would be sealed to it, as the other private keys are in the kubeconfigs or with their owners; leave it out")
	}
	return escrow
}
