# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a verification found out about one release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm.drift import Drift
from ansible_collections.rampart.k8s.plugins.module_utils._helm.hook_tests import Tested
from ansible_collections.rampart.k8s.plugins.module_utils._helm.probes import Probed
from ansible_collections.rampart.k8s.plugins.module_utils._helm.running import RunningImage


@dataclass(slots=True)
class Findings:
    """A verdict with all that it rests on; without a violation the release is what it should be."""

    name: str
    namespace: str
    revision: int = 0
    status: str = ""
    chart: str = ""
    # The digest of the package that was delivered, as far as the release knows it.
    package: str = ""
    violations: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # Object, pod, container, event and log of what failed.
    cause: dict[str, Any] = field(default_factory=dict)
    objects: Sequence[Mapping[str, str]] = ()
    drift: list[Drift] = field(default_factory=list)
    tests: list[Tested] = field(default_factory=list)
    probes: list[Probed] = field(default_factory=list)
    images: list[RunningImage] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.violations

    @property
    def title(self) -> str:
        return f"{self.namespace}/{self.name}"

    def as_result(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "namespace": self.namespace,
            "revision": self.revision,
            "status": self.status,
            "chart": self.chart,
            "package": self.package,
            "passed": self.passed,
            "violations": list(self.violations),
            "cause": self.cause,
            "objects": list(self.objects),
            "drift": [one.as_result() for one in self.drift],
            "tests": [one.as_result() for one in self.tests],
            "probes": [one.as_result() for one in self.probes],
            "images": [one.as_result() for one in self.images],
        }
