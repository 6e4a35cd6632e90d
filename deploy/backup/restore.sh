#!/usr/bin/env bash
# Restores backups of backup.sh.
#
#   restore.sh cluster FOLDER   makes FOLDER (empty or absent) the data folder of a PostgreSQL server that comes up with all that
#                               was shipped, or as it was at RESTORE_AT ('2026-11-21 03:04:05+09'); RESTORE_FROM names a base
#                               backup of `backup.sh list`, otherwise it is the newest that will do. RESTORE_TIMELINE names an
#                               older timeline, for a point that an earlier restore left behind
#   restore.sh documents FOLDER the documents, as they were at RESTORE_AT or the newest
#   restore.sh dump NAME URL    a dump of `backup.sh list` into an empty database, as its owner
#   restore.sh keys NAME FOLDER encryption keys from BACKUP_ESCROW_TO
#
# BACKUP_TO        where the backups lie
# BACKUP_IDENTITY  the file that opens them
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/store.sh"

# newest KIND: the last one that was finished before the point in time.
newest() {
  local name found='' limit
  limit=$(date -d "${RESTORE_AT:-9999-01-01}" +%s)
  while read -r name; do
    [[ $(seconds_of "$(stamp_of "$name")") -gt $limit ]] || found=$name
  done < <(stored "$1")
  [[ -n $found ]] || fail "there is no $1 from before ${RESTORE_AT:-now}"
  echo "$found"
}

need_empty() {
  [[ ! -d $1 || -z $(ls -A "$1") ]] || fail "$1 is not empty: restoring there would mix two states"
  mkdir -p -m 700 "$1"
}

# The server reads the log from restored-wal while it comes up; after its promotion the folder can go.
cluster() {
  local folder=$1 base first name segment
  base=${RESTORE_FROM:-$(newest base)}
  need_empty "$folder"
  note "restoring $base"
  take "$base" | unseal | tar -xf - -C "$folder"
  first=${base#*_}
  first=${first%%.*}
  mkdir -m 700 "$folder/restored-wal"
  for name in $(stored wal); do
    segment=${name#wal/}
    segment=${segment%.zst.age}
    # Histories of timelines, and what follows the base.
    if [[ ${#segment} -lt 24 || ! ${segment:8:16} < ${first:8:16} ]]; then
      take "$name" | unseal >"$folder/restored-wal/$segment"
    fi
  done
  {
    echo "restore_command = 'cp restored-wal/%f \"%p\"'"
    echo "recovery_target_timeline = '${RESTORE_TIMELINE:-latest}'"
    [[ -z ${RESTORE_AT:-} ]] || echo "recovery_target_time = '$RESTORE_AT'"
    echo "recovery_target_action = 'promote'"
  } >>"$folder/postgresql.auto.conf"
  touch "$folder/recovery.signal"
  note "ready to be started: $(find "$folder/restored-wal" -type f | wc -l) segments of the log follow the base backup"
}

documents() {
  local name
  name=$(newest documents)
  need_empty "$1"
  take "$name" | unseal | tar -xf - -C "$1"
  note "restored $name"
}

# All but the remarks on extensions, which belong to whoever made those.
dump() {
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder is known now
  trap "rm -rf '$work'" EXIT
  take "$1" | unseal >"$work/dump"
  pg_restore --list "$work/dump" | grep -v ' COMMENT - EXTENSION ' >"$work/list"
  pg_restore --exit-on-error --no-owner --use-list="$work/list" --dbname="$2" "$work/dump"
  note "restored $1"
}

keys() {
  need_empty "$2"
  BACKUP_TO=${BACKUP_ESCROW_TO:?where keys lie} take "$1" | unseal | tar -xf - -C "$2"
  note "restored $1"
}

case ${1:-}:$# in
cluster:2 | documents:2) "$1" "$2" ;;
dump:3 | keys:3) "$1" "$2" "$3" ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
