#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copies this checkout, as git would commit it now, to DEST/ansible_collections/rampart/k8s:
# tools that look at the path do not accept the checkout's own, and must not walk its link.
set -eu
cd "$(dirname "$0")/.."
tree=$1/ansible_collections/rampart/k8s
rm -rf "$1"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard --deduplicate -- . ':!collections/ansible_collections' |
  tar --create --null --files-from=- --ignore-failed-read |
  tar --extract --directory="$tree"
# A repository of its own: below this one's build folder, a tool that asks git would find no file.
git init --quiet "$tree"
printf '%s\n' "$tree"
