#!/usr/bin/env bash
# Lets a real mail server take the platform's mails, while it fails now and then. Servers that it had to start keep running.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
cd "$root"
source deploy/local/python.sh
ensure_python mail

if [[ -z ${AIPOTEN_TEST_POSTGRES:-} ]]; then
  deploy/local/servers.sh up test
  source .local/test/env
fi
AIPOTEN_TEST_MAIL_PYTHON=$python cargo test --workspace --test it -- --ignored a_mail_server_that_fails a_refused_address_is_given_up
