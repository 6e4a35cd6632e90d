# What programs need to know to reach an instance, as `export` lines. Sourced by servers.sh.

database_url() { echo "postgres://$1@127.0.0.1:$postgres_port/$2"; }

# made_once FILE COMMAND…: secrets are made once for a checkout and live as long as its data.
made_once() {
  local file=$state/$1
  shift
  [[ -s $file ]] || (umask 077 && "$@" >"$file")
  cat "$file"
}

development_secret() { echo "dev-$(random_base64 32)"; }
development_key() { echo "dev1:$(random_base64 32)"; }

# Nearly every 32 bytes are a key of P-256.
web_push_key() { random_base64 32 | tr '+/' '-_' | tr -d '='; }

# Long enough to guess in vain, with the letter, digit and sign that are asked for.
administrator_password() { echo "a1-$(random_base64 18)"; }

environment_lines() {
  local domain
  if [[ $name == dev || $name == restore || $name == compat ]]; then
    printf 'AIPOTEN__%s\n' \
      MODE=development \
      "REDIS__URL=redis://127.0.0.1:$redis_port/" \
      "BROKER__URL=amqp://guest:guest@127.0.0.1:$amqp_port/%2f" \
      "IDENTITY__ENCRYPTION__KEYS=$(made_once encryption-key development_key)" \
      IDENTITY__ENCRYPTION__ACTIVE=dev1 \
      "MATCHING__ENCRYPTION__KEYS=$(made_once matching-encryption-key development_key)" \
      MATCHING__ENCRYPTION__ACTIVE=dev1 \
      "BILLING__ENCRYPTION__KEYS=$(made_once billing-encryption-key development_key)" \
      BILLING__ENCRYPTION__ACTIVE=dev1 \
      BILLING__PROVIDER=sandbox \
      BILLING__SETTLE_RUNNING_MONTH=true \
      BILLING__PROVIDERS__SANDBOX__SECRET_KEY=test_sk_sandbox \
      SANDBOX__LISTEN=127.0.0.1:5090 \
      SANDBOX__SECRET_KEY=test_sk_sandbox \
      SANDBOX__WEBHOOK_URL=http://127.0.0.1:3000/api/v1/payments/webhooks/sandbox \
      "NOTIFICATION__ENCRYPTION__KEYS=$(made_once notification-encryption-key development_key)" \
      NOTIFICATION__ENCRYPTION__ACTIVE=dev1 \
      "NOTIFICATION__SERVICE_SECRET=$(made_once notification-service-secret development_secret)" \
      "IDENTITY__SERVICE_SECRETS=notification:$(made_once notification-service-secret development_secret)" \
      "NOTIFICATION__UNSUBSCRIBE_KEY=$(made_once unsubscribe-key development_secret)" \
      "NOTIFICATION__MAIL__FOLDER=$root/.local/mail" \
      "GATEWAY__MAILBOX=$root/.local/mail" \
      "NOTIFICATION__WEB_PUSH__PRIVATE_KEY=$(made_once web-push-key web_push_key)" \
      NOTIFICATION__SMS__URL=http://127.0.0.1:5090 \
      NOTIFICATION__SMS__KEY=test_sk_sandbox \
      NOTIFICATION__SMS__SENDER=0212345678 \
      NOTIFICATION__SMS__ALIMTALK_CHANNEL=@aipoten \
      "GATEWAY__CSRF_KEY=$(made_once csrf-key development_secret)" \
      GATEWAY__REALTIME__USER_CONNECTIONS=100 \
      IDENTITY__ADMIN__EMAIL=admin@aipoten.example \
      "IDENTITY__ADMIN__PASSWORD=$(made_once admin-password administrator_password)" \
      REFLECTION=true \
      OTLP__SAMPLE=1 \
      LOG__FORMAT=text
    # One developer is many people at once.
    printf 'AIPOTEN__GATEWAY__LIMITS__%s=6000\n' USER ANONYMOUS ADDRESS LOGIN REGISTER REFRESH WEBHOOKS MAIL
    for domain in IDENTITY CONTENT MATCHING BILLING NOTIFICATION; do
      printf 'AIPOTEN__%s__DATABASE__%s\n' \
        "$domain" "URL=$(database_url aipoten_app "aipoten_${domain,,}")" \
        "$domain" "OWNER_URL=$(database_url aipoten_owner "aipoten_${domain,,}")"
    done
  else
    printf 'AIPOTEN_TEST_%s\n' \
      "POSTGRES=$(database_url aipoten_owner postgres)" \
      "REDIS=redis://127.0.0.1:$redis_port/" \
      "BROKER=amqp://guest:guest@127.0.0.1:$amqp_port/" \
      "RABBITMQCTL=$state/rabbitmqctl"
  fi
}

# The file is replaced only when something changed, so that its age tells.
write_environment() {
  local line
  environment_lines | while IFS= read -r line; do
    printf "export %s='%s'\n" "${line%%=*}" "${line#*=}"
  done >"$state/env.new"
  chmod 600 "$state/env.new"
  if cmp -s "$state/env.new" "$state/env"; then rm "$state/env.new"; else mv "$state/env.new" "$state/env"; fi
}
