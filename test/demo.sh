#!/bin/sh
# The main job, step by step, on the control plane that KUBECONFIG points to. make demo runs this.
set -eu
repo=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
PATH="$repo/bin:$PATH"
cp "$repo/examples/users.yaml" users.yaml

step() {
	printf '\n\033[1m$ %s\033[0m\n' "$*"
	"$@"
}
[ -t 1 ] || step() {
	printf '\n$ %s\n' "$*"
	"$@"
}

step kubectl version
step kubectl create namespace payments
step kubectl create namespace payments-staging
step provision plan
step provision apply --yes
step provision plan --detailed-exitcode
step provision verify
step ls -l kubeconfigs
step kubectl --kubeconfig kubeconfigs/jane.kubeconfig auth whoami
step kubectl --kubeconfig kubeconfigs/tomas.kubeconfig auth can-i --list
step provision status
printf '\nAnother cluster to play with: make cluster. Your own: bin/provision plan -f users.yaml\n'
