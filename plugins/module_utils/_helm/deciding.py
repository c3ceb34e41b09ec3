# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides what is to happen with one release: from what would be delivered, and from what is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts import artifact
from ansible_collections.rampart.k8s.plugins.module_utils._charts.artifact import Package
from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import inspect, tree_digest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm import (
    changes,
    comparing,
    drift,
    manifests,
    trial,
)
from ansible_collections.rampart.k8s.plugins.module_utils._helm.canary import Canary
from ansible_collections.rampart.k8s.plugins.module_utils._helm.check import ReleaseCheck
from ansible_collections.rampart.k8s.plugins.module_utils._helm.checklist import Checklist
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import (
    CHART,
    LABEL_LENGTH,
    Head,
)
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import DEPLOYED, Hook, Revision
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Delivery, Helm

REPAIR, UPGRADE, VERIFY, CLEAN, KEEP = "repair", "upgrade", "verify", "clean", "keep"


@dataclass(slots=True)
class Decision:
    """What is to happen with a release, and why."""

    action: str
    reason: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    # What stands against it; nothing is applied then.
    violations: list[str] = field(default_factory=list)
    # What was not verified in the environment before; the same task may still do it.
    unpromoted: list[str] = field(default_factory=list)
    # What Helm makes and waits for beside the manifest.
    hooks: tuple[Hook, ...] = ()
    # The objects of the new and of the present revision.
    wanted: Sequence[Mapping[str, Any]] = ()
    present: Sequence[Mapping[str, Any]] = ()
    # The newest revision and its status when this was decided.
    seen: tuple[int, str] = (0, "")

    @property
    def changes(self) -> bool:
        return self.action != KEEP


def label_of(package: Package) -> str:
    """Return the digest of a chart as a label can hold it; a dangerous chart is refused."""
    inspect(package.path)
    if package.digest:
        return package.digest.partition(":")[2][:LABEL_LENGTH]
    if package.path.is_dir():
        return tree_digest(package.path)[:LABEL_LENGTH]
    return hashlib.sha256(package.path.read_bytes()).hexdigest()[:LABEL_LENGTH]


class Deciding:
    """One release of one task."""

    def __init__(
        self,
        check: ReleaseCheck,
        helm: Helm,
        release: Mapping[str, Any],
        options: Mapping[str, Any],
        checklist: Checklist,
        key: bytes,
    ) -> None:
        self.check = check
        self._checklist = checklist
        self.helm = helm
        self.release = release
        self.options = options
        self._key = key
        self.canary = Canary(check, release["namespace"], release["name"])
        self._artifact = artifact.resolve(release["chart"])
        self.package = label_of(self._artifact)
        self.delivery = Delivery(
            release["name"],
            release["namespace"],
            self._artifact.path,
            changes.merged(release["values"] or {}, release["secret_values"] or {}),
            tuple(Path(file) for file in release["values_files"]),
            {CHART: self.package},
            options["history_max"],
            options["timeout"],
            options["force_conflicts"],
        )
        self.delivery.check()

    @property
    def title(self) -> str:
        return f"{self.delivery.namespace}/{self.delivery.name}"

    def decide_again(self, before: Decision) -> Decision:
        """Decide under the lease: what was decided holds when nobody has made a revision since."""
        self.check.history.refresh()
        return before if before.seen == self._seen() else self.decide()

    def _seen(self) -> tuple[int, str]:
        last = self.check.history.last
        return (last.number, last.status) if last else (0, "")

    def decide(self) -> Decision:
        """Compare what would be delivered with what is there. Reads only."""
        self.check.history.refresh()
        decision = self._decide()
        decision.seen = self._seen()
        return decision

    def _decide(self) -> Decision:
        history = self.check.history
        last = history.last
        if last and last.pending:
            return Decision(REPAIR, f"revision {last.number} is {last.status}: it is repaired, then upgraded")
        rendered = self.helm.rendered(self.delivery)
        wanted = self.check.wanted(rendered)
        present = history.load(last) if last else None
        old = self.check.wanted(present) if present else []
        before, after = changes.sides(old, wanted, self._key)
        reason = self._difference(last, present, rendered, before, after)
        if not reason and last and last.verified and self.release["canary"] and self.canary.left():
            return Decision(CLEAN, "a canary of a run that was ended is left")
        if not reason and last and last.verified:
            return Decision(KEEP, f"revision {last.number} is as it is to be, and verified")
        if not reason and last:
            return Decision(VERIFY, f"revision {last.number} is as it is to be, but was never verified")
        decision = Decision(UPGRADE, reason, before, after, hooks=rendered.hooks, wanted=wanted, present=old)
        tried = trial.judge(self.check.client, self.check.discovery, wanted)
        decision.violations = tried.refusals + self._checklist.judge(
            self.release, self._artifact, manifests.images(wanted)
        )
        decision.unpromoted = self._unpromoted(wanted)
        return decision

    def _unpromoted(self, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
        return self._checklist.unpromoted(self.release, self.package, manifests.images(wanted))

    def require(self, decision: Decision) -> None:
        """Stop before anything is applied when something speaks against it now."""
        against = decision.violations + (self._unpromoted(decision.wanted) if decision.unpromoted else [])
        if against:
            raise refused(self.title, against)

    def _difference(
        self,
        last: Head | None,
        present: Revision | None,
        rendered: Revision,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> str:
        """Say why an upgrade is needed; empty when it would change nothing."""
        if last is None or present is None:
            return f"it is not installed: {changes.summary(before, after)}"
        if present.status != DEPLOYED:
            return f"revision {last.number} is {present.status}"
        if not rendered.same_content(present):
            return f"its objects differ from revision {last.number}: {changes.summary(before, after)}"
        if last.labels.get(CHART) != self.package:
            return f"revision {last.number} came from another package"
        drifted = [
            one
            for one in comparing.compare(
                self.check.client, self.check.read(self.check.members(present)), self.check.ignored
            )
            if one.kind in (drift.CHANGED, drift.MISSING)
        ]
        return f"it has drifted: {'; '.join(map(str, drifted))}" if drifted else ""


def refused(title: str, violations: list[str]) -> RampartError:
    """Word what is not delivered."""
    return RampartError(
        f"The release {title} is not delivered: {'; '.join(violations)}. Nothing was applied.",
        next_step="correct what is named, and let the gates that are missing judge it first",
        release=title,
        violations=violations,
    )
