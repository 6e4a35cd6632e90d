#!/usr/bin/env bash
# Everything that a change must pass, the quick checks first; all of them run, then a summary. The servers that it had
# to start are stopped at the end, also when it is interrupted.
#
#   check.sh        all
#   check.sh lint   only what needs no server
set -uo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root" || exit 1

# As on any other machine: against the committed answers, not a developer's databases.
export SQLX_OFFLINE=true
started=()
summary=()
failed=0

# The instance `fault` is for tests that stop servers; one that failed may have left it running.
stop_servers() {
  deploy/local/servers.sh down fault
  ((${#started[@]} == 0)) || deploy/local/servers.sh down test "${started[@]}"
}

start_servers() {
  local server
  for server in postgres redis rabbitmq; do
    deploy/local/servers.sh status test "$server" >/dev/null || started+=("$server")
  done
  deploy/local/servers.sh up test && source .local/test/env
}

# step NAME COMMAND…
step() {
  local name=$1 begun=$SECONDS result=ok
  shift
  printf '\n== %s\n' "$name"
  "$@" || { result=FAILED && failed=1; }
  summary+=("$(printf '%-8s%-14s%4d s' "$result" "$name" $((SECONDS - begun)))")
  [[ $result == ok ]]
}

trap stop_servers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step formatting cargo fmt --all --check
step protos deploy/local/contract.sh proto
step clippy cargo clippy --workspace --all-targets -- -D warnings
if [[ ${1:-} != lint ]]; then
  # The tests from outside run the executable, which `cargo test` alone would leave as it was.
  step build cargo build --workspace --all-targets
  step servers start_servers && step tests cargo test --workspace --no-fail-fast
  step openapi deploy/local/contract.sh openapi
  step calendar deploy/local/calendar.sh
  step realtime deploy/local/realtime.sh
  step mail deploy/local/mail.sh
  step manifests deploy/local/k8s.sh check
  step operations deploy/local/ops.sh
  step running deploy/local/running.sh check
fi

echo
printf '%s\n' "${summary[@]}"
exit $failed
