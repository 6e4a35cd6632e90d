#!/bin/sh
# Serves as soon as there is a certificate, and reads it again when the companion has renewed it.
#
#   edge          serves
#   edge health   whether it does
set -eu

changed() { stat -c %Y /certificates/fullchain.pem; }

read_again_when_changed() {
  seen=$(changed)
  while sleep 60; do
    now=$(changed) || continue
    [ "$now" != "$seen" ] || continue
    seen=$now
    nginx -t -q && nginx -s reload
  done
}

# Port 8080 answers without asking a gateway. bash has a client, and Debian's slim image has bash.
health() {
  exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080 && printf "GET /edge/health HTTP/1.0\r\n\r\n" >&3 &&
    IFS= read -r -t 2 status <&3 && [[ $status == *" 204 "* ]]'
}

[ "${1:-serve}" != health ] || health
mkdir -p /run/nginx
until [ -s /certificates/fullchain.pem ] && [ -s /certificates/privkey.pem ]; do sleep 1; done
read_again_when_changed &
exec nginx -g 'daemon off;'
