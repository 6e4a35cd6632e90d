# Programs of Debian packages without installing them: nothing of the system changes, no service comes with them. Sourced, with
# $root set.

# extracted FOLDER PACKAGE…: the packages' files under .local/tools/FOLDER; fetched once. Libraries have to be there.
extracted() {
  local folder=$root/.local/tools/$1
  shift
  [[ ! -e $folder/ready ]] || return 0
  command -v apt-get >/dev/null || { echo "error: these checks take their programs from Debian's packages: $*" >&2; return 1; }
  rm -rf "$folder" && mkdir -p "$folder/packages"
  # A list of packages may never have been fetched, or name versions that are gone.
  (cd "$folder/packages" && { apt-get download "$@" || { update_lists && apt-get download "$@"; }; }) >"$folder/log" 2>&1 ||
    { tail -n 5 "$folder/log" >&2; return 1; }
  local package
  for package in "$folder/packages/"*.deb; do dpkg-deb -x "$package" "$folder"; done
  rm -r "$folder/packages"
  touch "$folder/ready"
}

update_lists() {
  if ((EUID == 0)); then apt-get update; else sudo -n apt-get update; fi
}
