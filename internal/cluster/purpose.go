package cluster

import (
	"context"
	"errors"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"provision/internal/plan"
)

// Purpose is what a client is for. An operator who may not do the first thing that it takes is told of all that it takes,
// and of no more: a reader is not to be given an operator's power.
type Purpose int

// Purposes.
const (
	ToRead   Purpose = iota // see what there is
	ToVerify                // log in as others, and ask about what roles allow
	ToPlan                  // read, and ask what the operator may do
	ToApply                 // plan, and make all changes
	ToRemove                // plan, and take away (revoke, destroy): no certificate is asked for
)

// needs are the permissions that nearly every run with a purpose takes:
//
//	            login, cluster   lists   question   requests         roles   bindings                     ledger, Lease
//	ToRead      x                x
//	ToVerify    x                                                    get     list
//	ToPlan      x                x       x
//	ToApply     x                x       x          all, approve     get     get, create, update, delete  get, create, update
//	ToRemove    x                x       x          delete                   get, update, delete          get, create, update
//
// A question is one about the operator's own permissions. The permissions to write, bind and escalate a role depend on the
// plan and are not among these.
func (p Purpose) needs(ledgerNamespaces []string) []plan.Permission {
	read := reads(ledgerNamespaces)
	switch p {
	case ToVerify:
		return append([]plan.Permission{selfReview, identifies}, grantReads()...)
	case ToPlan:
		return append(read, selfAccess)
	case ToApply:
		return slices.Concat(read, []plan.Permission{selfAccess}, issues(), roleReads(), bindingWrites("get", "create", "update", "delete"), records(ledgerNamespaces))
	case ToRemove:
		return slices.Concat(read, []plan.Permission{selfAccess, requestsNeed("delete")}, bindingWrites("get", "update", "delete"), records(ledgerNamespaces))
	}
	return read
}

// reads are the permissions without which it is not known what there is.
func reads(ledgerNamespaces []string) []plan.Permission {
	list := []plan.Permission{
		selfReview,
		identifies,
		{Verb: "list", Resource: "namespaces"},
		{Verb: "list", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		{Verb: "get", Resource: "configmaps", Namespace: clientCAMap.Namespace, Name: clientCAMap.Name},
	}
	list = append(list, verbsOn([]string{"roles", "clusterroles", "rolebindings", "clusterrolebindings"}, "list")...)
	for _, namespace := range ledgerNamespaces {
		list = append(list, plan.Permission{Verb: "list", Resource: "configmaps", Namespace: namespace})
	}
	return list
}

// issues are what certificates take.
func issues() []plan.Permission {
	return []plan.Permission{
		requestsNeed("get"), requestsNeed("watch"), requestsNeed("create"), requestsNeed("delete"), approvalNeed,
		{Verb: "approve", Group: certificatesv1.GroupName, Resource: "signers", Name: plan.SignerName},
	}
}

// records are what the ledger and the lock take.
func records(ledgerNamespaces []string) []plan.Permission {
	var list []plan.Permission
	for _, namespace := range ledgerNamespaces {
		for _, verb := range []string{"get", "create", "update"} {
			list = append(list, plan.Permission{Verb: verb, Resource: "configmaps", Namespace: namespace}, leasesNeed(verb, namespace))
		}
	}
	return list
}

// AllMissing adds to a refusal what else of the client's purpose would be refused, so that an operator without rights is told
// once. ledgerNamespaces are those of the sets. Any other error, and nil, stays as it is.
func (c *Client) AllMissing(ctx context.Context, err error, ledgerNamespaces ...string) error {
	err = c.withMissing(ctx, err, c.options.Purpose.needs(ledgerNamespaces))
	e, ok := errors.AsType[*PermissionError](err)
	if !ok || c.options.Purpose == ToVerify { // which looks at no ledger
		return err
	}
	for _, namespace := range ledgerNamespaces {
		// One that the operator may not even ask for is told as well, because a Role in it needs it: to apply one that is there
		// changes nothing.
		if there, err := c.namespaceExists(ctx, namespace); !there && (err == nil || apierrors.IsForbidden(err)) {
			e.NewNamespaces = append(e.NewNamespaces, namespace)
		}
	}
	return err
}

// withMissing replaces what a refusal says is missing by all that is missing of some permissions. Where that cannot be
// asked, what is known stays.
func (c *Client) withMissing(ctx context.Context, err error, needed []plan.Permission) error {
	e, ok := errors.AsType[*PermissionError](err)
	if !ok {
		return err
	}
	missing, failed := c.refusedOf(ctx, needed)
	if failed != nil {
		if refused, ok := errors.AsType[*PermissionError](failed); ok && slices.Contains(needed, selfAccess) {
			e.Missing = append(e.Missing, refused.Missing...) // the permission to ask
		}
		return err
	}
	if len(missing) > 0 {
		e.Missing = missing
	}
	return err
}
