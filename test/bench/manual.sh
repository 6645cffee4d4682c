#!/bin/sh
# One user, as the Kubernetes documentation says: "Issue a Certificate for a Kubernetes API Client Using A
# CertificateSigningRequest", with nothing left out but the looking at things in between.
# usage: manual.sh USER, in a folder for the files with the cluster's CA as cluster.ca; KUBECONFIG is the
# administrator's, SERVER the address of the API server.
set -eu
user=$1

openssl genrsa -out "$user.key" 3072 2>/dev/null
openssl req -new -key "$user.key" -out "$user.csr" -subj "/CN=$user/O=bench:team"
cat <<CSR | kubectl apply -f - >/dev/null
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata:
  name: $user
spec:
  request: $(base64 <"$user.csr" | tr -d '\n')
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 86400
  usages:
  - client auth
CSR
kubectl certificate approve "$user" >/dev/null
until certificate=$(kubectl get csr "$user" -o jsonpath='{.status.certificate}') && [ -n "$certificate" ]; do :; done
printf %s "$certificate" | base64 -d >"$user.crt"
kubectl create rolebinding "view-$user" --namespace=bench --clusterrole=view --user="$user" >/dev/null

# A kubeconfig for her; SERVER and cluster.ca are of the administrator's own, read once for all.
export KUBECONFIG="$user.kubeconfig"
kubectl config set-cluster kubernetes --server="$SERVER" --certificate-authority=cluster.ca --embed-certs=true >/dev/null
kubectl config set-credentials "$user" --client-key="$user.key" --client-certificate="$user.crt" --embed-certs=true >/dev/null
kubectl config set-context "$user" --cluster=kubernetes --user="$user" --namespace=bench >/dev/null
kubectl config use-context "$user" >/dev/null
