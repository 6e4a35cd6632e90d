#!/usr/bin/env bash
# Checks of a platform that runs: a real Prometheus scrapes it, and behind a real nginx its replicas are restarted one by one under load.
#
#   running.sh check          both, the restarts once
#   running.sh soak [MINUTES] the restarts for so long (12), and what the processes take of memory meanwhile
#
# Servers that had to be started are stopped at the end.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/python.sh
source deploy/local/debian.sh

# As on any other machine: against the committed answers, unless somebody names databases.
export SQLX_OFFLINE=${SQLX_OFFLINE:-true}

prepare() {
  ensure_python ops
  extracted nginx nginx nginx-common libnginx-mod-http-brotli-filter libnginx-mod-http-brotli-static libbrotli1
  extracted nginx-stream libnginx-mod-stream
  extracted prometheus prometheus prometheus-alertmanager
  export AIPOTEN_NGINX=$root/.local/tools/nginx AIPOTEN_NGINX_STREAM=$root/.local/tools/nginx-stream
  export AIPOTEN_PROMETHEUS=$root/.local/tools/prometheus/usr/bin/prometheus AIPOTEN_PYTHON=$python
  cargo build --quiet --workspace --all-targets
  [[ -n ${AIPOTEN_TEST_BROKER:-} ]] || start_servers
}

start_servers() {
  local server started=()
  for server in postgres redis rabbitmq; do
    deploy/local/servers.sh status test "$server" >/dev/null || started+=("$server")
  done
  # shellcheck disable=SC2064 # which ones is known now
  ((${#started[@]} == 0)) || trap "deploy/local/servers.sh down test ${started[*]}" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  deploy/local/servers.sh up test
  source .local/test/env
}

# one TEST: a test that others skip.
one() {
  cargo test --quiet --workspace --test it -- --ignored --nocapture --exact "$1"
}

rolling=rolling::replicas_are_restarted_one_by_one_under_load_and_no_request_fails

case ${1:-} in
check)
  prepare
  one metrics::a_prometheus_finds_every_metric_that_is_asked_for
  one $rolling
  ;;
soak)
  prepare
  AIPOTEN_SOAK_MINUTES=${2:-12} one $rolling
  ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
