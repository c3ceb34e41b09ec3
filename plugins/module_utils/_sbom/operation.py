# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes the bills of materials of images where they are missing, and judges the licences in them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._oci import absence
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import crane
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import digest_of
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, Reference, parse
from ansible_collections.rampart.k8s.plugins.module_utils._sbom import documents
from ansible_collections.rampart.k8s.plugins.module_utils._sbom.licences import Judge, LicencePolicy
from ansible_collections.rampart.k8s.plugins.module_utils._sbom.syft import (
    FORMS,
    Cache,
    Source,
    Syft,
    argument,
    describe,
)

GATE = "image_sbom"

# syft uses all processors by itself.
WORKERS = 2

MOST_WARNINGS = 20

# How the index of a layout calls the sums of an image's bills of materials.
ANNOTATION = "rampart.k8s/sbom"


@dataclass(frozen=True, slots=True)
class Step:
    """One image, and whether its documents are there."""

    image: str
    empty: bool
    reference: Reference
    source: Source
    documents: dict[str, bytes] | None

    @property
    def missing(self) -> bool:
        return self.documents is None


class ImageSbom:
    """All images of one task."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._check_mode = check_mode
        timeout, ca = parameters["timeout"], parameters["registry_ca"]
        self._syft = Syft(parameters["syft"], timeout=timeout, registry_ca=ca)
        self._crane = crane(parameters["crane"], ca=ca, redactor=redactor)
        self._policy = LicencePolicy.of(parameters["licences"])
        self._judge = Judge(self._policy)
        self._version = ""
        self._cache = Cache(Path(parameters["directory"]), "")
        self._steps: list[Step] = []

    def plan(self) -> Plan:
        """Find out whose documents are missing; judge at once when none is."""
        absent = self._not_there_yet()
        if absent:
            return Plan(
                True,
                f"bills of materials would be written once there is {', '.join(absent)}",
                before={"images": "unknown"},
                after={"images": "written down"},
                result={"passed": False, "violations": [], "images": [], "evidence": []},
            )
        self._version = self._syft.version()
        self._cache = Cache(Path(self._parameters["directory"]), self._version)
        self._steps = [self._look(entry) for entry in self._parameters["images"]]
        missing = [step.image for step in self._steps if step.missing or not self._said(step)]
        if missing:
            return Plan(
                True,
                f"{', '.join(missing)}: no bill of materials of this content by syft {self._version} yet, "
                "or the image does not name it",
                before=dict.fromkeys(missing, "absent"),
                after=dict.fromkeys(missing, "present"),
                result={"passed": False, "violations": [], "images": [], "evidence": []},
            )
        return self._conclude("nothing was written")

    def apply(self, plan: Plan) -> Plan:
        """Write what is missing, then judge everything."""
        with ThreadPoolExecutor(WORKERS) as pool:
            self._steps = list(pool.map(self._complete, self._steps))
        for step in self._steps:
            self._say(step)
        judged = self._conclude(plan.reason)
        return replace(plan, reason=judged.reason, result=judged.result)

    def _not_there_yet(self) -> list[str]:
        if not self._check_mode:
            return []
        missing = absence.programs((self._parameters["syft"], self._parameters["crane"]))
        return missing or absence.images([each["image"] for each in self._parameters["images"]], self._crane)

    def _look(self, entry: Mapping[str, Any]) -> Step:
        image, empty = entry["image"], entry["empty"]
        reference = parse(image)
        source = describe(reference, self._crane)
        return Step(image, empty, reference, source, self._cache.read(source))

    def _complete(self, step: Step) -> Step:
        if step.documents is not None:
            return step
        with (
            tempfile.TemporaryDirectory(prefix="rampart-") as work,
            argument(step.reference, step.source) as what,
        ):
            written = self._syft.write(what, step.source, Path(work))
        # Only what can be read counts as written.
        documents.cyclonedx(written["cyclonedx"], step.image, step.source.digest)
        documents.spdx(written["spdx"], step.image, step.source.digest)
        self._cache.write(step.source, written)
        return replace(step, documents=written)

    def _names(self, step: Step) -> dict[str, str]:
        """Return how the index of a layout names the documents: by their sums."""
        written = step.documents or {}
        return {f"{ANNOTATION}.{form}": digest_of(content) for form, content in sorted(written.items())}

    def _said(self, step: Step) -> bool:
        if not self._parameters["annotate"] or step.reference.place is not Place.LAYOUT:
            return True
        found = Layout(step.reference.path).resolve(step.reference).annotations
        return self._names(step).items() <= found.items()

    def _say(self, step: Step) -> None:
        """Name the documents in the index: the image itself cannot hold the sum of what names its digest."""
        if not self._said(step):
            Layout(step.reference.path).annotate(step.source.digest, self._names(step))

    def _conclude(self, reason: str) -> Plan:
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy=self._policy.data(),
            tools={"syft": self._version},
            next_step="replace the packages that are named, or let the owner of the licence policy decide",
        )
        judged = [self._judge_one(step) for step in self._steps]
        plan = gate.conclude(
            [outcome for outcome, _data in judged], images=[data for _outcome, data in judged]
        )
        return replace(plan, reason=f"{plan.reason}; {reason}")

    def _judge_one(self, step: Step) -> tuple[Outcome, dict[str, Any]]:
        source, written = step.source, step.documents or {}
        digest = source.digest
        components = documents.cyclonedx(written["cyclonedx"], step.image, digest)
        listed = documents.spdx(written["spdx"], step.image, digest)
        verdict = self._judge.judge(components)
        violations = list(verdict.violations)
        if not components and not step.empty:
            violations.append(
                "it has no package at all, and is not declared empty: the scanner may be blind to it"
            )
        if components and step.empty:
            violations.append(f"it is declared empty and has {len(components)} packages")
        if bool(components) != bool(listed):
            violations.append(f"CycloneDX lists {len(components)} packages and SPDX {listed}")
        more = len(verdict.warnings) - MOST_WARNINGS
        warnings = verdict.warnings[:MOST_WARNINGS] + ([f"and {more} more"] if more > 0 else [])
        outcome = Outcome(
            Subject("image", step.image, digest),
            violations,
            warnings,
            summary={"packages": len(components), "violations": len(violations), "licences": verdict.counts},
        )
        paths = {form: str(self._cache.path(source, form)) for form in FORMS}
        return outcome, {
            "image": step.image,
            "digest": digest,
            "packages": len(components),
            "licences": verdict.counts,
            **paths,
        }
