# Python with the packages that a folder of tools asks for, in an environment of its own. Sourced, with $root set.

# ensure_python NAME: for tools/NAME/requirements.txt. Sets python.
ensure_python() {
  local wanted=$root/tools/$1/requirements.txt home=$root/.local/tools/python-$1
  python=$home/bin/python
  if [[ ! -e $home/ready || $wanted -nt $home/ready ]]; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || "$root/deploy/local/packages.sh" python3 python3-venv
    python3 -m venv --clear "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    touch "$home/ready"
  fi
}
