# What programs need to know to reach an instance, as `export` lines. Sourced by servers.sh.

database_url() { echo "postgres://$1@127.0.0.1:$postgres_port/$2"; }

# The key of the encrypted columns is made once for a checkout and lives as long as the data.
development_key() {
  local file=$state/secrets
  [[ -s $file ]] || (umask 077 && echo "dev1:$(random_base64 32)" >"$file")
  cat "$file"
}

environment_lines() {
  local domain
  if [[ $name == dev ]]; then
    printf 'AIPOTEN__%s\n' \
      MODE=development \
      "REDIS__URL=redis://127.0.0.1:$redis_port/" \
      "BROKER__URL=amqp://guest:guest@127.0.0.1:$amqp_port/%2f" \
      "IDENTITY__ENCRYPTION__KEYS=$(development_key)" \
      IDENTITY__ENCRYPTION__ACTIVE=dev1
    for domain in IDENTITY CONTENT; do
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
