#!/usr/bin/env bash
# The databases that the queries in the code are checked against.
#
#   eval "$(sqlx.sh db)"   makes them anew from this checkout's migrations and prints where they are
#   sqlx.sh prepare        renews .sqlx, the answers that builds without a database are checked against
#
# They live in the test instance, or in the one whose env file AIPOTEN_TEST_ENV names.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
export PGOPTIONS='-c client_min_messages=warning'

load_instance() {
  if [[ -z ${AIPOTEN_TEST_ENV:-} ]]; then
    deploy/local/servers.sh up test
    AIPOTEN_TEST_ENV=.local/test/env
  fi
  source "$AIPOTEN_TEST_ENV"
  postgres=${AIPOTEN_TEST_POSTGRES:?"$AIPOTEN_TEST_ENV does not name a PostgreSQL"}
}

# apply FILE URL: in one transaction, unless the file says otherwise in its first line, as for sqlx itself.
apply() {
  local one=(--single-transaction)
  if [[ $(head -n 1 "$1") == '-- no-transaction'* ]]; then one=(); fi
  psql -Xq -v ON_ERROR_STOP=1 "${one[@]}" -f "$1" "$2" >&2
}

# fresh_database NAME FOLDER…: empty, then the migrations of the folders in order. Sets url. Each checkout has its own.
fresh_database() {
  local database folder file
  database=sqlx_$1_$(sha256sum <<<"$root" | head -c 8)
  url=${postgres%/*}/$database
  psql -Xq -v ON_ERROR_STOP=1 "$postgres" -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" \
    -c "CREATE DATABASE $database" >&2
  shift
  for folder in "$@"; do
    for file in "migrations/$folder/"*.sql; do
      [[ ! -e $file ]] || apply "$file" "$url"
    done
  done
}

make_databases() {
  load_instance
  fresh_database events events
  export EVENTS_DATABASE_URL=$url
  fresh_database identity events identity
  export IDENTITY_DATABASE_URL=$url
  fresh_database content events content
  export CONTENT_DATABASE_URL=$url
  fresh_database matching events matching
  export MATCHING_DATABASE_URL=$url
  fresh_database billing events billing
  export BILLING_DATABASE_URL=$url
  fresh_database notification events notification
  export NOTIFICATION_DATABASE_URL=$url
  export SQLX_OFFLINE=false
}

# Every target that holds a query is compiled again, as its answers are written while it compiles.
prepare() {
  local answers=$root/.local/sqlx
  make_databases
  rm -rf "$answers"
  mkdir -p "$answers"
  find crates tests -name '*.rs' -exec grep -qE 'query(_as|_scalar)?!' {} ';' -exec touch {} +
  SQLX_OFFLINE_DIR=$answers cargo check --workspace --all-targets
  rm -rf .sqlx
  mv "$answers" .sqlx
  echo "$(find .sqlx -name 'query-*.json' | wc -l) queries in .sqlx" >&2
}

case ${1:-} in
db)
  make_databases
  for variable in EVENTS_DATABASE_URL IDENTITY_DATABASE_URL CONTENT_DATABASE_URL MATCHING_DATABASE_URL BILLING_DATABASE_URL NOTIFICATION_DATABASE_URL SQLX_OFFLINE; do
    printf "export %s='%s'\n" "$variable" "${!variable}"
  done
  ;;
prepare) prepare ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
