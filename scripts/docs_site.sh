#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the documentation site in build/site/html: the guides, and a reference made of the modules, roles,
# playbooks and checklists as they stand. A warning fails it. `docs_site.sh check` leaves out the script that
# draws the pictures in a browser, for which npm is needed. Browsers load it from a server only:
#   python -m http.server --directory build/site/html
set -eu
cd "$(dirname "$0")/.."
MERMAID=11.12.1
MERMAID_SHA512=525219ad16ab881d754d8d51b538145a9eb9b6986d06fe024aaeefc92d996764e0a0c8ecda7968abec05ab18b07319611d4becec33c680c8ecd9a790c73e61f6

root=$PWD
tree=$(sh scripts/collection_tree.sh build/site/tree)
source=$root/build/site/source
rm -rf "$source" "$root/build/site/html"
cp -r "$tree/docs" "$source"
mkdir "$source/reference" "$source/_static"
if [ "${1:-}" != check ]; then
  command -v npm >/dev/null || { echo 'docs: npm is missing; it fetches the script that draws the pictures' >&2; exit 1; }
  npm pack --silent --pack-destination build/site "mermaid@$MERMAID" >/dev/null
  printf '%s  %s\n' "$MERMAID_SHA512" "build/site/mermaid-$MERMAID.tgz" | sha512sum --check --quiet
  mkdir "$source/_static/mermaid"
  tar -C "$source/_static/mermaid" --strip-components=2 --no-same-owner -xzf "build/site/mermaid-$MERMAID.tgz" \
    package/dist/mermaid.esm.min.mjs package/dist/chunks/mermaid.esm.min
  find "$source/_static/mermaid" -name '*.map' -delete
fi
ANSIBLE_COLLECTIONS_PATH=$root/build/site/tree antsibull-docs collection --use-current --squash-hierarchy \
  --fail-on-error --no-add-antsibull-docs-version --dest-dir "$source/reference" rampart.k8s >build/site/reference.log ||
  { cat build/site/reference.log >&2; exit 1; }
python scripts/docs_reference.py "$source/reference"
sphinx-build -b html -W --keep-going -q -j 2 -d build/site/doctrees "$source" build/site/html
printf 'docs: %s\n' "build/site/html/index.html has $(find build/site/html -name '*.html' | wc -l) pages"
