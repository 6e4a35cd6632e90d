#!/usr/bin/env bash
# What takes minutes and servers of its own, which are stopped at the end.
#
#   measure.sh events   events a second, commit to consumer, drain of a backlog
#   measure.sh login    whether the time of a refused sign-in tells anything of an address
#   measure.sh faults   broker and database killed and restarted while events flow
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"

# with_servers INSTANCE SERVER COMMAND…: PostgreSQL and one other server.
with_servers() {
  local instance=$1 server=$2
  shift 2
  # shellcheck disable=SC2064 # the instance is known now
  trap "deploy/local/servers.sh down $instance postgres $server" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  deploy/local/servers.sh up "$instance" postgres "$server"
  source ".local/$instance/env"
  "$@"
}

case ${1:-} in
events)
  cargo build --profile quick -p aipoten-events --example bench
  with_servers bench rabbitmq "${CARGO_TARGET_DIR:-target}/quick/examples/bench"
  ;;
login)
  cargo build --profile quick -p aipoten-identity --example bench_login
  with_servers bench redis "${CARGO_TARGET_DIR:-target}/quick/examples/bench_login"
  ;;
faults)
  cargo test -p aipoten-events --test faults --no-run
  with_servers crash rabbitmq cargo test -p aipoten-events --test faults -- --ignored --test-threads 1
  ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
