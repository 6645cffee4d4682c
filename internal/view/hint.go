package view

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// hintFor returns what to do about an error of a command, which is to be run again then; "": nothing is known. It may have several
// lines, and behind one of --- objects to apply.
func hintFor(err error, command string) string {
	if way, ok := hint.Of(err); ok {
		return way
	}
	if e, ok := errors.AsType[*cluster.PermissionError](err); ok {
		return lackWords(e.User, len(e.Missing), "") + "\n" + strings.TrimSuffix(rulesYAML(e.User, e.Missing, e.NewNamespaces), "\n")
	}
	if e, ok := errors.AsType[*cluster.NamespaceError](err); ok {
		return fmt.Sprintf("create it yourself (kubectl create namespace %s), or keep the ledger in a namespace that is there:\nledger: {namespace: NAMESPACE} in the users file", e.Namespace)
	}
	if _, ok := errors.AsType[*cluster.AlteredError](err); ok {
		return "a mutating admission policy or webhook changes requests for " + plan.SignerName + ": find out whose it is\n" +
			"kubectl get mutatingadmissionpolicies,mutatingwebhookconfigurations"
	}
	if _, ok := errors.AsType[*cluster.OperatorError](err); ok {
		return "your kubeconfig gives another credential than before (an exec plugin, a login that was renewed): log in as one user, then run `provision apply` again"
	}
	if list, ok := errors.AsType[usersfile.Errors](err); ok && errors.Is(err, fs.ErrNotExist) && list[0].Pos.File == usersfile.DefaultFile {
		return "`provision init` writes one to begin with; one that is elsewhere is named with -f"
	}
	if cluster.IsFront(err) {
		return wayToServer
	}
	if _, ok := errors.AsType[*cluster.DisagreeError](err); ok {
		return wayToAgree
	}
	if e, ok := errors.AsType[*cluster.SlowError](err); ok {
		return slowWords(e)
	}
	if e, ok := errors.AsType[*cluster.LoginPluginError](err); ok {
		return fmt.Sprintf("see that %s works (kubectl auth whoami runs it, too), then run `%s` again", e.Plugin, command)
	}
	if e, ok := errors.AsType[*credential.Refusal](err); ok && refusalWays[e.Code] != "" {
		return refusalWays[e.Code]
	}
	for _, known := range waysOut {
		if errors.Is(err, known.err) {
			return strings.ReplaceAll(known.way, "COMMAND", command)
		}
	}
	if e, ok := errors.AsType[*cluster.DecidedError](err); ok {
		if e.State == plan.Denied {
			return "somebody denied it: settle that, then run `provision apply` again to ask anew"
		}
		return "the signer does not sign this: fix the cause, then run `provision apply` again to ask anew"
	}
	return ""
}

// waysOut say what to do about an error that an error may wrap; of several, the first counts. COMMAND stands for the command.
var waysOut = []struct {
	err error
	way string
}{
	{cluster.ErrLoginLost, "log in again, then run `provision apply` again: it goes on with the keys that there are"},
	{syscall.ENOSPC, "make room in the output directory, then run `COMMAND` again: it goes on with the keys that there are"},
	{cluster.ErrEdited, "run `COMMAND` again: it plans from what is there now"},
	{apply.ErrStalled, "is kube-controller-manager running, and does it have a signing CA (--cluster-signing-cert-file) that has not ended?\n" +
		"kubectl get lease -n kube-system kube-controller-manager\n" +
		"what was approved is kept: run `provision apply` again once it signs"},
	{cluster.ErrUnavailable, "is a webhook down that the API server has to ask?\n" +
		"kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations\n" +
		"what was approved is kept: run `COMMAND` again once it can"},
	{apply.ErrNoTimeLeft, "give them a later end (until) in the users file, if that is meant, then run `COMMAND` again"},
	{cluster.ErrGone, "run `provision apply` again to ask anew"},
	{apply.ErrRefused, "something signs for " + plan.SignerName + " that does not keep to the request: find out what, then run `provision apply` again to ask anew"},
	{apply.ErrDirectoryGone, "the certificate exists, and nobody has its key: run `provision apply --reissue-missing` to issue another"},
	{cluster.ErrSwapped, "it was not approved: find out who made it, then remove it"},
}

// refusalWays say what to do about a certificate that is refused for a reason, where that is not what is done about any.
var refusalWays = map[credential.RefusalCode]string{
	credential.RefusedIssuer: "kube-controller-manager signs with a CA (--cluster-signing-cert-file) that kube-apiserver does not accept (--client-ca-file): in a rotation,\n" +
		"every API server has to accept the new CA before anything signs with it; if you know of no rotation, find out what signs here.\n" +
		"Then run `provision apply` again to ask anew",
	credential.RefusedDates: "compare the clocks of kube-controller-manager and kube-apiserver (date -u); --clock-skew allows for more than 5m.\n" +
		"Then run `provision apply` again to ask anew",
	credential.RefusedLogin: "set cluster.server in the users file to the API server itself, and see that its --client-ca-file has the CA that kube-controller-manager signs with;\n" +
		"then run `provision apply` again to ask anew",
}

// WaitingWords tells what a request waits for, for how long at most, and what may hold it up. It may have two lines.
func WaitingWords(w cluster.Waiting) string {
	if w.Plugin != "" {
		return "waiting for your login plugin " + w.Plugin
	}
	what := ""
	if w.Need.Verb != "" {
		what = " to " + w.Need.Verb + " " + w.Need.Resource
	}
	words := fmt.Sprintf("waiting for the API server%s, for up to %s: ", what, w.Patience)
	if w.Slow != nil {
		return words + (OneLine(w.Slow)) + "\n" + slowWords(w.Slow)
	}
	return words + (OneLine(w.Err))
}

// slowWords names what an API server may wait for that gives no answer in time.
func slowWords(e *cluster.SlowError) string {
	resource, _, _ := strings.Cut(e.Need.Resource, "/")
	longer := "--request-timeout gives a request more time"
	if e.Timeout > 0 {
		longer += " than " + e.Timeout.String()
	}
	longer += ", as far as the API server's own --request-timeout (60s) allows"
	switch {
	case e.Unlisted != nil:
		return "is a webhook on " + resource + " slow? you may not list them; somebody who may:\n" +
			"kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations\n" + longer
	case len(e.Webhooks) == 0:
		return "no webhook is asked about " + resource + ": the API server itself, or the network, is slow; " + longer
	}
	var list []string
	for _, w := range e.Webhooks {
		list = append(list, fmt.Sprintf("%s (%s, up to %s)", w.Configuration, Plural(w.Count, "webhook"), w.Timeout))
	}
	return "the API server asks webhooks about " + resource + ", and their times add up: " + (strings.Join(list, ", ")) + "\n" + longer
}
