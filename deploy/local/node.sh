# The contract's tools, as tools/package-lock.json names them. Sourced, with $root set.

# Installs Node from the system's packages where it is missing, and the tools when the lock changed.
ensure_tools() {
  local missing=()
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  ((${#missing[@]} == 0)) || "$root/deploy/local/packages.sh" "${missing[@]}"
  if [[ $root/tools/package-lock.json -nt $root/tools/node_modules/.package-lock.json ]]; then
    (cd "$root/tools" && npm ci --no-progress --loglevel=error) >&2
    touch "$root/tools/node_modules/.package-lock.json"
  fi
}

tool() { "$root/tools/node_modules/.bin/$1" "${@:2}"; }
