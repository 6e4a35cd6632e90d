#!/usr/bin/env bash
# What takes minutes and servers of its own, which are stopped at the end.
#
#   measure.sh bench    requests a second, their latency and cost, next to the same SQL alone
#   measure.sh storm    200 sign-ins at once: how many are told to come back, and how late all others are
#   measure.sh events   events a second, commit to consumer, drain of a backlog
#   measure.sh booking  200 clients for one slot, for slots that overlap, and 200 sessions moved at once: p50 and p99
#   measure.sh login    whether the time of a refused sign-in tells anything of an address
#   measure.sh realtime 10,000 connections to one gateway: memory of each, how many connect a second, how late news reaches them
#   measure.sh search   searches among 20,000 therapists: median and p95 at the service
#   measure.sh reminders  100,000 due reminders, told and sent once each by two replicas
#   measure.sh faults   broker, database, services and the payment provider failing while events flow and packages are paid
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"

# with_servers INSTANCE "SERVER…" COMMAND…
with_servers() {
  local instance=$1 servers
  read -ra servers <<<"$2"
  shift 2
  # shellcheck disable=SC2064 # the instance is known now
  trap "deploy/local/servers.sh down $instance ${servers[*]}" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  deploy/local/servers.sh up "$instance" "${servers[@]}"
  source ".local/$instance/env"
  "$@"
}

faults() {
  cargo test --workspace --test faults -- --ignored --nocapture --test-threads 1
  cargo test --workspace --test it -- --ignored --nocapture --test-threads 1 money_faults
}

bench() {
  export BENCH_POSTGRES_PID BENCH_REDIS_PID
  BENCH_POSTGRES_PID=$(<.local/bench/postgres.pid)
  BENCH_REDIS_PID=$(<.local/bench/redis.pid)
  cargo test --profile quick -p aipoten-tests --test it -- --ignored --nocapture bench::bench
}

case ${1:-} in
bench)
  # Another executable can be measured by the same load.
  if [[ -z ${BENCH_EXECUTABLE:-} ]]; then
    cargo build --release -p aipoten
    export BENCH_EXECUTABLE=${CARGO_TARGET_DIR:-$root/target}/release/aipoten
  fi
  cargo test --profile quick -p aipoten-tests --test it --no-run
  with_servers bench "postgres redis rabbitmq" bench
  ;;
storm)
  cargo build --profile quick -p aipoten
  cargo test --profile quick -p aipoten-tests --test it --no-run
  with_servers bench "postgres redis rabbitmq" \
    cargo test --profile quick -p aipoten-tests --test it -- --ignored --nocapture bench::storm
  ;;
events)
  cargo build --profile quick -p aipoten-events --example bench
  with_servers bench "postgres rabbitmq" "${CARGO_TARGET_DIR:-target}/quick/examples/bench"
  ;;
booking)
  cargo test --profile quick -p aipoten-matching --test it --no-run
  with_servers bench "postgres redis" \
    cargo test --profile quick -p aipoten-matching --test it -- --nocapture --test-threads 1 booking
  ;;
login)
  cargo build --profile quick -p aipoten-identity --example bench_login
  with_servers bench "postgres redis" "${CARGO_TARGET_DIR:-target}/quick/examples/bench_login"
  ;;
search)
  cargo test --profile quick -p aipoten-matching --test it --no-run
  with_servers bench "postgres redis" \
    cargo test --profile quick -p aipoten-matching --test it -- --ignored --nocapture bench_search
  ;;
realtime)
  cargo build --profile quick -p aipoten
  cargo test --profile quick -p aipoten-tests --test it --no-run
  # Each end of a connection is a file.
  ulimit -n "$(ulimit -Hn)"
  with_servers bench "postgres redis rabbitmq" \
    cargo test --profile quick -p aipoten-tests --test it -- --ignored --nocapture bench_realtime
  ;;
reminders)
  cargo test --profile quick -p aipoten-notification --test it --no-run
  with_servers bench "postgres redis" \
    cargo test --profile quick -p aipoten-notification --test it -- --ignored --nocapture a_hundred_thousand_reminders
  ;;
faults)
  cargo build --workspace --all-targets
  with_servers crash "postgres redis rabbitmq" faults
  ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
