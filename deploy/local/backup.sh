#!/usr/bin/env bash
# Backups of the developer's platform, and the drill. What they do is deploy/backup; this finds the tools and the places.
#
#   backup.sh backup           copies the databases and documents of the dev instance into .local/backups, sealed
#   backup.sh restore [NAME]   puts one back, by default the newest; what was there before is kept beside it
#   backup.sh drill            on an instance of its own: fills a platform, backs it up while it is written to, loses its disk,
#                              restores the newest state and a point in time, checks both; prints RPO and RTO. Minutes.
#
# BACKUP_TO and BACKUP_SECOND name other places (deploy/backup/store.sh); AIPOTEN_EXECUTABLE another program for the drill.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd -P)
source "$here/instance.sh"
source "$here/postgres.sh"
source "$here/debian.sh"
backup=$root/deploy/backup

ensure_backup_tools() {
  command -v zstd >/dev/null || "$here/packages.sh" zstd
  command -v age >/dev/null || { extracted age age && PATH=$root/.local/tools/age/usr/bin:$PATH; }
  PATH=$(postgres_bin):$PATH
  export PATH
}

# keyed FOLDER: the key that opens lies with the key that seals only because a developer's backups guard nothing.
keyed() {
  mkdir -p -m 700 "$1"
  [[ -s $1/identity ]] || (umask 077 && age-keygen -o "$1/identity" 2>/dev/null)
  export BACKUP_IDENTITY=$1/identity BACKUP_RECIPIENT
  BACKUP_RECIPIENT=$(age-keygen -y "$1/identity")
}

in_place() {
  select_instance "$1"
  export BACKUP_TO=${BACKUP_TO:-$root/.local/backups} BACKUP_DOCUMENTS=$root/.local/documents
  export BACKUP_DATABASE_URL=postgres://aipoten_backup@127.0.0.1:$postgres_port/postgres
  keyed "$root/.local/backup-key"
}

make_backup() {
  in_place dev
  "$here/servers.sh" up dev postgres
  "$backup/backup.sh" base
  [[ ! -d $BACKUP_DOCUMENTS ]] || "$backup/backup.sh" documents
  "$backup/backup.sh" list
}

# The server is started once to come up with the log that the backup holds.
restore() {
  local folder before
  in_place dev
  folder=$(postgres_folder)
  before=$folder-before-$(date -u +%Y%m%dT%H%M%SZ)
  "$here/platform.sh" stop
  [[ ! -d $folder ]] || mv "$folder" "$before"
  RESTORE_FROM=${1:-} "$backup/restore.sh" cluster "$folder"
  ((EUID != 0)) || chown -R postgres:postgres "$folder"
  "$here/servers.sh" up dev postgres
  say "restored; make run starts the platform. What was there before: $before"
}

case ${1:-} in
backup) ensure_backup_tools && make_backup ;;
restore) ensure_backup_tools && restore "${2:-}" ;;
drill) ensure_backup_tools && source "$here/drill.sh" && drill ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
