#!/usr/bin/env bash
# Private PostgreSQL, Redis and RabbitMQ of this checkout; everything they write is under .local/INSTANCE/.
#
#   servers.sh up|down|reset|status INSTANCE [postgres|redis|rabbitmq …]
#
# INSTANCE is dev (ports 15432, 16379, 15673), test (25432 …), fault (26432 …), bench (27432 …), crash (28432 …) or restore
# (29432 …); without a list, all three servers. test and fault trade the safety of their data for speed; restore archives its log.
# `up` installs what is missing, waits until every server answers and writes .local/INSTANCE/env; `reset` is down
# and deletes the data. Calling it again changes nothing.
set -euo pipefail

here=${BASH_SOURCE[0]%/*}
source "$here/instance.sh"
source "$here/postgres.sh"
source "$here/redis.sh"
source "$here/rabbitmq.sh"
source "$here/environment.sh"

usage() {
  sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# One call at a time works on an instance; the lock ends with the call.
lock_instance() {
  mkdir -p "$state" 2>/dev/null || true
  [[ -w $state ]] || fail "$state cannot be written by $(id -un): run as its owner, or remove it"
  exec 9>"$state/lock"
  flock -w 120 9 || fail "another servers.sh has been working on '$name' for two minutes"
}

install_missing() {
  local server missing=()
  for server in "${servers[@]}"; do
    mapfile -t -O "${#missing[@]}" missing < <("${server}_package")
  done
  ((${#missing[@]} == 0)) || "$BASH" "$here/packages.sh" "${missing[@]}"
}

up() {
  local server port starting=() pids=() failed=0
  lock_instance
  install_missing
  for server in "${servers[@]}"; do
    if ! "${server}_running" >/dev/null || ! "${server}_answers"; then starting+=("$server"); fi
  done
  ((${#starting[@]} == 0)) || need_space "$state"
  for server in "${starting[@]}"; do
    "${server}_down"
    for port in $("${server}_ports"); do need_port "$port" "$server"; done
  done
  for server in "${starting[@]}"; do
    "${server}_up" &
    pids+=($!)
  done
  for server in "${pids[@]}"; do wait "$server" || failed=1; done
  ((failed == 0)) || exit 1
  write_environment
}

down() {
  local server pids=()
  [[ -d $state ]] || return 0
  lock_instance
  for server in "${servers[@]}"; do
    "${server}_down" &
    pids+=($!)
  done
  wait "${pids[@]}"
}

reset() {
  local server
  down
  for server in "${servers[@]}"; do "${server}_erase"; done
  ((all == 0)) || rm -rf "$state"
}

status() {
  local server pid down=0
  for server in "${servers[@]}"; do
    if ! pid=$("${server}_running"); then
      echo "$server: stopped"
      down=1
    elif "${server}_answers"; then
      echo "$server: running, pid $pid, port $("${server}_ports" | cut -d ' ' -f 1)"
    else
      echo "$server: pid $pid does not answer"
      down=1
    fi
  done
  return $down
}

(($# >= 2)) || usage
action=$1
select_instance "$2"
shift 2
all=0
(($# > 0)) || all=1
servers=("$@")
((all == 0)) || servers=(postgres redis rabbitmq)
for server in "${servers[@]}"; do
  [[ $server =~ ^(postgres|redis|rabbitmq)$ ]] || fail "unknown server '$server': expected postgres, redis or rabbitmq"
done
case $action in
up | down | reset | status) "$action" ;;
*) usage ;;
esac
