#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks that every module's and role's documentation renders and that its references lead somewhere.
set -eu
cd "$(dirname "$0")/.."
tree=$(sh scripts/collection_tree.sh build/docs)
cd "$tree"
antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs=dependent \
  --disallow-unknown-collection-refs --check-extra-docs-refs .
