#!/usr/bin/env bash
# deploy.sh RELEASE [--no-wait]: puts a release into the backend's deployment, and waits until it is through.
set -euo pipefail
cd "$(dirname "$0")/.."
release=${1:?Say which release: deploy.sh RELEASE [--no-wait]}
export KUBECONFIG=${KUBECONFIG:-$PWD/state/kubeconfig}
PATH=$PWD/state/bin:$PATH
kubectl set env deployment/backend -n indostar-naturals "RELEASE=$release"
[ "${2:-}" = --no-wait ] || kubectl rollout status deployment/backend -n indostar-naturals --timeout=5m
