#!/bin/sh
# Which package may import which: the layout's arrows, checked. A line is a package and everything of ours and of the
# outside world's side effects that it may import directly; whatever else it imports is an error.
set -eu

# package: our packages it may import | packages of others it must not import
rules='
internal/spec: | os/exec net/http k8s.io/client-go
internal/plan: internal/spec | os net net/http context crypto/rand math/rand k8s.io/client-go
internal/credential: internal/spec | os net/http k8s.io/client-go/kubernetes
internal/cluster: internal/plan internal/credential | os
internal/outdir: internal/plan internal/credential internal/spec | net/http k8s.io/client-go
internal/apply: internal/plan internal/credential internal/cluster internal/outdir | os github.com/alecthomas/kong
internal/verify: internal/plan internal/credential internal/cluster internal/outdir | os github.com/alecthomas/kong
cmd/provision: internal/spec internal/plan internal/credential internal/cluster internal/outdir internal/apply internal/verify | k8s.io/client-go
'
module=$(go list -m)
status=0
for package in $(go list ./cmd/... ./internal/...); do
	short=${package#"$module"/}
	line=$(printf '%s\n' "$rules" | grep "^$short:" || true)
	if [ -z "$line" ]; then
		echo "$short: no import rule: add a line for it to test/imports.sh"
		status=1
		continue
	fi
	allowed=$(printf '%s\n' "${line#*:}" | sed 's/|.*//')
	forbidden=$(printf '%s\n' "$line" | sed 's/.*|//')
	for import in $(go list -f '{{join .Imports " "}}' "$package"); do
		case "$import" in
		"$module"/*)
			case " $allowed " in
			*" ${import#"$module"/} "*) ;;
			*) echo "$short must not import ${import#"$module"/}"; status=1 ;;
			esac
			;;
		esac
		for bad in $forbidden; do
			case "$import" in
			net/url) ;; # only words, no network
			"$bad" | "$bad"/*) echo "$short must not import $import"; status=1 ;;
			esac
		done
	done
done
exit $status
