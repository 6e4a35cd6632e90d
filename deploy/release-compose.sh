#!/usr/bin/env bash
# release-compose.sh TAG: brings a release to a single host (deploy/compose.yaml): migrates, then replaces one container after the other, the gateways
# one by one behind the edge; where one does not become healthy, all go back to what ran before. While a service is replaced, requests that need it are
# answered with 503 for a second or two.
#
# IMAGE names the image without its tag. The tag that runs is kept in deploy/.release.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}"

(($# == 1)) || { sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
image=${IMAGE:?the image without its tag}
services=(identity content matching billing notification)
gateways=(gateway-a gateway-b)

compose() { AIPOTEN_IMAGE=$image:$tag docker compose --file compose.yaml "$@"; }

# The edge knows gateways by their address, which is new with each container.
replace() {
  local name
  for name in "${services[@]}"; do compose up --detach --no-deps --no-build --wait "$name" || return 1; done
  for name in "${gateways[@]}"; do
    compose up --detach --no-deps --no-build --wait "$name" || return 1
    compose exec -T edge nginx -s reload || return 1
  done
}

before=$(cat .release 2>/dev/null || true)
tag=$1
compose pull "${services[@]}" migrate seed
compose run --rm migrate
compose run --rm seed
if replace; then
  echo "$tag" >.release
  echo "$tag runs" >&2
  exit
fi
[[ $before ]] || { echo "error: $tag does not become healthy, and there is nothing to go back to" >&2 && exit 1; }
echo "error: $tag does not become healthy: going back to $before" >&2
tag=$before
replace
exit 1
