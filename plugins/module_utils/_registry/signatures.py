# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What was signed about an image goes with it: from its layout, or a registry, to where it is pushed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop


class Signatures:
    """The bundles about images."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def lacking(self, source: str, repository: str, digest: str, *, pushed: bool) -> list[bytes]:
        """Return the bundles that the image has where it comes from and not where it goes."""
        ours = self._workshop.store(source).bundles(digest)
        if not ours or not pushed:
            return ours
        theirs = self._workshop.store(f"{repository}@{digest}").bundles(digest)
        return [bundle for bundle in ours if _same(bundle) not in {_same(other) for other in theirs}]

    def attach(self, repository: str, digest: str, bundles: Sequence[bytes]) -> None:
        """Attach them, and look whether they are there."""
        if not bundles:
            return
        store = self._workshop.store(f"{repository}@{digest}")
        for bundle in bundles:
            store.attach(digest, bundle)
        there = {_same(bundle) for bundle in store.bundles(digest)}
        missing = sum(_same(bundle) not in there for bundle in bundles)
        if missing:
            raise RampartError(
                f"{missing} of {len(bundles)} signatures of {repository}@{digest} are not in the registry, "
                "although cosign said that it put them there.",
                next_step="look into the registry's log, then run again",
                image=f"{repository}@{digest}",
            )


def _same(bundle: bytes) -> bytes:
    """Compare what is said and by whom: a registry's client may write the same JSON in another way."""
    return json.dumps(json.loads(bundle), sort_keys=True).encode()
