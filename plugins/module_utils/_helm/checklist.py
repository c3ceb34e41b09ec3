# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Whether a release may be delivered at all: who has signed its package, and which gates have passed what."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts.artifact import Package
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._helm import proofs, running
from ansible_collections.rampart.k8s.plugins.module_utils._signing.judge import Judgement
from ansible_collections.rampart.k8s.plugins.module_utils._signing.verify_operation import accepted, judged
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop, now


def age(hours: int) -> timedelta | None:
    """Return how old a verdict may be; None where it does not age."""
    return timedelta(hours=hours) if hours else None


class Checklist:
    """What a task demands before it delivers. The evidence is asked, never a claim."""

    def __init__(self, options: Mapping[str, Any], redactor: Redactor) -> None:
        self._options = options
        self._redactor = redactor
        self._said: dict[str, Judgement] = {}
        self._lock = threading.Lock()

    def judge(self, release: Mapping[str, Any], package: Package, images: Sequence[str]) -> list[str]:
        """Return what is missing of a release's package and images."""
        found = list(self._signature(release, package))
        demands, gates = self._options["demands"], self._options["package_gates"]
        if not (demands["image_gates"] or gates):
            return found
        store = self._store(release)
        for gate in gates:
            verdict = running.newest(store, gate, [package.digest] if package.digest else [], None)
            if verdict != "passed":
                found.append(f"the verdict of {gate} on {release['chart']} is {verdict}")
        found += running.unproved_images(
            images,
            running.Known(demands["image_sources"]),
            demands["image_gates"],
            store,
            age(demands["image_gate_max_age_hours"]),
        )
        return found

    def unpromoted(self, release: Mapping[str, Any], label: str, images: Sequence[str]) -> list[str]:
        """Return what of a release was not verified in the environment before."""
        before = release["promoted_from"]
        if not before:
            return []
        limit = age(release["promoted_max_age_hours"])
        return proofs.unproved(self._store(release), before, release["name"], label, images, limit)

    def _store(self, release: Mapping[str, Any]) -> EvidenceStore:
        if not self._options["evidence_dir"]:
            raise RampartError(
                f"The checklist of {release['namespace']}/{release['name']} asks for evidence, but it is not "
                "said where that is.",
                next_step="give evidence_dir",
            )
        return EvidenceStore(self._options["evidence_dir"])

    def _signature(self, release: Mapping[str, Any], package: Package) -> Iterable[str]:
        if not (self._options["keyring"] or self._options["public_keys"]):
            return
        if not package.digest:
            yield f"{release['chart']} is a plain file or folder, which carries no signature"
            return
        if self._options["keyring"] and not Path(self._options["keyring"]).exists():
            yield f"there is no ring of keys {self._options['keyring']}"
            return
        said = self._signed(release["chart"])
        yield from (f"the package {release['chart']}: {violation}" for violation in said.violations)
        if said.digest != package.digest:
            yield f"what is signed is {said.digest}, and what would be delivered {package.digest}"

    def _signed(self, chart: str) -> Judgement:
        """Ask who has signed a package, once for all releases; what is delivered is compared each time."""
        with self._lock:
            if chart not in self._said:
                workshop = Workshop(dict(self._options), self._redactor)
                policy = accepted({**self._options, "attestations": []})
                self._said[chart] = judged(workshop, chart, policy, now())
            return self._said[chart]
