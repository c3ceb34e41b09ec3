# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings one release to where it is to be: decides from what is there, acts under the release's lease."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts import artifact
from ansible_collections.rampart.k8s.plugins.module_utils._charts.artifact import Package
from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import inspect, tree_digest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._helm import (
    changes,
    comparing,
    drift,
    manifests,
    pending,
    returning,
    trial,
)
from ansible_collections.rampart.k8s.plugins.module_utils._helm.check import ReleaseCheck
from ansible_collections.rampart.k8s.plugins.module_utils._helm.checklist import Checklist
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import CHART, LABEL_LENGTH, Head, good
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import DEPLOYED, Revision
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Delivery, Helm
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease

REPAIR, UPGRADE, VERIFY, KEEP = "repair", "upgrade", "verify", "keep"


@dataclass(slots=True)
class Decision:
    """What is to happen with a release, and why."""

    action: str
    reason: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    # What stands against it; nothing is applied then.
    violations: list[str] = field(default_factory=list)

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


class Delivering:
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
        self._helm = helm
        self._release = release
        self._options = options
        self._key = key
        self._artifact = artifact.resolve(release["chart"])
        self._package = label_of(self._artifact)
        self.delivery = Delivery(
            release["name"],
            release["namespace"],
            self._artifact.path,
            changes.merged(release["values"] or {}, release["secret_values"] or {}),
            tuple(Path(file) for file in release["values_files"]),
            {CHART: self._package},
            options["history_max"],
            options["timeout"],
        )
        self.delivery.check()

    @property
    def title(self) -> str:
        return f"{self.delivery.namespace}/{self.delivery.name}"

    def decide(self) -> Decision:
        """Compare what would be delivered with what is there. Reads only."""
        history = self.check.history
        history.refresh()
        last = history.last
        if last and last.pending:
            return Decision(REPAIR, f"revision {last.number} is {last.status}: it is repaired, then upgraded")
        rendered = self._helm.rendered(self.delivery)
        wanted = self.check.wanted(rendered)
        present = history.load(last) if last else None
        before, after = changes.sides(self.check.wanted(present) if present else [], wanted, self._key)
        reason = self._difference(last, present, rendered, before, after)
        if not reason and last and last.verified:
            return Decision(KEEP, f"revision {last.number} is as it is to be, and verified")
        if not reason and last:
            return Decision(VERIFY, f"revision {last.number} is as it is to be, but was never verified")
        decision = Decision(UPGRADE, reason, before, after)
        tried = trial.judge(self.check.client, self.check.discovery, wanted)
        decision.violations = tried.refusals + self._checklist.judge(
            self._release, self._artifact, self._package, manifests.images(wanted)
        )
        return decision

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
        if last.labels.get(CHART) != self._package:
            return f"revision {last.number} came from another package"
        drifted = [
            one
            for one in comparing.compare(
                self.check.client, self.check.read(self.check.members(present)), self.check.ignored
            )
            if one.kind in (drift.CHANGED, drift.MISSING)
        ]
        return f"it has drifted: {'; '.join(map(str, drifted))}" if drifted else ""

    def act(self, decision: Decision, lease: Lease) -> tuple[Findings, returning.Return | None, list[str]]:
        """Do what was decided; return the verdict, where it went back to, and what was done."""
        done: list[str] = []
        if decision.action == REPAIR:
            done.append(self._repair(lease))
            decision = self.decide()
            if decision.violations:
                raise refused(self.title, decision.violations)
        if decision.action == UPGRADE:
            lease.check()
            failpoint("helm upgrade")
            try:
                self._helm.upgrade(self.delivery)
                done.append("upgraded")
            except RampartError as error:
                return self._failed(error, lease, done)
        failpoint("verify")
        findings = self.check.run()
        if findings.passed:
            lease.check()
            failpoint("mark verified")
            self.check.history.mark_verified(findings.revision)
            return findings, None, done
        return findings, self._return(findings, lease), done

    def _failed(
        self, error: RampartError, lease: Lease, done: list[str]
    ) -> tuple[Findings, returning.Return | None, list[str]]:
        """Helm itself gave up: what it says is the cause."""
        self.check.history.refresh()
        last = self.check.history.last
        findings = Findings(
            self.delivery.name,
            self.delivery.namespace,
            last.number if last else 0,
            last.status if last else "",
            package=self._package,
        )
        findings.violations.append(f"Helm failed: {error.message}")
        findings.cause = {"object": f"release {self.title}", "message": error.message}
        done.append("the upgrade failed")
        return findings, self._return(findings, lease), done

    def _return(self, findings: Findings, lease: Lease) -> returning.Return | None:
        """Go back to the last good revision, or remove a first one where that is allowed."""
        if self._options["on_failure"] != "rollback":
            return None
        below = findings.revision
        if good(self.check.history.heads, below) is None:
            if not self._options["allow_uninstall"]:
                findings.warnings.append(
                    "there is no revision to go back to; what was installed stays as it is (allow_uninstall)"
                )
                return None
            lease.check()
            self._helm.uninstall(
                self.delivery.name, self.delivery.namespace, timeout=self._options["timeout"]
            )
            findings.warnings.append("it was uninstalled, since there was no revision to go back to")
            return None
        return returning.go_back(self.check, self._helm, lease, self._options)

    def _repair(self, lease: Lease) -> str:
        """Bring a release out of a state in which Helm refuses to touch it."""
        history = self.check.history
        history.refresh()
        head = history.last
        if head is None or not head.pending:
            return "nothing was pending any more"
        client = self.check.client
        now = client.transport.send("GET", "/version").headers.get("Date") or ""
        stuck = pending.Stuck(
            self.title,
            head,
            pending.seconds_since(head.created, now),
            bool(lease.holder_before),
            pending.processes(history.name, history.namespace),
        )
        back = good(history.heads, head.number)
        action = pending.decide(
            stuck,
            back,
            after=self._options["pending_after"],
            allow_uninstall=self._options["allow_uninstall"],
        )
        lease.check()
        failpoint("repair")
        timeout = self._options["timeout"]
        if action == pending.UNINSTALL or back is None:
            self._helm.uninstall(history.name, history.namespace, timeout=timeout)
            return f"revision {head.number} was {head.status} and is uninstalled"
        returning.require(self.check, back)
        self._helm.rollback(
            history.name,
            history.namespace,
            back.number,
            timeout=timeout,
            history_max=self._options["history_max"],
        )
        return f"revision {head.number} was {head.status}; it was returned to revision {back.number}"


def refused(title: str, violations: list[str]) -> RampartError:
    """Word what is not delivered."""
    return RampartError(
        f"The release {title} is not delivered: {'; '.join(violations)}. Nothing was applied.",
        next_step="correct what is named, and let the gates that are missing judge it first",
        release=title,
        violations=violations,
    )
