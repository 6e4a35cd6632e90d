#!/bin/sh
# The companion of the edge: a certificate by ACME (HTTP-01) for DOMAIN, looked after twice a day. Without ACME_EMAIL, and until
# the authority has answered, a certificate that nobody vouches for.
set -eu
: "${DOMAIN:?the name that the platform is reached by}"
edge=10101

# publish CERTIFICATE KEY: both are there before the edge looks for the first.
publish() {
  install -m 400 -o $edge -g $edge "$2" /certificates/privkey.pem
  install -m 444 -o $edge -g $edge "$1" /certificates/fullchain.pem
}

vouch_for_oneself() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$DOMAIN" \
    -addext "subjectAltName=DNS:$DOMAIN" -keyout /tmp/key.pem -out /tmp/certificate.pem 2>/dev/null
  publish /tmp/certificate.pem /tmp/key.pem
  rm /tmp/key.pem
}

# Renews only what is near its end.
ask_authority() {
  certbot certonly --non-interactive --agree-tos --email "$ACME_EMAIL" --domain "$DOMAIN" --webroot --webroot-path /srv/acme \
    --keep-until-expiring ${ACME_SERVER:+--server "$ACME_SERVER"} || return 1
  live=/etc/letsencrypt/live/$DOMAIN
  cmp -s "$live/fullchain.pem" /certificates/fullchain.pem || publish "$live/fullchain.pem" "$live/privkey.pem"
}

[ -s /certificates/fullchain.pem ] || vouch_for_oneself
while :; do
  pause=43200
  if [ -n "${ACME_EMAIL:-}" ] && ! ask_authority; then pause=600; fi
  sleep $pause &
  wait $!
done
