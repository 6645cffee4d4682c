package view

import (
	"fmt"
	"strings"

	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/recipient"
	"provision/internal/verify"
)

// sharedFirst puts those first that have a reason which is most often everybody's.
func sharedFirst(list []verify.Difference) []verify.Difference {
	return inFront(list, func(d verify.Difference) bool { return d.Code.Shared() })
}

// differenceCell says what differs in the row of a user. A cause that is told below the table for everybody is short.
func differenceCell(d verify.Difference) string {
	// The others are short as they are.
	//exhaustive:ignore
	switch d.Code {
	case verify.NotReached:
		return "server not reached"
	case verify.NotArrived:
		return "the certificate does not arrive"
	case verify.Disagree:
		return "API servers do not agree"
	case verify.MayNotAsk:
		return "logs in; groups not known"
	}
	return differenceWords(d)
}

// differenceWords says what is not as the file says.
func differenceWords(d verify.Difference) string {
	switch d.Code {
	case verify.Failed, verify.NotReached, verify.NotArrived, verify.Disagree:
		return d.Err.Error()
	case verify.MayNotAsk:
		return "the login works, but users may not ask who they are (create selfsubjectreviews.authentication.k8s.io): which groups the API server sees is not known"
	case verify.Expired:
		return "expired " + timeWords(d.At) + ": run `provision apply`"
	case verify.NotYetValid:
		return "not valid before " + timeWords(d.At) + ": check the clocks"
	case verify.Refused:
		return cluster.ErrLoginRefused.Error()
	case verify.OtherGroups:
		return fmt.Sprintf("the API server says groups %q, the file says %q", strings.Join(d.Groups, " "), strings.Join(d.Wanted, " "))
	case verify.OtherCluster:
		return fmt.Sprintf("the current context, %s, is for another cluster (%s) at the same address: if that is gone, run `provision apply --forget-cluster %s`",
			d.Other.Context, d.Other.Cluster, d.Other.Cluster)
	case verify.RoleMissing:
		return d.Err.Error() + ": create it, or define it under roles: in the users file"
	case verify.RoleNotApplied:
		return d.Err.Error() + ": run `provision apply`"
	case verify.MayNot:
		return fmt.Sprintf("may not %s, which %s grants", d.Probe, d.Role.In(""))
	case verify.NotGiven:
		return fmt.Sprintf("has %s, which the file does not give: run `provision apply`", heldWords(d.Held[0]))
	case verify.KeyElsewhere:
		return fmt.Sprintf("the private key is %s, and by the file it is %s: run `provision apply`", certificateKeyWords(*d.Certificate), certificateKeyWords(d.WantedKey))
	case verify.OtherSubject:
		return fmt.Sprintf("the certificate is for %s with the groups %q, the file says %q: run `provision apply`",
			plan.Quoted(d.Certificate.User), strings.Join(d.Certificate.Groups, " "), strings.Join(d.Wanted, " "))
	case verify.NotSigned:
		return "no client CA of the cluster has signed the certificate: run `provision apply`"
	case verify.NotListed:
		return "the ledger does not list the certificate: `provision plan` says why"
	case verify.Foreign:
		return "has from outside the file: " + Listed(each(d.Held, heldWords))
	}
	return string(d.Code)
}

// certificateKeyWords says where the private key of a certificate is.
func certificateKeyWords(c plan.Certificate) string {
	return keyWords(c.Key, each(c.SealedTo, recipient.Recipient.String))
}

// heldWords names a right: "clusterrole/edit by rolebinding/x -n y".
func heldWords(h plan.Held) string {
	return h.Binding.RoleRef.In("").String() + " by " + h.Binding.Object().String()
}

// differenceWay is the way out of a difference that does not say it by itself, or "".
func differenceWay(c verify.Code) string {
	// The others say it themselves.
	//exhaustive:ignore
	switch c {
	case verify.NotArrived:
		return wayToServer
	case verify.Disagree:
		return wayToAgree
	case verify.MayNotAsk:
		return "let users ask who they are: kubectl create clusterrolebinding users-may-ask --clusterrole=system:basic-user --group=system:authenticated"
	case verify.MayNot:
		return "provision plan shows what the cluster lacks of the file"
	case verify.Foreign:
		return "take away what is not meant (kubectl edit), or give it in the users file"
	}
	return ""
}
