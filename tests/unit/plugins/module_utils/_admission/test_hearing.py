# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who speaks against an object, in the words of three engines, and what that proves."""

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._admission.hearing import (
    Answer,
    Objection,
    objections,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.proofs import Try, judge
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict

# Recorded from Kyverno 1.19.1, and from an API server of Kubernetes 1.36.3.
KYVERNO = (
    'admission webhook "vpol.validate.kyverno.svc-fail-30724055" denied the request: Policy '
    "rampart-prod-privilege-escalation failed: app: must set allowPrivilegeEscalation to false; Policy "
    "rampart-prod-privileged-containers failed: app: must not be privileged"
)
KYVERNO_BROKEN = (
    'admission webhook "ivpol.validate.kyverno.svc-fail-finegrained-rampart-prod-image-signatures" denied '
    "the request: Policy rampart-prod-image-signatures error: failed to evaluate policy: GET "
    "https://rampart.local/v2/t/none/manifests/sha256:80: MANIFEST_UNKNOWN: manifest unknown"
)
SERVER = (
    'deployments.apps "rampart-probe-try" is forbidden: ValidatingAdmissionPolicy '
    "'rampart-prod-image-digests' with binding 'rampart-prod-image-digests' denied request: app: must name "
    "its image by a digest (@sha256:...)"
)
SERVER_WARNING = (
    "Validation failed for ValidatingAdmissionPolicy 'rampart-dev-labels' with binding 'rampart-dev-labels': "
    "the labels that are demanded here must be set"
)
SERVER_BROKEN = (
    "ValidatingAdmissionPolicy 'rampart-dev-labels' with binding 'rampart-dev-labels' denied request: "
    "expression 'object.spec.x' resulted in error: no such key: x"
)
GATEKEEPER = (
    'admission webhook "validation.gatekeeper.sh" denied the request: [rampart-prod-labels] the labels that '
    "are demanded here must be set\n[rampart-prod-image-tags] app: must name its image by a tag"
)


def test_each_engine_is_understood() -> None:
    assert objections([KYVERNO]) == [
        Objection("rampart-prod-privilege-escalation", "app: must set allowPrivilegeEscalation to false"),
        Objection("rampart-prod-privileged-containers", "app: must not be privileged"),
    ]
    assert objections([SERVER]) == [
        Objection("rampart-prod-image-digests", "app: must name its image by a digest (@sha256:...)")
    ]
    assert objections([SERVER_WARNING]) == [
        Objection("rampart-dev-labels", "the labels that are demanded here must be set")
    ]
    assert [each.name for each in objections([GATEKEEPER])] == [
        "rampart-prod-labels",
        "rampart-prod-image-tags",
    ]


@pytest.mark.parametrize("text", [KYVERNO_BROKEN, SERVER_BROKEN])
def test_a_policy_that_could_not_judge_is_told_apart(text: str) -> None:
    [objection] = objections([text])
    assert objection.broken


@pytest.mark.parametrize(
    "text",
    [
        'pods "x" is forbidden: exceeded quota: rampart, requested: pods=1, used: pods=30, limited: pods=30',
        'pods "x" is forbidden: violates PodSecurity "restricted:v1.36": runAsNonRoot != true',
        "",
    ],
)
def test_others_are_not_taken_for_policies(text: str) -> None:
    assert objections([text]) == []


def answer(*texts: str, code: int = 400) -> Answer:
    return Answer(code, texts[0] if texts else "", tuple(objections(texts)), {})


def tried(*by: str, warns: bool = False) -> Try:
    return Try("claim", "/path", {}, frozenset(by), warns)


PRIVILEGED = "rampart-prod-privileged-containers"


@pytest.mark.parametrize(
    ("attempt", "heard", "verdict", "negative"),
    [
        # Refused by the right one, by another one, by nobody.
        (tried(PRIVILEGED), answer(KYVERNO), Verdict.HELD, True),
        (tried("rampart-prod-labels"), answer(KYVERNO), Verdict.VACUOUS, True),
        (tried(PRIVILEGED), answer("exceeded quota"), Verdict.VACUOUS, True),
        (tried(PRIVILEGED), answer(code=201), Verdict.BROKEN, True),
        # Refused since the policy failed, which anything would be.
        (tried("rampart-prod-image-signatures"), answer(KYVERNO_BROKEN), Verdict.VACUOUS, True),
        # What must pass passes, without anybody's warning.
        (tried(), answer(code=201), Verdict.HELD, False),
        (tried(), answer(KYVERNO), Verdict.BROKEN, False),
        (tried(), answer("", SERVER_WARNING, code=201), Verdict.BROKEN, False),
        # Where a policy only warns.
        (tried("rampart-dev-labels", warns=True), answer("", SERVER_WARNING, code=201), Verdict.HELD, False),
        (tried("rampart-dev-labels", warns=True), answer(code=201), Verdict.BROKEN, False),
    ],
)
def test_a_refusal_counts_when_the_right_policy_gave_it(
    attempt: Try, heard: Answer, verdict: Verdict, negative: bool
) -> None:
    proof = judge(attempt, heard)
    assert (proof.verdict, proof.negative) == (verdict, negative)
