#!/usr/bin/env bash
# Checks the manifests of k8s.
#
#   k8s.sh check   renders every overlay and checks its objects; then breaks them one by one, to see that it is noticed
#   k8s.sh rules   makes the PrometheusRule of deploy/observability/rules
#
# AIPOTEN_EXECUTABLE names another program to ask for its variables than the one of this checkout.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/node.sh
source deploy/local/python.sh

program() {
  [[ -n ${AIPOTEN_EXECUTABLE:-} ]] || cargo build --quiet --workspace --all-targets
  export AIPOTEN_EXECUTABLE=${AIPOTEN_EXECUTABLE:-${CARGO_TARGET_DIR:-$root/target}/debug/aipoten}
}

ensure_python k8s
case ${1:-} in
check)
  ensure_tools
  program
  "$python" tools/k8s/check.py "$AIPOTEN_EXECUTABLE"
  "$python" tools/k8s/check_test.py
  ;;
rules) "$python" tools/k8s/check.py rules ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
