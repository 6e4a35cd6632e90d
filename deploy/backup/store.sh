# Where backups lie, and what they are sealed with. Sourced.
#
# BACKUP_TO      a folder (/backups), or a remote of rclone (s3:bucket/aipoten). Required.
# BACKUP_SECOND  a second place that everything is copied to; best elsewhere.

fail() {
  echo "error: $*" >&2
  exit 1
}

note() { printf '{"stream":"backup","time":"%s","message":"%s"}\n' "$(date -u +%FT%TZ)" "$*"; }

# setting NAME: its value, or what the file NAME_FILE holds.
setting() {
  local file=$1_FILE
  if [[ -n ${!1:-} ]]; then
    printf %s "${!1}"
  elif [[ -n ${!file:-} ]]; then
    cat "${!file}"
  else
    fail "set $1 or $1_FILE"
  fi
}

is_folder() { [[ $1 == /* || $1 == .* ]]; }

# put_in STORE FILE NAME: whole or not at all. rclone writes under another name first where the store could show halves.
put_in() {
  if is_folder "$1"; then
    mkdir -p "$1/${3%/*}"
    cp "$2" "$1/$3.part"
    sync "$1/$3.part"
    mv "$1/$3.part" "$1/$3"
  else
    rclone copyto "$2" "$1/$3"
  fi
}

# put FILE NAME: in every place.
put() {
  put_in "${BACKUP_TO:?where backups go}" "$1" "$2"
  [[ -z ${BACKUP_SECOND:-} ]] || put_in "$BACKUP_SECOND" "$1" "$2"
}

# take NAME: to standard output, from the first place.
take() { if is_folder "$BACKUP_TO"; then cat "$BACKUP_TO/$1"; else rclone cat "$BACKUP_TO/$1"; fi; }

# stored_in STORE FOLDER: the names in a folder, sorted.
stored_in() {
  if is_folder "$1"; then
    [[ ! -d $1/$2 ]] || (cd "$1" && find "$2" -type f ! -name '*.part' | LC_ALL=C sort)
  else
    # 3: there is no such folder yet.
    { rclone lsf --recursive --files-only "$1/$2" || (($? == 3)); } | sed "s|^|$2/|" | LC_ALL=C sort
  fi
}

stored() { stored_in "${BACKUP_TO:?where backups go}" "$1"; }

forget_in() { if is_folder "$1"; then rm -f "$1/$2"; else rclone deletefile "$1/$2"; fi; }

# forget NAME: everywhere.
forget() {
  forget_in "$BACKUP_TO" "$1"
  [[ -z ${BACKUP_SECOND:-} ]] || forget_in "$BACKUP_SECOND" "$1" 2>/dev/null || true
}

# Sealing needs the recipient alone: who makes backups cannot open them.
seal() { zstd -q -3 -T2 | age --encrypt --recipient "$(setting BACKUP_RECIPIENT)"; }

# BACKUP_IDENTITY names the file that opens them.
unseal() { age --decrypt --identity "${BACKUP_IDENTITY:?the file that opens backups}" | zstd -q -d; }

stamp() { date -u +%Y%m%dT%H%M%SZ; }

# stamp_of NAME: the first stamp in it.
stamp_of() { sed -E 's/.*\b([0-9]{8}T[0-9]{6}Z).*/\1/' <<<"${1/_/ }"; }

# seconds_of STAMP: 20260102T030405Z as seconds since 1970.
seconds_of() { date -u -d "${1:0:4}-${1:4:2}-${1:6:2} ${1:9:2}:${1:11:2}:${1:13:2}" +%s; }
