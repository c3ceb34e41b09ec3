# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What must be refused, and by whom; what must pass. What was heard is judged here, and nothing asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import images, samples
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import (
    Environment,
    Policy,
    object_name,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.exceptions import (
    APPLICATION,
    PolicyExemption,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.hearing import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._admission.samples import Sample
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.objects import LABEL


@dataclass(frozen=True, slots=True)
class Try:
    """An object, and what is claimed of it."""

    claim: str
    path: str
    body: dict[str, Any]
    # Who must refuse it, or warn of it; nobody where it must pass.
    by: frozenset[str] = frozenset()
    # Whether the environment only warns.
    warns: bool = False


def judge(attempt: Try, answer: Answer) -> Proof:
    """Compare what is claimed with what became of it."""
    negative = bool(attempt.by) and not attempt.warns
    if not attempt.by:
        held = answer.accepted and not answer.objections
        why = answer.message or "; ".join(f"{each.name}: {each.why}" for each in answer.objections)
        return Proof(attempt.claim, Verdict.HELD if held else Verdict.BROKEN, False, "" if held else why)
    spoke = [each for each in map(answer.against, sorted(attempt.by)) if each is not None]
    if answer.accepted and not attempt.warns:
        return Proof(attempt.claim, Verdict.BROKEN, negative, "it was accepted")
    if any(not each.broken for each in spoke):
        return Proof(attempt.claim, Verdict.HELD, negative)
    if spoke:
        why = f"the policy could not judge: {spoke[0].why}"
        return Proof(attempt.claim, Verdict.VACUOUS, negative, why)
    why = f"it was refused for another reason: {answer.message}" if answer.message else "nobody warned of it"
    return Proof(attempt.claim, Verdict.VACUOUS if answer.message else Verdict.BROKEN, negative, why)


def _verb(environment: Environment) -> str:
    return "warns of" if environment.action == "Warn" else "refuses"


def _who(admission: Admission, policy: Policy) -> set[str]:
    """Return the policies of which one speaks against what breaks a policy.

    Kyverno names all that object at one webhook, and signatures have a webhook of their own. The others name
    the first that objects.
    """
    implied = set(policy.implied_by)
    return {policy.name, *(implied & {images.POLICY} if admission.engine == "kyverno" else implied)}


def of_policies(admission: Admission, environment: Environment) -> Iterator[Try]:
    """Try one refusal after the other, beside the harmless object that each differs from."""
    warns = environment.action == "Warn"
    harmless: set[str] = set()
    for guard in admission.of(environment):
        policy = guard.policy
        if admission.engine == "gatekeeper" and not policy.rego:
            continue
        names = frozenset(object_name(environment, name) for name in _who(admission, policy))
        for number, sample in enumerate(samples.samples(guard)):
            if sample.refused:
                claim = f"{environment.name} {_verb(environment)} what breaks {policy.name} ({number})"
                yield Try(claim, sample.path, sample.object, names, warns)
            elif number or policy.kind not in harmless:
                harmless.add(policy.kind)
                claim = f"{environment.name} accepts what keeps {policy.name} ({number})"
                yield Try(claim, sample.path, sample.object)


def of_exceptions(admission: Admission, environment: Environment) -> Iterator[Try]:
    """Let an excepted application pass, and nobody else; that others are refused is tried already."""
    for one in admission.exemptions:
        if one.environment.name == environment.name and one.policy != images.POLICY:
            yield Try(
                f"{environment.name} lets {one.application} pass {one.policy} until {one.until}",
                *_bad(admission, one),
            )


def _bad(admission: Admission, one: PolicyExemption) -> tuple[str, dict[str, Any]]:
    sample = samples.refusal(admission.guard(one.environment, one.policy))
    return sample.path, labelled(sample, one.application)


def labelled(sample: Sample, application: str) -> dict[str, Any]:
    """Return an object as one of an application."""
    made = dict(sample.object)
    named = {"metadata": {"labels": {APPLICATION: application}}}
    if made["kind"] == "Ingress":
        return dict(samples.merge(made, named))
    return dict(samples.merge(made, {"spec": {"template": named}}))


def of_images(environment: Environment, signed: str, unsigned: str) -> Iterator[Try]:
    """Try an image that is signed, and one that is not."""
    by = frozenset((object_name(environment, images.POLICY),))
    warns = environment.action == "Warn"
    path = samples.PATHS["Deployment"].format(environment.namespace)
    if signed:
        claim = f"{environment.name} accepts an image that is signed and attested"
        yield Try(claim, path, samples.with_image(environment, signed))
    if unsigned:
        claim = f"{environment.name} {_verb(environment)} an image that nobody has signed"
        yield Try(claim, path, samples.with_image(environment, unsigned), by, warns)


def outside(admission: Admission) -> Iterator[Try]:
    """The policy engine's own namespace must not depend on it, or it could never come back."""
    environment = admission.environments[0]
    guard = admission.of(environment)[0]
    sample = samples.refusal(guard)
    made = samples.merge(sample.object, {"metadata": {"namespace": admission.namespace}})
    claim = f"{admission.namespace} is not judged by what runs in it"
    yield Try(claim, samples.PATHS[made["kind"]].format(admission.namespace), dict(made))


def probe_label(made: dict[str, Any]) -> dict[str, Any]:
    """Mark what is really made, to be found and removed again."""
    return dict(samples.merge(made, {"metadata": {"labels": {LABEL: "true"}}}))
