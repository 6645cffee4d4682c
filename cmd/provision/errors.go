package main

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/spec"
)

// hinted is an error with the way out.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// printError prints one error for a person: what, and below it the way out. All errors of the program end here or in
// a report.
func printError(s streams, err error) {
	style := s.errStyle
	if list, ok := errors.AsType[spec.Errors](err); ok {
		for _, e := range list {
			fmt.Fprintf(s.err, "%s %s\n", style.red("error:"), e.Error())
		}
		if len(list) > 1 {
			fmt.Fprintf(s.err, "%s\n", plural(len(list), "error"))
		}
		return
	}
	fmt.Fprintf(s.err, "%s %s\n", style.red("error:"), oneLine(err))
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(s.err, "%s\n", style.faint("hint: "+strings.ReplaceAll(hint, "\n", "\n      ")))
	}
}

// oneLine keeps a message on one line: API server messages may have several.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
}

// hintFor says what to do about an error, or nothing.
func hintFor(err error) string {
	if e, ok := errors.AsType[*hinted](err); ok {
		return e.hint
	}
	if e, ok := errors.AsType[*cluster.PermissionError](err); ok {
		return "you lack permissions; somebody who may has to grant:\n" + strings.TrimSuffix(rulesYAML(e.Missing), "\n")
	}
	switch {
	case errors.Is(err, apply.ErrStalled):
		return "is kube-controller-manager running, and does it have a signing CA (--cluster-signing-cert-file)?\n" +
			"kubectl get lease -n kube-system kube-controller-manager\n" +
			"what was approved is kept: run `provision apply` again once it signs"
	case errors.Is(err, cluster.ErrGone):
		return "run `provision apply` again to ask anew"
	case errors.Is(err, apply.ErrRefused):
		return "something signs for " + plan.SignerName + " that does not keep to the request: find out what, then run `provision apply` again to ask anew"
	case errors.Is(err, apply.ErrDirectoryGone):
		return "the certificate exists, and nobody has its key: run `provision apply --reissue-missing` to issue another"
	case errors.Is(err, cluster.ErrSwapped):
		return "it was not approved: find out who made it, then remove it"
	}
	if e, ok := errors.AsType[*cluster.DecidedError](err); ok {
		if e.State == plan.Denied {
			return "somebody denied it: settle that, then run `provision apply` again to ask anew"
		}
		return "the signer does not sign this: mend the cause, then run `provision apply` again to ask anew"
	}
	return ""
}

// rulesYAML writes the roles that grant the permissions, ready for kubectl apply.
func rulesYAML(missing []plan.Permission) string {
	byNamespace := plan.RulesFor(missing)
	namespaces := make([]string, 0, len(byNamespace))
	for ns := range byNamespace {
		namespaces = append(namespaces, ns)
	}
	sort.Strings(namespaces)
	var b strings.Builder
	for _, ns := range namespaces {
		role := map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1",
			"kind":       "ClusterRole",
			"metadata":   map[string]any{"name": "provision-operator"},
			"rules":      byNamespace[ns],
		}
		if ns != "" {
			role["kind"] = "Role"
			role["metadata"] = map[string]any{"name": "provision-operator", "namespace": ns}
		}
		data, err := yaml.Marshal(role)
		if err != nil {
			return ""
		}
		b.WriteString("---\n")
		b.Write(data)
	}
	return b.String()
}
