#!/usr/bin/env bash
# Sets an empty PostgreSQL up, once: the roles and a database for each service. The image of PostgreSQL runs it.
# Passwords are read from files in /run/secrets.
set -euo pipefail

services=(identity content matching billing notification)
owner=$(<"${OWNER_PASSWORD_FILE:-/run/secrets/postgres-owner-password}")
app=$(<"${APP_PASSWORD_FILE:-/run/secrets/postgres-app-password}")
monitor=$(<"${MONITOR_PASSWORD_FILE:-/run/secrets/postgres-monitor-password}")
backup=$(<"${BACKUP_PASSWORD_FILE:-/run/secrets/postgres-backup-password}")

run() { psql -Xq -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" "$@"; }

# The owner migrates, the application reads and writes rows, the backup reads all and may copy the whole server, the monitor sees
# how the server does and no row.
run --dbname postgres -v owner="$owner" -v app="$app" -v backup="$backup" \
  -v monitor="$monitor" <<'SQL'
CREATE ROLE aipoten_owner LOGIN PASSWORD :'owner';
CREATE ROLE aipoten_app LOGIN PASSWORD :'app';
CREATE ROLE aipoten_backup LOGIN REPLICATION PASSWORD :'backup';
GRANT pg_read_all_data TO aipoten_backup;
CREATE ROLE aipoten_monitor LOGIN PASSWORD :'monitor';
GRANT pg_monitor TO aipoten_monitor;
SQL

for service in "${services[@]}"; do
  run --dbname postgres -c "CREATE DATABASE aipoten_$service OWNER aipoten_owner" \
    -c "REVOKE CONNECT ON DATABASE aipoten_$service FROM PUBLIC" \
    -c "GRANT CONNECT ON DATABASE aipoten_$service TO aipoten_app, aipoten_backup"
  for extension in citext pg_trgm btree_gist pgcrypto; do
    run --dbname "aipoten_$service" -c "CREATE EXTENSION IF NOT EXISTS $extension"
  done
done

# The copy of the whole server is asked for over the network. What is written is archived within a minute; the backup ships it.
echo 'host replication aipoten_backup all scram-sha-256' >>"$PGDATA/pg_hba.conf"
