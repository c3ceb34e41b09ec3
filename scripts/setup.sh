#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the virtual environment: `setup.sh run` for playbooks, `setup.sh dev` for checks and
# tests too, `setup.sh newest` for the second end of the support range in .venv-newest.
# When nothing changed since the last call it only compares one checksum.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
kind=${1:-run}

say() { printf '%s\n' "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

case $kind in
  run) venv=.venv requirements=requirements.txt ;;
  dev) venv=.venv requirements=requirements-dev.txt ;;
  newest) venv=.venv-newest requirements=requirements-dev.txt ;;
  *) fail "unknown kind '$kind'; it is run, dev or newest" ;;
esac

stamp=$(cat requirements.txt requirements-dev.txt scripts/setup.sh | sha256sum | cut -d ' ' -f 1)
made() { [ "$(cat "$venv/.made-$1" 2>/dev/null)" = "$stamp" ]; }
made "$kind" && exit 0

# A version manager's shim may stand on the PATH without a Python behind it: run it and see.
version_of() { "$1" -c 'import sys; print("%d%02d" % sys.version_info[:2])' 2>/dev/null || echo 0; }

find_python() {
  for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13; do
    [ "$(version_of "$candidate")" -ge 311 ] && { command -v "$candidate"; return 0; }
  done
  return 1
}

# The newest Python of the promised range that is not the one of .venv.
find_newest() {
  first=$(version_of .venv/bin/python)
  for minor in 13 12; do
    candidates=python3.$minor
    if command -v pyenv >/dev/null 2>&1; then
      for installed in $(pyenv versions --bare 2>/dev/null | grep "^3\.$minor\.[0-9]*$"); do
        candidates="$candidates $(pyenv prefix "$installed")/bin/python3"
      done
    fi
    for candidate in $candidates; do
      version=$(version_of "$candidate")
      [ "$version" = "3$minor" ] && [ "$version" -gt "$first" ] && { command -v "$candidate"; return 0; }
    done
  done
  return 1
}

# One line for each missing package: its name and what it is for.
missing_packages() {
  command -v git >/dev/null 2>&1 || echo 'git makes the copies of this checkout that the tests install and run'
  if ! python=$(find_python); then
    echo 'python3 runs Ansible (3.11 or newer is wanted)'
    echo 'python3-venv keeps what is installed here apart from the system'
  elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    case $python in
      */python3) echo 'python3-venv keeps what is installed here apart from the system' ;;
      *) echo "$(basename "$python")-venv keeps what is installed here apart from the system" ;;
    esac
  fi
}

install_packages() {
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  say 'these system packages are missing:'
  printf '%s\n' "$missing" | sed 's/^\([^ ]*\) /  \1: /' >&2
  names=$(printf '%s\n' "$missing" | cut -d ' ' -f 1)
  command -v apt-get >/dev/null 2>&1 || fail 'this system has no apt-get: install them by hand, then run again'
  become=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail 'installing them needs root: run again as root'
    become=sudo
  fi
  say 'installing them with apt-get'
  $become apt-get update -qq
  # shellcheck disable=SC2086 # a list of package names
  DEBIAN_FRONTEND=noninteractive $become apt-get install -y -qq --no-install-recommends $names
}

if [ "$kind" = newest ]; then
  sh scripts/setup.sh dev
  if ! python=$(find_newest); then
    say 'no newer Python (3.12, 3.13) on this machine: the second end cannot be tested here'
    exit 0
  fi
else
  install_packages
  python=$(find_python) || fail 'found no Python 3.11 or newer: install one, or name it as PYTHON=/path/to/python make ...'
fi

say "$venv with $("$python" --version) and $requirements"
if ! "$venv/bin/python" -c '' 2>/dev/null; then
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi
if [ "$("$venv/bin/uv" --version 2>/dev/null | cut -d ' ' -f 2)" != "$UV_VERSION" ]; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
fi
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --requirement "$requirements"
printf '%s\n' "$stamp" > "$venv/.made-$kind"
# What development needs holds all that a run needs.
[ "$kind" != dev ] || printf '%s\n' "$stamp" > "$venv/.made-run"
say 'ready'
