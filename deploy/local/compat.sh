#!/usr/bin/env bash
# Whether a release can come while the one before it still serves: its schema first, then role by role.
#
#   compat.sh [OLD]   OLD is what serves now, a commit or tag; by default the newest tag, without any the commit before this one.
#                     Migrates and seeds with this checkout's program; then lets both programs share the roles in every way that a
#                     rolling update passes through, and runs the old care journey on each.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd -P)
source "$here/instance.sh"
select_instance compat
roles=(identity content matching billing notification gateway)
first_port=12900
target=${CARGO_TARGET_DIR:-$root/target}
before=$root/.local/before

# The executables of FOLDER, built where those of this checkout are: dependencies that both have are built once.
built() { # built FOLDER
  (cd "$1" && SQLX_OFFLINE=true CARGO_TARGET_DIR=$target cargo build --workspace --all-targets)
}

# The executables of OLD, from a worktree of its own, kept apart from those of this checkout.
prepare_old() {
  local tree=$before/checkout
  mkdir -p "$before"
  git -C "$root" worktree prune
  if [[ -d $tree ]]; then git -C "$tree" checkout -q --detach "$1"; else git -C "$root" worktree add -q --detach "$tree" "$1"; fi
  built "$tree"
  mkdir -p "$before/programs"
  cp "$target/debug/aipoten" "$target/debug/demo" "$before/programs/"
}

# program_of OLD_OR_NEW ROLE: a role that did not exist yet is the new program's.
program_of() {
  if [[ $1 == old ]] && "$old" --help | grep -qE "^  $2 "; then echo "$old"; else echo "$new"; fi
}

# Takes away the settings that the program does not know: manifests come with their release.
forget_unknown() {
  local known variable
  known=$(env -i PATH="$PATH" "$1" config 2>/dev/null | grep -oE 'AIPOTEN__[A-Z0-9_]+' || true)
  for variable in $(compgen -e AIPOTEN__); do
    grep -qxF "$variable" <<<"$known" || unset "$variable"
  done
}

# with PROGRAM ARGUMENT…
with() (
  forget_unknown "$1"
  exec "$@"
)

settings() {
  local number=0 role
  source "$state/env"
  for role in "${roles[@]}"; do
    number=$((number + 1))
    export "AIPOTEN__${role^^}__LISTEN=127.0.0.1:$((first_port + number))"
    [[ $role == gateway ]] || export "AIPOTEN__GATEWAY__${role^^}_URL=http://127.0.0.1:$((first_port + number))"
    [[ $role == gateway || $role == identity ]] || export "AIPOTEN__${role^^}__IDENTITY_URL=http://127.0.0.1:$((first_port + 1))"
  done
  export AIPOTEN__BILLING__MATCHING_URL=http://127.0.0.1:$((first_port + 3)) AIPOTEN__MATCHING__DOCUMENTS=$state/documents
  export AIPOTEN__SANDBOX__LISTEN=127.0.0.1:$((first_port + 8)) AIPOTEN__LOG__FILTER=warn
  export AIPOTEN__BILLING__PROVIDERS__SANDBOX__BASE_URL=http://127.0.0.1:$((first_port + 8))
  export AIPOTEN__SANDBOX__WEBHOOK_URL=http://127.0.0.1:$((first_port + 6))/api/v1/payments/webhooks/sandbox
}

# start NUMBER ROLE PROGRAM
start() {
  export AIPOTEN__OPS__LISTEN=127.0.0.1:$((first_port + 20 + $1))
  launch "$2" "$root" "$here/compat.sh" --run "$3" "$2"
  eval "$2_answers() { AIPOTEN__OPS__LISTEN=$AIPOTEN__OPS__LISTEN with '$3' health 2>/dev/null; }; $2_down() { stop_all; }"
}

stop_all() {
  local role pid
  for role in gateway notification billing matching content identity sandbox-provider; do
    if pid=$(running "$role" "$root"); then end_process "$pid" 35; fi
    rm -f "$state/$role.pid"
  done
}

# together TITLE NEW_ROLE…: the roles that are named run the new program, the others the old one.
together() {
  local title=$1 number=0 role which begun=$SECONDS
  shift
  start 0 sandbox-provider "$(program_of old sandbox-provider)"
  for role in "${roles[@]}"; do
    which=old
    [[ " $* " != *" $role "* ]] || which=new
    number=$((number + 1))
    start "$number" "$role" "$(program_of "$which" "$role")"
  done
  for role in "${roles[@]}"; do await "$role" 60; done
  "$old_demo" "http://127.0.0.1:$((first_port + 6))" >"$state/demo.log" 2>&1 || {
    tail -n 5 "$state/demo.log" >&2
    fail "$title: the care journey fails; logs are in $state"
  }
  with "$checker" check-invariants >"$state/invariants.log" || fail "$title: $(grep -A3 BROKEN "$state/invariants.log")"
  stop_all
  printf '%-44s ok %4d s\n' "$title" $((SECONDS - begun))
}

if [[ ${1:-} == --run ]]; then
  forget_unknown "$2"
  exec "$2" "$3"
fi

serving=${1:-$(git -C "$root" describe --tags --abbrev=0 2>/dev/null || echo HEAD~1)}
prepare_old "$serving"
built "$root"
old=$before/programs/aipoten
old_demo=$before/programs/demo
new=$target/debug/aipoten
trap 'stop_all; "$here/servers.sh" down compat' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
stop_all
"$here/servers.sh" reset compat
"$here/servers.sh" up compat
settings

checker=$old
with "$old" migrate
with "$old" seed
together 'the old release alone'
with "$new" migrate
checker=$new
together 'old program, new schema'
with "$new" seed
for role in "${roles[@]}"; do together "new $role, all others old" "$role"; done
for role in "${roles[@]}"; do
  others=("${roles[@]}")
  others=("${others[@]/#$role/}")
  together "old $role, all others new" "${others[@]}"
done
together 'all new' "${roles[@]}"
