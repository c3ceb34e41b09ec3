#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs `ansible-test sanity` of the virtual environment that stands first on the PATH.
# Needs only a package index: ansible-test would fetch its pip bootstrap from a web site of its own.
set -eu
cd "$(dirname "$0")/.."
checkout=$(pwd)
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
core=$(ansible-test --version | cut -d ' ' -f 3)
tree=$(sh scripts/collection_tree.sh "build/sanity-$version")

# ansible-test keeps its environments in the home folder; here they stay in the checkout's cache.
# The package index that the person configured still holds.
[ -n "${PIP_CONFIG_FILE:-}" ] || [ ! -f "$HOME/.config/pip/pip.conf" ] || export PIP_CONFIG_FILE="$HOME/.config/pip/pip.conf"
export HOME="$checkout/.cache/ansible-test-$core-$version"
pip_version=$(python - <<'PYTHON'
import re, pathlib, ansible_test._internal as internal
text = (pathlib.Path(internal.__file__).parent / "python_requirements.py").read_text()
print(re.search(r"pip='([\d.]+)'", text).group(1).replace(".", "_"))
PYTHON
)
mkdir -p "$HOME/.ansible/test/cache"
printf 'import ensurepip\nensurepip.bootstrap()\n' > "$HOME/.ansible/test/cache/get_pip_$pip_version.py"

printf 'ansible-core %s, Python %s\n' "$core" "$version"
cd "$tree"
rc=0
ansible-test sanity --venv --python "$version" --color no > "$checkout/build/sanity-$version.log" 2>&1 || rc=$?
grep -v -e '^Collecting ' -e '^  Downloading ' -e '^     .*eta ' "$checkout/build/sanity-$version.log" || true
# What ansible-test leaves out it only warns of.
sed -n -e 's/^WARNING: \(.*[Ss]kip.*\)/not run: sanity on '"$version"': \1/p' \
  -e 's/^WARNING: \(Required program .*\)/not run: sanity on '"$version"': \1/p' \
  "$checkout/build/sanity-$version.log" | sort -u
if grep -q '^WARNING: All targets skipped' "$checkout/build/sanity-$version.log"; then
  echo 'ansible-test saw no file of the collection: nothing was checked' >&2
  exit 1
fi
exit "$rc"
