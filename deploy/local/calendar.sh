#!/usr/bin/env bash
# Lets two parsers that know nothing of each other read a calendar feed of the real service: ical.js and icalendar.
# Servers that it had to start keep running.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/node.sh
ensure_tools

version=7.3.0
tools=$root/.local/tools/icalendar-$version
if [[ ! -x $tools/bin/python || ! -e $tools/ready ]]; then
  command -v python3 >/dev/null || deploy/local/packages.sh python3 python3-venv
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet "icalendar==$version"
  touch "$tools/ready"
fi

if [[ -z ${AIPOTEN_TEST_POSTGRES:-} ]]; then
  deploy/local/servers.sh up test
  source .local/test/env
fi
AIPOTEN_TEST_ICALENDAR=$tools/bin/python \
  cargo test --workspace --test it -- --ignored two_independent_parsers
