#!/usr/bin/env bash
# packages.sh PACKAGE…: installs Debian packages without starting the services that come with them.
# Asks sudo when it is not root; where there is no apt or no way to become root it says what to install.
set -euo pipefail

ask_by_hand() {
  echo "error: install these packages: $* (or run everything in containers: docker compose -f deploy/compose.yaml up)" >&2
  exit 1
}

# Debian asks this program before it starts a service; 101 means no. What was there before comes back afterwards.
forbid_service_starts() {
  policy=/usr/sbin/policy-rc.d
  kept=$(mktemp -d)
  [[ ! -e $policy ]] || cp -p "$policy" "$kept/policy-rc.d"
  trap restore_service_starts EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy.aipoten"
  chmod 755 "$policy.aipoten"
  mv "$policy.aipoten" "$policy"
}

restore_service_starts() {
  if [[ -e $kept/policy-rc.d ]]; then
    cp -p "$kept/policy-rc.d" "$policy"
  else
    rm -f "$policy"
  fi
  rm -rf "$kept"
}

# A fresh service would otherwise take the standard port at the next boot. Erlang brings one too: its name daemon.
disable_at_boot() {
  local service
  for service in "$@"; do
    [[ ! -e /etc/init.d/$service ]] || update-rc.d "$service" disable || true
  done
  if ((had_epmd == 0)) && [[ -e $epmd_unit ]] && command -v systemctl; then
    systemctl disable epmd.socket epmd.service || true
  fi
}

install_packages() {
  local log had_epmd=0 epmd_unit=/lib/systemd/system/epmd.socket
  log=$(mktemp)
  [[ ! -e $epmd_unit ]] || had_epmd=1
  # One at a time, or the second would keep the first one's answer as what was there before.
  exec 8>/run/aipoten-packages.lock
  flock 8
  forbid_service_starts
  echo "installing with apt: $*" >&2
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update && apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@" &&
    disable_at_boot "$@"; } >"$log" 2>&1; then
    tail -n 8 "$log" >&2
    echo "error: apt could not install $*; the whole output is in $log" >&2
    exit 1
  fi
  rm -f "$log"
}

command -v apt-get >/dev/null || ask_by_hand "$@"
if ((EUID == 0)); then
  install_packages "$@"
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
  exec sudo bash "${BASH_SOURCE[0]}" "$@"
else
  ask_by_hand "$@"
fi
