# The drill of restoring. Sourced by backup.sh.
#
# It loses what a lost disk loses: the data and the segments of the log that were not shipped yet. Settings are those of
# deploy/compose.yaml: the log is handed over after 60 s at the latest and shipped every 30 s.

running_for=${DRILL_SECONDS:-200}

now() { date +%s.%N; }
since() { awk -v begun="$1" -v ended="$(now)" 'BEGIN { printf "%.1f", ended - begun }'; }
sql() { psql -XAtq -v ON_ERROR_STOP=1 "postgres://aipoten_owner@127.0.0.1:$postgres_port/aipoten_identity" -c "$1"; }
must() { [[ $2 == "$3" ]] || fail "$1: found '$2', expected '$3'"; }

# The platform of the drill: every port beside those of the instance's servers.
drill_environment() {
  local first=$((postgres_port - 5432 + 3000)) service port=0
  source "$state/env"
  export AIPOTEN__OPS__LISTEN=127.0.0.1:$((first + 100)) AIPOTEN__GATEWAY__LISTEN=127.0.0.1:$first
  export AIPOTEN__LOG__FORMAT=json AIPOTEN__MATCHING__DOCUMENTS=$state/documents
  for service in IDENTITY CONTENT MATCHING BILLING NOTIFICATION; do
    port=$((port + 1))
    export "AIPOTEN__${service}__LISTEN=127.0.0.1:$((first + port))"
    export "AIPOTEN__GATEWAY__${service}_URL=http://127.0.0.1:$((first + port))"
    [[ $service == IDENTITY ]] || export "AIPOTEN__${service}__IDENTITY_URL=http://127.0.0.1:$((first + 1))"
  done
  [[ -z ${AIPOTEN__SANDBOX__LISTEN:-} ]] || export AIPOTEN__SANDBOX__LISTEN=127.0.0.1:$((first + 90))
  export AIPOTEN__BILLING__MATCHING_URL=http://127.0.0.1:$((first + 3))
  api=http://127.0.0.1:$first/api/v1
}

aipoten_answers() { "$program" health 2>/dev/null; }
aipoten_down() {
  local pid
  if pid=$(running aipoten "$root"); then end_process "$pid" 35; fi
  rm -f "$state/aipoten.pid"
}

start_platform() {
  need_port "${AIPOTEN__OPS__LISTEN#*:}" aipoten
  launch aipoten "$root" "$program" all
  await aipoten 60
}

# ask METHOD PATH [BODY]: the answer's data.
ask() {
  local answer
  answer=$(curl -sS -X "$1" "$api$2" -H 'content-type: application/json' ${token:+-H "authorization: Bearer $token"} \
    ${3:+--data "$3"})
  [[ $(jq .success <<<"$answer") == true ]] || fail "$1 $2: $answer"
  jq -c .data <<<"$answer"
}

# sign_in: sets token.
sign_in() {
  token=''
  token=$(ask POST /auth/login '{"email":"drill@example.com","password":"correct horse 7!"}' | jq -r .tokens.access_token)
}

# A child with a text in an encrypted column. Sets child.
fill() {
  local kind agreed='"granted":true,"text_version":"1","method":"web_sms"'
  ask POST /auth/register '{"email":"drill@example.com","password":"correct horse 7!","name":"김보람","role":"parent","consents":
    [{"kind":"terms","text_version":"1"},{"kind":"privacy","text_version":"1"}]}' >/dev/null
  sign_in
  for kind in guardian child_sensitive_data; do ask POST /users/me/consents "{\"kind\":\"$kind\",$agreed}" >/dev/null; done
  child=$(ask POST /children '{"name":"하준","birth_date":"2024-10-21","gender":"male","medical_history":"중이염"}' | jq -r .id)
}

# Rows that tell when they were written, five a second; what the client was told of is in the file.
start_writer() {
  sql 'CREATE TABLE drill (n bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())'
  psql -XAtq -F ' ' "postgres://aipoten_owner@127.0.0.1:$postgres_port/aipoten_identity" \
    <<<'INSERT INTO drill DEFAULT VALUES RETURNING n, extract(epoch FROM at) \watch 0.2' >"$state/written" 2>/dev/null &
}

ship_forever() {
  while :; do
    "$backup/backup.sh" wal
    sleep 30
  done
}

# What a dead machine leaves behind: nothing.
lose_the_disk() {
  local folder pid
  folder=$(postgres_folder)
  pid=$(postgres_running)
  kill -KILL "$pid"
  aipoten_down
  "$here/servers.sh" down restore postgres
  rm -rf "$folder" "$folder-spool"
}

# come_up [POINT]: from the loss to a platform that serves. Prints the seconds.
come_up() {
  local begun folder
  begun=$(now)
  folder=$(postgres_folder)
  RESTORE_AT=${1:-} "$backup/restore.sh" cluster "$folder" >&2
  ((EUID != 0)) || chown -R postgres:postgres "$folder"
  "$here/servers.sh" up restore postgres >&2
  until [[ $(sql 'SELECT pg_is_in_recovery()') == f ]]; do sleep 0.1; done
  start_platform >&2
  since "$begun"
}

# Nothing is missing before the last row that is there, and the program finds its own data in order.
check_restored() {
  must 'rows without a gap' "$(sql 'SELECT count(*) = max(n) FROM drill')" t
  "$program" check-audit >&2
  "$program" check-invariants >&2
  "$program" check-keys >&2
}

# A dump holds what the database does.
check_dump() {
  local server=postgres://aipoten_owner@127.0.0.1:$postgres_port dumped
  "$backup/backup.sh" dump >&2
  dumped=$("$backup/backup.sh" list | grep 'aipoten_identity\.dump')
  sql 'CREATE DATABASE drill_dump'
  "$backup/restore.sh" dump "$dumped" "$server/drill_dump" >&2
  must 'users in the dump' "$(psql -XAtq "$server/drill_dump" -c 'SELECT count(*) FROM users')" "$(sql 'SELECT count(*) FROM users')"
  "$backup/restore.sh" dump "$dumped" "$server/drill_dump" >/dev/null 2>&1 && fail 'a dump went over data'
  return 0
}

drill() {
  local program begun shipper writer point told found rto
  select_instance restore
  ((running_for >= 200)) || fail "DRILL_SECONDS=$running_for: what happens in less than 100 s may be lost with the disk"
  program=${AIPOTEN_EXECUTABLE:-}
  if [[ -z $program ]]; then
    (cd "$root" && cargo build -p aipoten)
    program=${CARGO_TARGET_DIR:-$root/target}/debug/aipoten
  fi
  aipoten_down
  "$here/servers.sh" reset restore
  "$here/servers.sh" up restore
  trap 'kill $(jobs -p) 2>/dev/null || true; aipoten_down; "$here/servers.sh" down restore' EXIT
  export BACKUP_TO=$state/backups BACKUP_DATABASE_URL=postgres://aipoten_backup@127.0.0.1:$postgres_port/postgres
  BACKUP_SPOOL=$(postgres_folder)-spool
  export BACKUP_SPOOL
  keyed "$state/backup-key"
  drill_environment

  "$program" migrate >&2
  "$program" seed >&2
  start_platform
  fill
  start_writer
  writer=$!
  begun=$(now)
  "$backup/backup.sh" base
  say "base backup: $(since "$begun") s, while it is written to"
  ship_forever &
  shipper=$!

  sleep $((running_for / 2))
  point=$(sql 'SELECT clock_timestamp()')
  sleep 2
  sql 'DELETE FROM child_caregivers' && say "an accident: every child is taken from its parent; the point before it is $point"
  sleep $((running_for / 2))

  kill $shipper
  lose_the_disk
  wait $writer || true
  told=$(tail -n 1 "$state/written" | cut -d ' ' -f 2)
  say "the disk is lost; the last row that was told to be written: $(date -d "@$told" +%T.%N)"

  rto=$(come_up)
  check_restored
  found=$(sql 'SELECT extract(epoch FROM max(at)) FROM drill')
  must 'the accident is there' "$(sql 'SELECT count(*) FROM child_caregivers')" 0
  printf '%-44s%8s s\n' 'newest state: recovery time (RTO)' "$rto" \
    'newest state: writes lost (RPO)' "$(awk -v told="$told" -v found="$found" 'BEGIN { printf "%.1f", told - found }')"

  lose_the_disk
  rto=$(come_up "$point")
  check_restored
  must 'nothing after the point' "$(sql "SELECT count(*) FROM drill WHERE at > '$point'")" 0
  must 'everything before it' "$(sql "SELECT max(at) > '$point'::timestamptz - interval '1 second' FROM drill")" t
  sign_in
  must 'the child is with its parent, and its encrypted text opens' \
    "$(ask GET "/children/$child" | jq -r '.name + " " + .medical_history')" '하준 중이염'
  printf '%-44s%8s s\n' 'point in time: recovery time (RTO)' "$rto"
  aipoten_down

  begun=$(now)
  check_dump
  printf '%-44s%8s s\n' 'dump of each database, one restored' "$(since "$begun")"
  printf '%-44s%8s MiB\n' 'databases' "$(sql "SELECT round(sum(pg_database_size(datname)) / 1048576) FROM pg_database")"
}
