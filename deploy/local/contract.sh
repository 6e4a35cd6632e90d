#!/usr/bin/env bash
# Checks of the contract.
#
#   contract.sh proto         lints the protos and compares them with the committed image
#   contract.sh proto-image   makes that image of today's protos: what later ones must stay compatible with
#   contract.sh proto-format  formats the protos
#   contract.sh openapi       validates the OpenAPI document, generates a TypeScript client from it and compiles it
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/node.sh

image=proto/image.binpb

check_proto() {
  tool buf format --diff --exit-code proto
  tool buf lint proto
  if [[ -f $image ]]; then tool buf breaking proto --against "$image"; fi
}

check_openapi() {
  local folder=.local/openapi
  mkdir -p "$folder"
  cargo build --quiet --workspace --all-targets
  "${CARGO_TARGET_DIR:-target}/debug/aipoten" openapi >"$folder/openapi.json"
  node tools/openapi/check.mjs "$folder/openapi.json"
  tool openapi-typescript "$folder/openapi.json" --output "$folder/schema.ts" >/dev/null
  tool tsc --project tools/openapi
}

case ${1:-} in
proto) ensure_tools && check_proto ;;
proto-image) ensure_tools && tool buf build proto --exclude-source-info -o "$image" ;;
proto-format) ensure_tools && tool buf format --write proto ;;
openapi) ensure_tools && check_openapi ;;
*) sed -n '2,/^set/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
