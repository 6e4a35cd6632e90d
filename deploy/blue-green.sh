#!/usr/bin/env bash
# Two releases beside each other in a cluster (k8s/overlays/blue-green).
#
#   blue-green.sh prepare COLOUR TAG   brings a release into the colour that nobody is sent to, and waits until it is ready
#   blue-green.sh switch COLOUR        sends everybody to the colour; the other stays as it is, to switch back
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

overlay=k8s/overlays/blue-green
namespace=aipoten
colour=${2:-}
patience=${PATIENCE:-900}

fail() {
  echo "error: $*" >&2
  exit 1
}
in_cluster() { kubectl --namespace "$namespace" "$@"; }
mine="aipoten.example/colour=$colour"

served() { in_cluster get service gateway -o 'jsonpath={.spec.selector.aipoten\.example/colour}'; }

wait_until_ready() {
  local deployment found=0
  for deployment in $(in_cluster get deployments --selector "$mine" -o name); do
    in_cluster rollout status "$deployment" --timeout "${patience}s"
    found=1
  done
  ((found)) || fail "nothing of $colour runs"
}

prepare() {
  local tag=$1
  [[ $(served || true) != "$colour" ]] || fail "everybody is sent to $colour: prepare the other colour"
  in_cluster delete job migrate --ignore-not-found --wait
  # What has no colour, but for the service that says which is served: that is changed by switch alone.
  kubectl kustomize "$overlay" | sed -E "s#^( *image: .*/aipoten(-backup)?):[^/]*\$#\\1:$tag#" >"$objects"
  kubectl apply --selector '!aipoten.example/colour,aipoten.example/serves!=everybody' --filename "$objects"
  in_cluster wait --for condition=Complete job/migrate --timeout "${patience}s"
  kubectl apply --selector "$mine" --filename "$objects"
  in_cluster get service gateway >/dev/null 2>&1 ||
    kubectl apply --selector aipoten.example/serves=everybody --filename "$objects"
  wait_until_ready
  echo "$colour is ready with $tag: blue-green.sh switch $colour" >&2
}

switch() {
  wait_until_ready
  in_cluster patch service gateway --patch "{\"spec\":{\"selector\":{\"aipoten.example/colour\":\"$colour\"}}}"
  echo "everybody is sent to $colour" >&2
}

[[ $colour == blue || $colour == green ]] || { sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
objects=$(mktemp)
trap 'rm -f "$objects"' EXIT
case $1:$# in
prepare:3) prepare "$3" ;;
switch:2) switch ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
