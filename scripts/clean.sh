#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Removes what this checkout made: its clusters through their reset playbook, then its folders.
# --tools removes the cache of built and downloaded tools as well.
set -eu
cd "$(dirname "$0")/.."

reset_cluster() {
  sh scripts/as_root.sh "$1" .venv/bin/ansible-playbook -i "$1" playbooks/cluster_reset.yml -e cluster_reset_confirm=true
}
if [ -x .venv/bin/ansible-playbook ]; then
  reset_cluster inventories/local
  reset_cluster molecule/inventory
  if [ "${1:-}" = --tools ]; then
    sh scripts/as_root.sh inventories/local .venv/bin/ansible-playbook -i inventories/local playbooks/tools_remove.yml
  fi
elif [ -d .venv ]; then
  echo 'clean: .venv is broken, so no cluster can be reset; run make setup first' >&2
  exit 1
fi
rm -rf .venv .venv-newest .ansible .cache .mypy_cache .ruff_cache .pytest_cache build tests/output changelogs/.plugin-cache.yaml
