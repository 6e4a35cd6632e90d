#!/usr/bin/env bash
# Backups, sealed with age and put into one or two places (store.sh says where).
#
#   backup.sh base        a copy of the whole PostgreSQL server: what a point in time is restored from, with the log
#   backup.sh wal         ships the segments of the log that lie in BACKUP_SPOOL
#   backup.sh documents   the folder BACKUP_DOCUMENTS
#   backup.sh dump        every database by itself, for servers that others run, and to move to another version
#   backup.sh keys        the encryption keys in BACKUP_KEYS, to a place and for a recipient apart from all others:
#                         BACKUP_ESCROW_TO, BACKUP_ESCROW_RECIPIENT
#   backup.sh prune       forgets what is older than BACKUP_KEEP_DAYS (30); the newest of each kind always stays
#   backup.sh list        what there is
#   backup.sh run         all of it by the clock: the log every 30 s, documents every 6 h, base and prune every day
#
# BACKUP_DATABASE_URL  as the role aipoten_backup; or BACKUP_DATABASE_URL_FILE
# BACKUP_RECIPIENT     age's public key; or BACKUP_RECIPIENT_FILE. The key that opens is never here.
# BACKUP_METRICS       a folder that the node exporter reads; without it there are none
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/store.sh"

keep_days=${BACKUP_KEEP_DAYS:-30}

# finished KIND: tells Prometheus, for the alert about backups that stay away.
finished() {
  local file=${BACKUP_METRICS:-}/backup_$1.prom
  [[ -n ${BACKUP_METRICS:-} ]] || return 0
  cat >"$file.part" <<METRIC
# HELP aipoten_backup_last_success_timestamp_seconds When a backup of the kind was last finished.
# TYPE aipoten_backup_last_success_timestamp_seconds gauge
aipoten_backup_last_success_timestamp_seconds{kind="$1"} $(date +%s)
METRIC
  chmod 644 "$file.part"
  mv "$file.part" "$file"
}

# The name says when it was finished (no earlier point can be restored from it) and which segment of the log comes first.
base() {
  local url first
  url=$(setting BACKUP_DATABASE_URL)
  pg_basebackup --dbname="$url" --pgdata=- --format=tar --wal-method=fetch --checkpoint=fast --label=aipoten --verbose \
    2>"$work/said" | seal >"$work/base" || fail "the server could not be copied: $(tail -n 3 "$work/said")"
  first=$(sed -n 's/.*write-ahead log start point: \([0-9A-F/]*\) on timeline.*/\1/p' "$work/said")
  first=$(psql -XAtq -v ON_ERROR_STOP=1 -v lsn="$first" "$url" <<<"SELECT pg_walfile_name(:'lsn')")
  put "$work/base" "base/$(stamp)_$first.tar.zst.age"
  note "base backup of $(stat -c %s "$work/base") bytes"
  finished base
}

# What could not be shipped stays in the spool. Every half minute it is worth a line only when there was something.
wal() {
  local segment name count=0
  for segment in "${BACKUP_SPOOL:?}"/*; do
    name=${segment##*/}
    [[ -f $segment && $name != *.part ]] || continue
    seal <"$segment" >"$work/segment"
    put "$work/segment" "wal/$name.zst.age"
    rm "$segment"
    count=$((count + 1))
  done
  ((count == 0)) || note "$count segments of the log shipped"
  finished wal
}

documents() {
  tar -C "${BACKUP_DOCUMENTS:?}" --exclude='*#*' -cf - . | seal >"$work/documents"
  put "$work/documents" "documents/$(stamp).tar.zst.age"
  note "documents of $(stat -c %s "$work/documents") bytes"
  finished documents
}

# One snapshot for each database; among them they may differ by what happened meanwhile.
dump() {
  local url database when databases
  url=$(setting BACKUP_DATABASE_URL)
  when=$(stamp)
  databases=$(psql -XAtq -v ON_ERROR_STOP=1 "$url" -c "SELECT datname FROM pg_database WHERE datname LIKE 'aipoten\_%' ORDER BY 1")
  [[ -n $databases ]] || fail "there is no database aipoten_…"
  for database in $databases; do
    pg_dump --format=custom --compress=0 --dbname="$(sibling "$url" "$database")" | seal >"$work/dump"
    put "$work/dump" "dump/$when/$database.dump.zst.age"
    note "dump of $database, $(stat -c %s "$work/dump") bytes"
  done
  finished dump
}

# sibling URL DATABASE: the same server's other database; options stay.
sibling() { sed -E "s|^([^?]*/)[^/?]*|\1$2|" <<<"$1"; }

# Without the keys the encrypted columns are lost; with keys and backups in one hand they are open.
keys() {
  local escrow=${BACKUP_ESCROW_TO:?where keys go} recipient
  recipient=$(setting BACKUP_ESCROW_RECIPIENT)
  [[ $escrow != "${BACKUP_TO:-}"* && $escrow != "${BACKUP_SECOND:-none}"* ]] || fail "keys must not lie with the backups"
  [[ $recipient != "$(setting BACKUP_RECIPIENT)" ]] || fail "keys must not be opened by who opens the backups"
  tar -C "${BACKUP_KEYS:?the folder of the encryption keys}" -cf - . | zstd -q | age --encrypt --recipient "$recipient" >"$work/keys"
  put_in "$escrow" "$work/keys" "keys/$(stamp).tar.zst.age"
  note "keys escrowed"
}

# old KIND: names, all but the newest, whose stamp is older than is kept.
old() {
  local name limit
  limit=$(($(date +%s) - keep_days * 86400))
  stored "$1" | head -n -1 | while read -r name; do
    [[ $(seconds_of "$(stamp_of "$name")") -ge $limit ]] || echo "$name"
  done
}

# A segment goes when no base that is kept needs it; the first eight digits are its timeline.
prune() {
  local name first segment count=0
  for name in $(old base) $(old documents) $(old dump); do
    forget "$name"
    count=$((count + 1))
  done
  first=$(stored base | sed -n 1p)
  first=${first#*_}
  first=${first%%.*}
  for name in $([[ -z $first ]] || stored wal); do
    segment=${name#wal/}
    segment=${segment%%.*}
    if [[ ${#segment} == 24 && ${segment:8} < ${first:8} ]]; then
      forget "$name"
      count=$((count + 1))
    fi
  done
  note "$count old files forgotten"
}

# due KIND SECONDS: whether the newest is so old, or there is none.
due() {
  local newest
  newest=$(stored "$1" | tail -n 1)
  [[ -z $newest ]] || (($(date +%s) - $(seconds_of "$(stamp_of "$newest")") >= $2))
}

# What fails is told and tried again at its next turn.
turn() { "$0" "$1" || note "$1 failed"; }

run() {
  local look_at=0
  trap 'exit 0' TERM INT
  while :; do
    turn wal
    if ((SECONDS >= look_at)); then
      if due base 86400; then turn base && turn prune; fi
      if due documents 21600; then turn documents; fi
      look_at=$((SECONDS + 600))
    fi
    sleep 30 &
    wait $!
  done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case ${1:-} in
base | wal | documents | dump | keys | prune | run) "$1" ;;
list) for kind in base documents dump wal; do stored $kind; done ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
