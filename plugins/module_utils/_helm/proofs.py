# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Under which digests a verdict on a release is found again: by environment, package and image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings

GATE = "helm_verify"


def subject(namespace: str, name: str, package: str, image: str = "") -> Subject:
    """Name a package in an environment, with one of the images that it runs there.

    Each image has a subject of its own: what is promoted may run fewer of them than where it was proved.
    """
    identity = {"namespace": namespace, "release": name, "package": package, "image": image}
    shown = f"{namespace}/{name}" + (f" with {image}" if image else "")
    return Subject("release", shown, digest(identity))


def outcome(found: Findings) -> Outcome:
    """Return a verdict as gates keep it."""
    package = found.package or found.chart
    return Outcome(
        subject(found.namespace, found.name, package),
        violations=list(found.violations),
        warnings=list(found.warnings),
        summary={
            "revision": found.revision,
            "chart": found.chart,
            "objects": len(found.objects),
            "tests": len(found.tests),
            "probes": len(found.probes),
            "violations": len(found.violations),
        },
        also=[
            subject(found.namespace, found.name, package, reference)
            for reference in dict.fromkeys(image.reference for image in found.images)
        ],
    )


def unproved(
    store: EvidenceStore,
    namespace: str,
    name: str,
    package: str,
    images: Sequence[str],
    max_age: timedelta | None,
) -> list[str]:
    """Return what of a package was not verified in another environment, by the newest verdict on it."""
    found = []
    for image in ("", *images):
        wanted = subject(namespace, name, package, image)
        stored = store.latest(GATE, wanted.digest, max_age=max_age)
        if stored is None or stored.record.verdict != "passed":
            said = stored.record.verdict if stored else "missing or too old"
            found.append(f"the verdict of {GATE} on {wanted.name} is {said}")
    return found
