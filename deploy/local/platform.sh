#!/usr/bin/env bash
# The platform on a developer's machine: every role in one process, on the servers of the dev instance.
#
#   platform.sh run     installs and starts what is missing, builds, migrates, seeds, and waits until it is ready;
#                       what runs and is up to date is left alone
#   platform.sh stop    ends the platform and its servers
#   platform.sh reset   stop, and delete the data
#   platform.sh logs    follows the log
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd -P)
source "$here/instance.sh"
select_instance dev
binary=${CARGO_TARGET_DIR:-$root/target}/debug/aipoten
api_port=3000
operations_port=9100

aipoten_running() {
  local pid
  pid=$(running aipoten "$root") && [[ $(<"/proc/$pid/comm") == aipoten ]] && echo "$pid"
}

# The status line of /health/ready, asked without any tool.
aipoten_answers() {
  local status
  status=$(
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$operations_port" &&
      printf 'GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3 && timeout 5 head -n 1 <&3
  ) || return 1
  [[ $status == *' 200 '* ]]
}

# It finishes what it has begun, for 30 seconds at most.
aipoten_down() {
  local pid
  if pid=$(aipoten_running); then end_process "$pid" 35; fi
  rm -f "$state/aipoten.pid"
}

# Up to date: it runs this very build, with these settings.
up_to_date() {
  local pid
  pid=$(aipoten_running) && [[ /proc/$pid/exe -ef $binary && ! $state/env -nt $state/aipoten.pid ]] && aipoten_answers
}

start() {
  aipoten_down
  need_port "$api_port" aipoten
  need_port "$operations_port" aipoten
  source "$state/env"
  cd "$root"
  "$binary" migrate
  "$binary" seed
  launch aipoten "$root" "$binary" all
  await aipoten 60
}

run() {
  command -v cargo >/dev/null || fail "cargo is missing: install Rust from https://rustup.rs, then try again"
  "$here/servers.sh" up dev
  (cd "$root" && cargo build --workspace)
  up_to_date || start
  printf '%-15s%s\n' API "http://127.0.0.1:$api_port/api/v1" Reference "http://127.0.0.1:$api_port/docs" \
    Mail "http://127.0.0.1:$api_port/dev/mail, files in .local/mail" \
    Administrator "admin@aipoten.example, password in .local/dev/admin-password" \
    Log "${state#"$root/"}/aipoten.log (make logs)"
}

stop() {
  aipoten_down
  "$here/servers.sh" down dev
}

reset() {
  aipoten_down
  "$here/servers.sh" reset dev
  rm -rf "$root/.local/mail"
}

logs() {
  [[ -f $state/aipoten.log ]] || fail "there is no log yet: make run"
  exec tail -n 100 -F "$state/aipoten.log"
}

case ${1:-} in
run | stop | reset | logs) "$1" ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
