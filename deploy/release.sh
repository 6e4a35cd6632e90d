#!/usr/bin/env bash
# release.sh ENVIRONMENT TAG: brings a release into a cluster: migrates, rolls out, waits until every role is ready; where one does not become
# ready, all go back to what ran before. ENVIRONMENT is a folder of k8s/overlays; kubectl has to point to its cluster.
#
# PATIENCE is how many seconds the migration and the rollout may take each; default 900.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

(($# == 2)) || { sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
overlay=k8s/overlays/$1
tag=$2
patience=${PATIENCE:-900}
roles='app.kubernetes.io/component=role'

say() { printf '%s %s\n' "$(date -u +%TZ)" "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}

[[ -f $overlay/kustomization.yaml ]] || fail "there is no environment $1"
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ && $tag != latest ]] || fail "'$tag' is no tag of a release"
objects=$(mktemp)
trap 'rm -f "$objects"' EXIT
kubectl kustomize "$overlay" | sed -E "s#^( *image: .*/aipoten(-backup)?):[^/]*\$#\\1:$tag#" >"$objects"
namespace=$(sed -n 's/^  namespace: //p' "$objects" | sort -u)
[[ $namespace && $namespace != *$'\n'* ]] || fail "the objects of $overlay are not in one namespace"
in_cluster() { kubectl --namespace "$namespace" "$@"; }

# condition TYPE: of the migration; empty while it runs.
condition() { in_cluster get job migrate -o "jsonpath={.status.conditions[?(@.type==\"$1\")].status}"; }

# A job cannot be changed, so the one of the last release goes. Everything but the roles comes before it: it needs its account, secrets and settings.
migrate() {
  in_cluster delete job migrate --ignore-not-found --wait
  kubectl apply --selector 'app.kubernetes.io/component!=role' --filename "$objects"
  local deadline=$((SECONDS + patience))
  until [[ $(condition Complete) == True ]]; do
    [[ $(condition Failed) != True ]] || return 1
    ((SECONDS < deadline)) || return 1
    sleep 2
  done
}

deployments() { in_cluster get deployments --selector "$roles" -o name; }

roll_out() {
  kubectl apply --filename "$objects"
  local deployment
  for deployment in $(deployments); do
    in_cluster rollout status "$deployment" --timeout "${patience}s" || return 1
  done
}

# Settings have names of their own for each content: what runs before them is still there.
go_back() {
  local deployment
  for deployment in $(deployments); do in_cluster rollout undo "$deployment" || true; done
  for deployment in $(deployments); do in_cluster rollout status "$deployment" --timeout "${patience}s" || true; done
}

say "$1: migrating for $tag"
if ! migrate; then
  in_cluster logs job/migrate --all-containers --tail 20 >&2 || true
  fail "$1 was not migrated; what ran before runs on"
fi
say "$1: rolling out $tag"
if ! roll_out; then
  say "$1: a role does not become ready: going back"
  go_back
  fail "$tag was not rolled out; $1 runs what it ran before"
fi
say "$1 runs $tag"
