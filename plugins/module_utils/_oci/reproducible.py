# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges whether building twice gives the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._oci import compare
from ansible_collections.rampart.k8s.plugins.module_utils._oci.compare import Difference
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import crane
from ansible_collections.rampart.k8s.plugins.module_utils._oci.parts import opened
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import parse

GATE = "reproducible_verify"

# The first differences tell the cause; thousands of the same kind tell no more.
MOST = 20


class ReproducibleVerify:
    """All pairs of one task."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._check_mode = check_mode
        self._crane = crane(parameters["crane"], redactor=redactor)

    def plan(self) -> Plan:
        """Compare; nothing is changed."""
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy={},
            tools={},
            next_step="repair the cause of the first difference, build twice again, and compare",
        )
        judged = [self._judge(pair) for pair in self._parameters["pairs"]]
        return gate.conclude(
            [outcome for outcome, _data in judged], pairs=[data for _outcome, data in judged]
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _judge(self, pair: Mapping[str, str]) -> tuple[Outcome, dict[str, Any]]:
        name, first, second = pair["name"], pair["first"], pair["second"]
        if first == second:
            raise RampartError(
                f"{name} would be compared with itself, which proves nothing.",
                next_step="name the results of two builds",
            )
        identity, differences = self._folders(first, second) or self._images(first, second)
        outcome = Outcome(
            Subject("build", name, identity),
            [f"the builds differ at {differences[0]}"] if differences else [],
            summary={"differences": len(differences)},
        )
        return outcome, {
            "name": name,
            "identical": not differences,
            "differences": [each.data() for each in differences],
        }

    def _folders(self, first: str, second: str) -> tuple[str, list[Difference]] | None:
        one, other = Path(first), Path(second)
        if not (one.is_absolute() and other.is_absolute()):
            return None
        for path in (one, other):
            if not path.is_dir() or not any(path.iterdir()):
                raise RampartError(
                    f"{path} is not a folder with something in it.",
                    next_step="build first; two builds that made nothing are not the same build",
                    path=str(path),
                )
        return digest({"first": first, "second": second}), list(islice(compare.folders(one, other), MOST))

    def _images(self, first: str, second: str) -> tuple[str, list[Difference]]:
        with opened(parse(first), self._crane) as one, opened(parse(second), self._crane) as other:
            found = list(islice(compare.images(one, other), MOST))
            if one.digest != other.digest and not found:
                cause = "manifests that name the same content differently"
                found.append(Difference("manifest", one.digest, other.digest, cause))
            return one.digest, found
