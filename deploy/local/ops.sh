#!/usr/bin/env bash
# Checks what is deployed and what watches it, as far as that needs no Docker and no cluster: images and compose files, the edge with a real nginx,
# rules with a real promtool, each alert's test, backups, releases, workflows. Nothing of the system is installed or started.
#
# AIPOTEN_EXECUTABLE names another program to ask for its variables than the one of this checkout.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/node.sh
source deploy/local/python.sh
source deploy/local/debian.sh

ensure_python k8s
kubectl=$root/.local/tools/python-k8s/bin/kubectl
ensure_python ops
ensure_tools
extracted nginx nginx nginx-common libnginx-mod-http-brotli-filter libnginx-mod-http-brotli-static libbrotli1
extracted prometheus prometheus prometheus-alertmanager
extracted backup age rclone
for tool in openssl zstd; do command -v $tool >/dev/null || deploy/local/packages.sh $tool; done
PATH=$root/.local/tools/prometheus/usr/bin:$root/.local/tools/backup/usr/bin:$root/.local/tools/python-ops/bin:$PATH
[[ -n ${AIPOTEN_EXECUTABLE:-} ]] || cargo build --quiet --workspace --all-targets
program=${AIPOTEN_EXECUTABLE:-${CARGO_TARGET_DIR:-$root/target}/debug/aipoten}
# Each test of an alert writes a database of its own.
[[ ! -d /dev/shm ]] || export TMPDIR=/dev/shm

failed=()
# checked NAME COMMAND…: what it says is shown only when it fails.
checked() {
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "ok      $name"
  else
    echo "$said"
    echo "FAILED  $name"
    failed+=("$name")
  fi
}

checked images hadolint deploy/docker/*Dockerfile
checked 'compose files' check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml deploy/observability/compose.yaml
checked 'what they say of each other' "$python" tools/ops/check.py "$program"
checked 'the same, broken' "$python" tools/ops/check_test.py
checked edge env AIPOTEN_NGINX="$root/.local/tools/nginx" "$python" tools/ops/edge_test.py
checked rules promtool check config deploy/observability/prometheus.yaml
checked 'tests of alerts' promtool test rules deploy/observability/tests/*.yaml
checked alertmanager amtool check-config deploy/observability/alertmanager.yaml
checked backup "$python" tools/ops/backup_test.py
checked releases env AIPOTEN_KUBECTL="$kubectl" "$python" tools/ops/release_test.py
checked workflows check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
checked 'workflows, their steps' node tools/ops/workflows.mjs
((${#failed[@]} == 0))
