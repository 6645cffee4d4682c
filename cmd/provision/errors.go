package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"

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
	} else {
		fmt.Fprintf(s.err, "%s %s\n", style.red("error:"), oneLine(err))
	}
	printHint(s, hintFor(err))
}

// printHint prints the way out. Objects stand at the first column, to be copied into kubectl apply -f -.
func printHint(s streams, hint string) {
	if hint == "" {
		return
	}
	words, objects, _ := strings.Cut(hint, "\n---\n")
	fmt.Fprintf(s.err, "%s\n", s.errStyle.faint("hint: "+strings.ReplaceAll(words, "\n", "\n      ")))
	if objects != "" {
		fmt.Fprintf(s.err, "---\n%s\n", strings.TrimSuffix(objects, "\n"))
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
		return lackWords(e.User, len(e.Missing), "") + "\n" + strings.TrimSuffix(rulesYAML(e.User, e.Missing, e.NewNamespaces), "\n")
	}
	if list, ok := errors.AsType[spec.Errors](err); ok && errors.Is(err, fs.ErrNotExist) && list[0].Pos.File == defaultFile {
		return "say with -f which users file; examples/users.yaml is one to begin with"
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "make room in the output directory, then run `provision apply` again: it goes on with the keys that there are"
	case errors.Is(err, apply.ErrStalled):
		return "is kube-controller-manager running, and does it have a signing CA (--cluster-signing-cert-file)?\n" +
			"kubectl get lease -n kube-system kube-controller-manager\n" +
			"what was approved is kept: run `provision apply` again once it signs"
	case errors.Is(err, cluster.ErrUnavailable):
		return "is a webhook down that the API server has to ask?\n" +
			"kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations\n" +
			"what was approved is kept: run `provision apply` again once it can"
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
		return "the signer does not sign this: fix the cause, then run `provision apply` again to ask anew"
	}
	return ""
}

// lackWords leads to the roles that are missing.
func lackWords(user string, n int, that string) string {
	return fmt.Sprintf("%s lacks %s%s; somebody who may has to kubectl apply:", user, plural(n, "permission"), that)
}

// rulesYAML writes the roles that grant permissions to a user, and their bindings, ready for kubectl apply. Namespaces
// that are not there yet come first. The name stands for the content: applying it never takes away what another has granted.
func rulesYAML(user string, missing []plan.Permission, newNamespaces []string) string {
	byNamespace := plan.RulesFor(missing)
	all, err := json.Marshal([]any{user, byNamespace})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(all)
	name := "provision-operator-" + hex.EncodeToString(sum[:4])
	const rbac = "rbac.authorization.k8s.io"
	subject := map[string]any{"apiGroup": rbac, "kind": "User", "name": user}
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, of, _ := strings.Cut(account, ":")
		subject = map[string]any{"kind": "ServiceAccount", "name": of, "namespace": namespace}
	}
	var b strings.Builder
	document := func(apiVersion, kind, namespace, name string, more map[string]any) {
		meta := map[string]any{"name": name}
		if namespace != "" {
			meta["namespace"] = namespace
		}
		object := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
		maps.Copy(object, more)
		if data, err := yaml.Marshal(object); err == nil {
			b.WriteString("---\n")
			b.Write(data)
		}
	}
	for _, ns := range newNamespaces {
		if _, ok := byNamespace[ns]; ok {
			document("v1", "Namespace", "", ns, nil)
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		kind := "ClusterRole"
		if ns != "" {
			kind = "Role"
		}
		document(rbac+"/v1", kind, ns, name, map[string]any{"rules": byNamespace[ns]})
		document(rbac+"/v1", kind+"Binding", ns, name, map[string]any{
			"roleRef": map[string]any{"apiGroup": rbac, "kind": kind, "name": name}, "subjects": []any{subject},
		})
	}
	return b.String()
}
