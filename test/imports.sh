#!/bin/sh
# Which package may import which: the layout's arrows, checked. A line is a package and everything of ours and of the
# outside world's side effects that it may import directly; whatever else it imports is an error.
set -eu

# package: our packages it may import | packages of others it must not import
rules='
internal/hint: | os net context
internal/format: | os net net/http context k8s.io/client-go/kubernetes k8s.io/client-go/rest k8s.io/client-go/tools
internal/completion: internal/commandline | os net net/http os/exec k8s.io
internal/commandline: internal/format internal/hint internal/usersfile | net net/http os/exec k8s.io
internal/cabundle: | os net net/http k8s.io/client-go
internal/recipient: | os net net/http k8s.io
internal/usersfile: internal/cabundle internal/hint internal/recipient | os/exec net/http k8s.io/client-go
internal/schema: internal/usersfile | os net net/http os/exec k8s.io
internal/chain: | os net net/http context crypto/rand math/rand k8s.io
internal/plan: internal/usersfile internal/chain internal/cabundle internal/recipient | os net net/http context crypto/rand math/rand k8s.io/client-go
internal/credential: internal/usersfile internal/chain internal/recipient | os net/http k8s.io/client-go/kubernetes
internal/doctor: internal/plan | os net net/http os/exec context k8s.io
internal/cluster: internal/plan internal/credential internal/cabundle internal/doctor internal/usersfile | os
internal/outdir: internal/plan internal/credential internal/recipient internal/usersfile | net/http k8s.io/client-go
internal/accept: internal/cabundle internal/credential internal/outdir internal/recipient internal/usersfile | net net/http os/exec k8s.io/client-go/kubernetes k8s.io/client-go/rest
internal/draft: internal/plan internal/usersfile | os net net/http context k8s.io
internal/savedplan: internal/hint internal/plan internal/outdir | net net/http os/exec k8s.io/client-go
internal/observe: internal/doctor internal/hint internal/usersfile internal/chain internal/plan internal/credential internal/cluster internal/outdir | os net/http k8s.io
internal/apply: internal/plan internal/credential internal/recipient internal/usersfile internal/cluster internal/outdir | os github.com/alecthomas/kong
internal/verify: internal/plan internal/credential internal/chain internal/recipient internal/cluster internal/outdir | os github.com/alecthomas/kong
internal/audit: internal/format internal/hint internal/observe internal/plan internal/recipient | os net net/http os/exec context k8s.io
internal/view: internal/accept internal/audit internal/doctor internal/cabundle internal/draft internal/format internal/observe internal/hint internal/usersfile internal/recipient internal/plan internal/credential internal/cluster internal/apply internal/verify internal/schema internal/savedplan | net net/http os/exec k8s.io/client-go
cmd/provision: internal/accept internal/audit internal/doctor internal/draft internal/hint internal/commandline internal/completion internal/schema internal/usersfile internal/plan internal/credential internal/cluster internal/outdir internal/observe internal/apply internal/verify internal/view internal/savedplan | k8s.io/client-go
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
			net/url | net/netip) ;; # only words, no network
			"$bad" | "$bad"/*) echo "$short must not import $import"; status=1 ;;
			esac
		done
	done
done
exit $status
