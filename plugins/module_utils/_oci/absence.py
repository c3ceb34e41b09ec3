# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What check mode may find missing: a real run makes it before it comes here."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, parse

# How crane says that there is no such registry, repository or image.
ABSENT = ("connection refused", "NAME_UNKNOWN", "MANIFEST_UNKNOWN", "no such host")


def programs(names: Iterable[str]) -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in names if shutil.which(name) is None]


def images(names: Iterable[str], crane: Cli) -> list[str]:
    """Return the images that are not there; one that cannot be asked for otherwise is an error."""
    return [name for name in names if _absent(name, crane)]


def _absent(name: str, crane: Cli) -> bool:
    reference = parse(name)
    if reference.place is not Place.REGISTRY:
        return not reference.path.exists()
    try:
        crane.run("digest", str(reference))
    except RampartError as error:
        if any(words in str(error) for words in ABSENT):
            return True
        raise
    return False
