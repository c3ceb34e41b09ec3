#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Removes what this checkout made: its clusters through their reset playbook, then its folders.
# --tools removes the cache of built and downloaded tools as well.
set -eu
cd "$(dirname "$0")/.."

# Who says clean has confirmed it.
reset_cluster() {
  sh scripts/as_root.sh "$1" .venv/bin/ansible-playbook -i "$1" playbooks/cluster_reset.yml -e cluster_reset_confirm=true
}
if [ -x .venv/bin/ansible-playbook ]; then
  reset_cluster inventories/local
  # A Docker daemon that was started for its node ends with it.
  reset_cluster inventories/minikube
  reset_cluster molecule/inventory
  # Versions of tools that an upgrade left behind; what is in use stays in the cache.
  sh scripts/as_root.sh inventories/local .venv/bin/python scripts/prune_tools.py
  if [ "${1:-}" = --tools ]; then
    # shellcheck disable=SC2016 # the home folder is that of the user who ran the play
    sh scripts/as_root.sh inventories/local sh -c 'rm -rf -- "${XDG_CACHE_HOME:-$HOME/.cache}/rampart"'
  fi
elif [ -d .venv ]; then
  echo 'clean: .venv is broken, so no cluster can be reset; run make setup first' >&2
  exit 1
fi
# Images and databases that the tests made (tests/ground).
rm -rf -- "${XDG_CACHE_HOME:-$HOME/.cache}/rampart-ground"
rm -rf .venv .venv-newest .ansible .cache .mypy_cache .ruff_cache .pytest_cache build tests/output changelogs/.plugin-cache.yaml
