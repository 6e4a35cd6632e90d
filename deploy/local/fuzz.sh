#!/usr/bin/env bash
# Sends what nobody would to a platform of its own, as a parent, a therapist and an administrator, and fails on every
# 5xx and every answer that the OpenAPI document does not know. Servers that it had to start keep running.
#
#   fuzz.sh    FUZZ_EXAMPLES random requests for each operation (default 50), besides those made for each rule of the document
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"

version=4.32.5
tools=$root/.local/tools/schemathesis-$version
if [[ ! -x $tools/bin/schemathesis ]]; then
  command -v python3 >/dev/null || deploy/local/packages.sh python3 python3-venv
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet "schemathesis==$version"
fi

if [[ -z ${AIPOTEN_TEST_POSTGRES:-} ]]; then
  deploy/local/servers.sh up test
  source .local/test/env
fi
export AIPOTEN_FUZZER=$tools/bin/schemathesis
export FUZZ_EXAMPLES=${FUZZ_EXAMPLES:-50}
cargo build --workspace --all-targets
cargo test --workspace --test it -- --ignored --nocapture --test-threads=1 fuzz
