# PostgreSQL of an instance. It answers on 127.0.0.1 to two roles without a password: aipoten_owner, who owns the
# databases and runs migrations, and aipoten_app, who may only read and write rows; where backups are made, also to
# aipoten_backup, who copies the server. The superuser is not reachable.
# Sourced by servers.sh.

postgres_bin() {
  local found
  found=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1) ||
    found=$(command -v postgres) || return 1
  [[ -n $found ]] && echo "${found%/postgres}"
}

postgres_package() { postgres_bin >/dev/null || echo postgresql; }

# PostgreSQL refuses to run as root; then it runs as the user that its package made.
as_postgres=()
((EUID != 0)) || as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/)

# The data lies in the checkout where the database's user can reach it, else under /var/tmp with a link to it.
postgres_folder() { readlink -m "$state/postgres"; }

postgres_make_folder() {
  local elsewhere
  [[ ! -d $state/postgres ]] || return 0
  rm -f "$state/postgres"
  if "${as_postgres[@]}" test -x "$state"; then
    mkdir "$state/postgres"
  else
    elsewhere=/var/tmp/aipoten-$(sha256sum <<<"$root" | head -c 12)
    [[ -d $elsewhere ]] || mkdir -m 755 "$elsewhere"
    [[ -O $elsewhere ]] || fail "$elsewhere belongs to another user: remove it"
    mkdir -p "$elsewhere/$name/postgres"
    ln -s "$elsewhere/$name/postgres" "$state/postgres"
  fi
  ((EUID != 0)) || chown postgres:postgres "$state/postgres/"
  chmod 700 "$state/postgres/"
}

# Only a folder with the mark at its end was set up to the last step; anything less is begun anew.
postgres_prepare() {
  local folder bin
  postgres_make_folder
  folder=$(postgres_folder)
  bin=$(postgres_bin)
  if [[ -f $folder/prepared ]]; then
    postgres_new_databases "$bin" "$folder"
    postgres_new_backup "$bin" "$folder"
    return
  fi
  find "$folder" -mindepth 1 -delete
  (cd / && "${as_postgres[@]}" "$bin/initdb" --pgdata="$folder" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
    --auth=reject --no-sync --no-instructions) >"$state/postgres.log" 2>&1 ||
    fail "initdb failed: $(tail -n 3 "$state/postgres.log")"
  printf 'host all aipoten_owner,aipoten_app 127.0.0.1/32 trust\n' >"$folder/pg_hba.conf"
  postgres_statements | postgres_single_user "$bin" "$folder"
  touch "$folder/prepared"
  postgres_new_databases "$bin" "$folder"
  postgres_new_backup "$bin" "$folder"
}

# The databases of a developer's platform; those that a later release brings are made in data that is there already.
postgres_new_databases() {
  local database
  [[ $name == dev || $name == restore || $name == compat ]] || return 0
  for database in aipoten_identity aipoten_content aipoten_matching aipoten_billing aipoten_notification; do
    [[ ! -f $2/made-$database ]] || continue
    echo "CREATE DATABASE $database OWNER aipoten_owner;" | postgres_single_user "$1" "$2" 'already exists'
    touch "$2/made-$database"
  done
}

# Who copies the server, in data that are there already, too.
postgres_new_backup() {
  [[ $name == dev || $name == restore ]] || return 0
  [[ ! -f $2/made-backup ]] || return 0
  printf '%s\n' 'CREATE ROLE aipoten_backup LOGIN REPLICATION;' 'GRANT pg_read_all_data TO aipoten_backup;' |
    postgres_single_user "$1" "$2" 'already exists'
  printf 'host %s aipoten_backup 127.0.0.1/32 trust\n' all replication >>"$2/pg_hba.conf"
  touch "$2/made-backup"
}

# Roles and extensions (in template1, so that every later database has them), one statement a line.
postgres_statements() {
  local extension
  # Only the tests' owner makes databases of its own.
  if [[ $name == dev ]]; then echo 'CREATE ROLE aipoten_owner LOGIN;'; else echo 'CREATE ROLE aipoten_owner LOGIN CREATEDB;'; fi
  echo 'CREATE ROLE aipoten_app LOGIN;'
  for extension in citext pg_trgm btree_gist pgcrypto; do
    echo "CREATE EXTENSION $extension;"
  done
}

# postgres_single_user BIN FOLDER [FINE]: runs the statements it is given; an error that says FINE is none.
postgres_single_user() {
  local said
  said=$(cd / && "${as_postgres[@]}" env LC_ALL=C "$1/postgres" --single -F -D "$2" template1 2>&1)
  said=$(grep -vF "${3:-no such error}" <<<"$said" || true)
  ! grep -qE 'ERROR|FATAL|PANIC' <<<"$said" || fail "PostgreSQL could not be set up: $(grep -E 'ERROR|FATAL|PANIC' <<<"$said")"
}

postgres_settings() {
  echo listen_addresses=127.0.0.1 port="$postgres_port" unix_socket_directories= timezone=UTC log_timezone=UTC \
    log_parameter_max_length=0
  case $name in
  dev) echo max_connections=200 log_min_duration_statement=1000 ;;
  restore) echo max_connections=200 archive_mode=on archive_timeout=60 wal_keep_size=1GB ;;
  bench | crash) echo max_connections=200 shared_buffers=256MB ;;
  *) echo max_connections=300 shared_buffers=256MB fsync=off synchronous_commit=off full_page_writes=off autovacuum=off ;;
  esac
}

postgres_up() {
  local setting settings=()
  postgres_prepare
  for setting in $(postgres_settings); do settings+=(-c "$setting"); done
  [[ $name != restore ]] || postgres_archive
  launch postgres "$(postgres_folder)" "${as_postgres[@]}" "$(postgres_bin)/postgres" -D "$(postgres_folder)" "${settings[@]}"
  await postgres 30
}

# As in compose.yaml, from a place that the database's user can reach.
postgres_archive() {
  local spool
  spool=$(postgres_folder)-spool
  mkdir -p "$spool"
  install -m 755 "$root/deploy/backup/spool.sh" "$spool.sh"
  ((EUID != 0)) || chown postgres:postgres "$spool"
  settings+=(-c "archive_command=BACKUP_SPOOL='$spool' '$spool.sh' \"%p\" \"%f\"")
}

postgres_answers() {
  PGCONNECT_TIMEOUT=2 "$(postgres_bin)/psql" -XqAt "postgres://aipoten_owner@127.0.0.1:$postgres_port/postgres" \
    -c 'SELECT 1' >/dev/null 2>&1
}

postgres_running() { running postgres "$(postgres_folder)"; }

# A fast shutdown (INT): sessions are ended, nothing is lost. Sessions that outlived a killed server are ended as well;
# then nobody holds the data, whatever its lock file says.
postgres_down() {
  local pid orphan folder
  folder=$(postgres_folder)
  if pid=$(postgres_running); then end_process "$pid" 20 INT; fi
  for orphan in /proc/[0-9]*; do
    if [[ $orphan/cwd -ef $folder && $(cat "$orphan/comm" 2>/dev/null) == postgres ]]; then
      end_process "${orphan#/proc/}" 2 QUIT
    fi
  done
  rm -f "$state/postgres.pid" "$folder/postmaster.pid"
}

postgres_erase() {
  local folder
  folder=$(postgres_folder)
  rm -rf "$folder" "$folder-spool" "$folder-spool.sh" "$state/postgres"
  [[ $folder != /var/tmp/* ]] || rmdir --ignore-fail-on-non-empty "${folder%/*}" "${folder%/*/*}"
}

postgres_ports() { echo "$postgres_port"; }
