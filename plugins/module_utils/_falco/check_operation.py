# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets only rules pass that Falco takes, and returns them flat for the engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._falco.compile import Compiled, compiled
from ansible_collections.rampart.k8s.plugins.module_utils._falco.findings import ERROR, WARNING
from ansible_collections.rampart.k8s.plugins.module_utils._falco.options import RULES, texts
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome

GATE = "falco_rules_check"
SPEC = RULES | REPORT | EVIDENCE


class FalcoRulesCheck:
    """All files of one task are one set of rules."""

    def __init__(self, parameters: Mapping[str, Any], *, check_mode: bool) -> None:
        self._parameters = parameters
        self._check_mode = check_mode

    def plan(self) -> Plan:
        """Judge; wrong rules are never returned."""
        files = texts(self._parameters["files"])
        result = compiled(files)
        return self._gate().conclude(
            self._outcomes(files, result),
            findings=[each.as_data() for each in result.findings.all],
            counts=result.counts,
            rules=[] if result.findings.of(ERROR) else result.rules,
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _gate(self) -> Gate:
        return Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy={"errors": 0},
            tools={},
            next_step="correct the rules where the findings say so; nothing was installed",
        )

    @staticmethod
    def _outcomes(files: list[tuple[str, str]], result: Compiled) -> list[Outcome]:
        if not files:
            return []
        digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
        violations = [str(each) for each in result.findings.of(ERROR)]
        if not violations and not result.rules:
            violations = ["no rule is on, so nothing would ever be noticed"]
        return [
            Outcome(
                Subject("falco-rules", f"{len(files)} files", f"sha256:{digest}"),
                violations=violations,
                warnings=[str(each) for each in result.findings.of(WARNING)],
                summary={**result.counts, "violations": len(violations)},
            )
        ]
