# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Goes back to the last good revision: looks first whether that can work, and proves that it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._helm import comparing, needs
from ansible_collections.rampart.k8s.plugins.module_utils._helm.check import ReleaseCheck
from ansible_collections.rampart.k8s.plugins.module_utils._helm.drift import RESIDUE
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import Head, good
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Helm
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease


@dataclass(slots=True)
class Return:
    """What came of going back."""

    number: int
    findings: Findings | None = None
    removed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        return self.findings is not None and self.findings.passed

    def __str__(self) -> str:
        revision = f" as revision {self.findings.revision}" if self.findings else ""
        if self.verified:
            return f"it was returned to revision {self.number}{revision}, and that was verified"
        said = "; ".join(self.findings.violations) if self.findings else "it was not looked at"
        return f"it was returned to revision {self.number}{revision}, but: {said}"

    def as_result(self) -> dict[str, Any]:
        return {
            "to_revision": self.number,
            "verified": self.verified,
            "removed": self.removed,
            "warnings": self.warnings,
            "findings": self.findings.as_result() if self.findings else {},
        }


def target(check: ReleaseCheck, below: int) -> Head:
    """Return the revision to go back to."""
    head = good(check.history.heads, below)
    title = f"{check.history.namespace}/{check.history.name}"
    if head is None:
        raise RampartError(
            f"The release {title} has no revision to go back to: none before {below} was ever deployed.",
            next_step="correct the chart or its values and deploy again, or uninstall the release",
            release=title,
        )
    return head


def require(check: ReleaseCheck, head: Head) -> list[str]:
    """Look for all that the revision needs; return what could not be found out."""
    members = check.wanted(check.history.load(head))
    found = needs.find(check.client, check.discovery, members, check.history.name)
    title = f"{check.history.namespace}/{check.history.name}"
    if found.missing:
        raise RampartError(
            f"The release {title} cannot go back to revision {head.number}: {'; '.join(found.missing)}. "
            "Nothing was changed.",
            next_step="bring back what is missing, then run again; or deploy a version that needs none of it",
            release=title,
            revision=head.number,
            missing=found.missing,
        )
    return found.unknown


def go_back(
    check: ReleaseCheck,
    helm: Helm,
    lease: Lease,
    options: Mapping[str, Any],
) -> Return:
    """Go back once. Whoever holds the lease decides that it is time; a second try would be the same again."""
    check.history.refresh()
    last = check.history.last
    below = last.number if last else 0
    head = target(check, below)
    done = Return(head.number, warnings=require(check, head))
    lease.check()
    failpoint("helm rollback")
    helm.rollback(
        check.history.name,
        check.history.namespace,
        head.number,
        timeout=options["timeout"],
        history_max=options["history_max"],
    )
    left_by = range(head.number + 1, below + 1)
    done.findings = check.run(left_by=left_by)
    left = [one for one in done.findings.drift if one.kind == RESIDUE]
    if left and options["remove_residue"]:
        lease.check()
        done.removed = [str(one) for one in comparing.remove(check.client, check.discovery, left)]
        done.findings = check.run(left_by=left_by)
    if done.findings.passed:
        check.history.mark_verified(done.findings.revision)
    return done
