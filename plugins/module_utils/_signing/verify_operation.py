# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges the signatures and attestations of images."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._signing.folder import read_ring
from ansible_collections.rampart.k8s.plugins.module_utils._signing.judge import Judgement, judge
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import (
    Key,
    State,
    key_id,
)
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Policy, demands
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop, beside, now

GATE = "image_verify"


class ImageVerify:
    """All images of one task."""

    def __init__(self, parameters: Mapping[str, Any], workshop: Workshop, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._workshop = workshop
        self._check_mode = check_mode
        self._now = now()

    def plan(self) -> Plan:
        """Verify; nothing is changed."""
        missing = self._not_there_yet()
        if missing:
            return Plan(
                False,
                f"there is nothing to verify yet: {', '.join(missing)}",
                result={"passed": False, "violations": [], "images": [], "evidence": []},
            )
        policy = accepted(self._parameters)
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy=policy.data(),
            tools={"cosign": self._workshop.cosign.version()},
            next_step="do not load or deploy these images; build and sign them by the pipeline",
        )
        images = self._parameters["images"]
        judgements = beside(lambda image: judged(self._workshop, image, policy, self._now), images)
        outcomes = [
            Outcome(
                Subject("image", image, judgement.digest),
                judgement.violations,
                summary={
                    "signatures": len(judgement.signed),
                    "ignored": len(judgement.ignored),
                    "violations": len(judgement.violations),
                },
            )
            for image, judgement in zip(images, judgements, strict=True)
        ]
        return gate.conclude(
            outcomes,
            images=[
                {"image": image, **judgement.data()}
                for image, judgement in zip(images, judgements, strict=True)
            ],
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _not_there_yet(self) -> list[str]:
        if not self._check_mode:
            return []
        missing = self._workshop.not_there_yet(self._parameters["images"])
        ring = self._parameters["keyring"]
        return missing + ([ring] if ring and not Path(ring).exists() else [])


def judged(workshop: Workshop, image: str, policy: Policy, moment: datetime.datetime) -> Judgement:
    """Judge what is attached to one image."""
    store = workshop.store(image)
    return judge(workshop.collect(store, store.digest(), policy, moment), policy, moment)


def accepted(parameters: Mapping[str, Any]) -> Policy:
    """Return the keys that count, and what they must have said."""
    keys: list[Key] = []
    if parameters["keyring"]:
        keys += read_ring(Path(parameters["keyring"])).keys
    for public_key in parameters["public_keys"]:
        keys.append(Key(key_id(public_key), public_key, "", "", "", State.ACCEPTED))
    return Policy(tuple(keys), demands(parameters["attestations"]))
