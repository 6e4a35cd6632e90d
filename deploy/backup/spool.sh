#!/bin/sh
# spool.sh PATH NAME: PostgreSQL's archive_command. Puts a finished segment of the log into BACKUP_SPOOL, whole or not at all;
# the backup ships it. A segment that is there already must be the same.
set -eu
kept=${BACKUP_SPOOL:?}/$2
if [ -e "$kept" ]; then exec cmp -s "$1" "$kept"; fi
cp "$1" "$kept.part"
# The backup works as another user, of the folder's group.
chmod 640 "$kept.part"
sync "$kept.part"
mv "$kept.part" "$kept"
