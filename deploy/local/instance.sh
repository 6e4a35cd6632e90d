# What an instance is: its name, its ports, its folder, and how its processes are started and ended.
# Sourced by servers.sh after `set -euo pipefail`.

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}

# select_instance NAME: sets name, state and the ports, or refuses the name.
select_instance() {
  local first
  case ${1:-} in
  dev) first=10000 ;;
  test) first=20000 ;;
  fault) first=21000 ;;
  bench) first=22000 ;;
  crash) first=23000 ;;
  restore) first=24000 ;;
  compat) first=25000 ;;
  *) fail "unknown instance '${1:-}': expected dev, test, fault, bench, crash, restore or compat" ;;
  esac
  name=$1
  state=$root/.local/$name
  # All below 32768: from there on the system hands ports out to connections.
  postgres_port=$((first + 5432))
  redis_port=$((first + 6379))
  amqp_port=$((first + 5673))
  distribution_port=$((first + 5674))
  epmd_port=$((first + 4369))
}

# running SERVER FOLDER: its pid when the process in SERVER.pid is alive and works in FOLDER
# (a number from before a reboot may meanwhile belong to something else).
running() {
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) || return 1
  [[ -n $pid && /proc/$pid/cwd -ef $2 ]] && echo "$pid"
}

# launch SERVER FOLDER COMMAND…: in the background, in a session of its own, from FOLDER.
launch() {
  local server=$1 folder=$2
  shift 2
  (cd "$folder" && exec setsid "$@") </dev/null >"$state/$server.log" 2>&1 9>&- &
  echo $! >"$state/$server.pid"
}

# await SERVER SECONDS: until SERVER_answers; a server that ends or stays silent is ended and its last words shown.
await() {
  local server=$1 pid deadline=$((SECONDS + $2))
  pid=$(<"$state/$server.pid")
  until "${server}_answers"; do
    if ! alive "$pid" || ((SECONDS >= deadline)); then
      "${server}_down"
      say "error: $server of '$name' did not start; the end of $state/$server.log:"
      tail -n 8 "$state/$server.log" >&2
      exit 1
    fi
    sleep 0.05
  done
}

# alive PID: one that has ended but was not yet waited for by its parent is not.
alive() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]
}

# end_process PID SECONDS [SIGNAL]: asks, waits, insists.
end_process() {
  local pid=$1 deadline=$((SECONDS + $2))
  kill -s "${3:-TERM}" "$pid" 2>/dev/null || return 0
  while alive "$pid"; do
    ((SECONDS < deadline)) || kill -s KILL "$pid" 2>/dev/null || true
    sleep 0.05
  done
}

# need_port PORT SERVER: refuses a port that something else listens on, and says what that is where it can be seen.
need_port() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0
  local holder='' pid
  if command -v ss >/dev/null; then
    pid=$(ss -ltnpH "sport = :$1" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1)
    [[ -z $pid ]] || holder=" by $(cat "/proc/$pid/comm") (pid $pid, in $(readlink "/proc/$pid/cwd"))"
  fi
  fail "port $1, which $2 of '$name' needs, is taken$holder: stop that (another checkout: make stop there), then try again"
}

# need_space FOLDER: refuses to start servers on a disk that is nearly full.
need_space() {
  local free
  free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }')
  ((free >= 512)) || fail "only $free MiB free on the disk of $1: the servers need 512 MiB; free some space, then try again"
}

random_base64() { head -c "$1" /dev/urandom | base64 -w 0; }
