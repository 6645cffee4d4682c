#!/bin/sh
# Hands on the kubeconfigs that an apply has made, in the way that you pick (needs jq):
#
#   provision apply --yes -o json >report.json
#   sh hand-out.sh share /srv/kubeconfigs <report.json        # or: mail example.com, vault secret/kubeconfigs
#
# Run again, it does the same again: keep the report until it ends with 0. With 1 somebody did not get theirs. No private key is an
# argument of a program, which everybody on the machine could read.
set -eu
umask 077
way=$1 to=$2 failed=0

# Each way is called with USER FILE KEY. KEY is where the private key is: sealed, own, or nothing where it is in the file.

login() { test "$(id -un -- "$1" 2>/dev/null)" = "$1"; } # and not a number that is somebody else's

share() { # into a directory that only you can write to, with mode 0600; where USER has a login on this machine, as theirs
	new=$to/.new.$$
	cat -- "$2" >"$new" && { ! login "$1" || chown -- "$(id -u -- "$1")" "$new"; } && mv -f -- "$new" "$to/${2##*/}" ||
		{ rm -f -- "$new"; return 1; }
}

vault() { command vault kv put "$to/${2##*/}" "kubeconfig=@$2"; } # which reads the file itself

mail() { # only what is of no use to anybody else
	case $3 in '') echo "$1: not by mail, the private key is in the file" >&2; return 1 ;; esac
	case $1 in *[!A-Za-z0-9._+@-]*) echo "$1: no address" >&2; return 1 ;; *@*) address=$1 ;; *) address=$1@$to ;; esac
	echo 'Take it with: provision accept FILE' | mutt -s 'Your access to Kubernetes' -a "$2" -- "$address"
}

case $way in share | vault | mail) ;; *) echo "no such way: $way" >&2; exit 1 ;; esac
calls=$(jq -nr --arg way "$way" 'input | .results[] | select(.handOut) | @sh "\($way) \(.name) \(.file) \(.key // "") || failed=1"')
eval "$calls" # jq has quoted every name
exit "$failed"
