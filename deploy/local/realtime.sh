#!/usr/bin/env bash
# Lets the official Socket.IO client and two browsers be told through two gateways, and the browsers meet. Servers that it had
# to start keep running.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/node.sh
ensure_tools
command -v chromium >/dev/null || deploy/local/packages.sh chromium

if [[ -z ${AIPOTEN_TEST_POSTGRES:-} ]]; then
  deploy/local/servers.sh up test
  source .local/test/env
fi
cargo build --workspace --all-targets
cargo test --workspace --test it -- --ignored the_official_client_and_browsers
