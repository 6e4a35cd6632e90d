#!/usr/bin/env bash
# Makes the secrets of deploy/compose.yaml in deploy/secrets; what is there stays as it is.
#
#   secrets.sh            in deploy/secrets
#   secrets.sh FOLDER     elsewhere
#
# Nobody but the owner may enter the folder. Its files can be read by all, as containers see them under users of their own.
# Two things must be kept apart from this host, and from each other: the backup's identity, which opens the backups, and the
# encryption keys, which open the columns in them. The script says how.
set -euo pipefail
umask 022

folder=${1:-${BASH_SOURCE[0]%/*}/secrets}
services=(identity content matching billing notification)
with_keys=(identity matching billing notification)

# Letters and digits: they stand in addresses.
random_word() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c "$1" || true; }

# once NAME TEXT: written unless it is there. Prints what is there then.
once() {
  [[ -s $folder/$1 ]] || printf '%s\n' "$2" >"$folder/$1"
  cat "$folder/$1"
}

# The identity goes where BACKUP_IDENTITY says, by default beside the secrets, to be taken away from there.
make_backup_key() {
  local identity=${BACKUP_IDENTITY:-$folder/TAKE-AWAY-backup-identity}
  [[ ! -s $folder/backup-recipient ]] || return 0
  command -v age-keygen >/dev/null || { echo "error: age is missing: install the package age" >&2; exit 1; }
  (umask 077 && age-keygen -o "$identity" 2>/dev/null)
  age-keygen -y "$identity" >"$folder/backup-recipient"
  echo "Take $identity away from this host now: whoever has it opens every backup, and without it none can be opened."
}

mkdir -p -m 700 "$folder"
postgres=$(once postgres-password "$(random_word 40)")
owner=$(once postgres-owner-password "$(random_word 40)")
app=$(once postgres-app-password "$(random_word 40)")
backup=$(once postgres-backup-password "$(random_word 40)")
monitor=$(once postgres-monitor-password "$(random_word 40)")
redis=$(once redis-password "$(random_word 40)")
broker=$(once broker-password "$(random_word 40)")
[[ -n $postgres && -n $monitor ]]

for service in "${services[@]}"; do
  once "$service-database-url" "postgres://aipoten_app:$app@postgres:5432/aipoten_$service" >/dev/null
  once "$service-owner-url" "postgres://aipoten_owner:$owner@postgres:5432/aipoten_$service" >/dev/null
done
for service in "${with_keys[@]}"; do
  once "$service-encryption-keys" "k1:$(head -c 32 /dev/urandom | base64 -w 0)" >/dev/null
done
once backup-database-url "postgres://aipoten_backup:$backup@postgres:5432/postgres" >/dev/null
once redis-url "redis://:$redis@redis:6379/" >/dev/null
once redis-conf "requirepass $redis
bind * -::*
maxmemory 400mb
maxmemory-policy noeviction
save \"\"
appendonly no" >/dev/null
once redis-passwords "{\"redis://redis:6379\":\"$redis\"}" >/dev/null
once broker-url "amqp://aipoten:$broker@rabbitmq:5672/%2f" >/dev/null
once rabbitmq-conf "default_user = aipoten
default_pass = $broker
vm_memory_high_watermark.absolute = 700MB
disk_free_limit.absolute = 1GB" >/dev/null
once grafana-password "$(random_word 40)" >/dev/null
once csrf-key "$(random_word 64)" >/dev/null
once unsubscribe-key "$(random_word 64)" >/dev/null
# What notification shows to identity.
notification=$(once notification-service-secret "$(random_word 64)")
once identity-service-secrets "notification:$notification" >/dev/null
# static-auth-secret of the relays in TURN_URLS
once turn-secret "$(random_word 64)" >/dev/null
# To be filled in: where backups are copied to, the password of the mailbox that alerts are sent from, the payment provider's, that of
# the mail server, Firebase's service account, the key of Web Push (aipoten web-push-key). Without the last two there is no push.
for name in rclone-conf smtp-password toss-secret-key mail-password fcm-credentials web-push-key; do [[ -e $folder/$name ]] || : >"$folder/$name"; done
make_backup_key
echo "Write down $(printf '%s-encryption-keys ' "${with_keys[@]}")of $folder in a safe place apart from the backups."
