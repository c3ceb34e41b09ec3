#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# as_root.sh INVENTORY COMMAND...: the embedded driver runs a container runtime and network programs,
# which only root can; an inventory without it runs as the person who asked.
set -eu
inventory=$1
shift
if [ "$(id -u)" -eq 0 ] || ! grep -rqs '^cluster_driver: *embedded' "$inventory"; then
  exec "$@"
fi
if command -v sudo >/dev/null 2>&1; then
  echo "The embedded cluster needs root: continuing with sudo." >&2
  exec sudo --preserve-env=PATH,LANG,SSL_CERT_FILE,TERM -- "$@"
fi
echo "The embedded cluster needs root and this machine has no sudo: run this as root." >&2
exit 1
