#!/usr/bin/env bash
# What takes minutes and servers of its own, which are stopped at the end.
#
#   measure.sh events   events a second, commit to consumer, drain of a backlog
#   measure.sh search   searches among 20,000 therapists: median and p95 at the service
#   measure.sh faults   broker and database killed and restarted while events flow
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"

# with_servers INSTANCE COMMAND…
with_servers() {
  local instance=$1
  shift
  # shellcheck disable=SC2064 # the instance is known now
  trap "deploy/local/servers.sh down $instance postgres rabbitmq" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  deploy/local/servers.sh up "$instance" postgres rabbitmq
  source ".local/$instance/env"
  "$@"
}

case ${1:-} in
events)
  cargo build --profile quick -p aipoten-events --example bench
  with_servers bench "${CARGO_TARGET_DIR:-target}/quick/examples/bench"
  ;;
search)
  cargo test -p aipoten-matching --test it --no-run
  with_servers bench cargo test -p aipoten-matching --test it -- --ignored --nocapture bench_search
  ;;
faults)
  cargo test -p aipoten-events --test faults --no-run
  with_servers crash cargo test -p aipoten-events --test faults -- --ignored --test-threads 1
  ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
