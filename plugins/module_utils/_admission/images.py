# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Signatures and attestations at admission, as Kyverno's ImageValidatingPolicy.

The demands are those that image_verify holds an image to before it is loaded, and the keys are those of
the same ring. One policy holds for all images of an environment: Kyverno 1.19 keeps what it has read of an
image for the whole request behind a lock that a second look does not give back, so that a second policy, or
an image that stands in a pod twice, would wait for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import exceptions, expressions
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import (
    Environment,
    object_name,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.exceptions import PolicyExemption
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import API, metadata
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Constraint, Demand
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import SIGNATURE

POLICY = "image-signatures"
# A pod that has to start again in the night must not need a scan of the same day: how old a verdict may
# be is judged before an image is deployed.
_BEFORE_DEPLOYMENT = "max_age_hours"


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word counts at admission, and on what."""

    keys: tuple[Key, ...]
    demands: tuple[Demand, ...]
    # Secrets in Kyverno's namespace with credentials for the registries.
    pull_secrets: tuple[str, ...] = ()


def _attestor(position: int) -> str:
    return f"key{position}"


def _attestors(keys: Sequence[Key]) -> list[dict[str, Any]]:
    return [
        {
            "name": _attestor(position),
            "cosign": {
                "key": {"data": key.public_key},
                # Trust stands on the key alone; nobody's log is asked.
                "ctlog": {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True},
            },
        }
        for position, key in enumerate(keys)
    ]


def _any_key(keys: Sequence[Key], call: str) -> str:
    """Ask one key after the other: Kyverno remembers an answer only if all keys of a call have signed."""
    asked = (call.format(f"attestors.{_attestor(position)}") + " > 0" for position in range(len(keys)))
    return "(" + " || ".join(asked) + ")"


_WRITTEN = {
    "equals": "{value} == {wanted}",
    "one_of": "{value} in {wanted}",
    "at_least": "double({value}) >= double({wanted})",
    "at_most": "double({value}) <= double({wanted})",
    "matches": "string({value}).matches('^(?:' + {wanted} + ')$')",
}


def _condition(constraint: Constraint, payload: str) -> str:
    """Write one condition on a predicate; what is missing, or of another type, fulfils nothing."""
    steps = (f"[?{part if part.isdecimal() else json.dumps(part)}]" for part in constraint.path.split("."))
    value = f"{payload}.predicate{''.join(steps)}.orValue(dyn(null))"
    return _WRITTEN[constraint.operator].format(value=value, wanted=json.dumps(constraint.wanted))


def _attested(keys: Sequence[Key], name: str, demand: Demand) -> str:
    call = "verifyAttestationSignatures(i, attestations." + name + ", [{}])"
    payload = f"extractPayload(i, attestations.{name})"
    conditions = [_any_key(keys, call)]
    conditions += [
        _condition(each, payload) for each in demand.constraints if each.operator != _BEFORE_DEPLOYMENT
    ]
    # A verdict that rests on exceptions ends with the first of them.
    until = f"{payload}.predicate[?'until'].orValue('9999-12-31T00:00:00Z')"
    conditions.append(f"time.now() < timestamp({until})")
    return " && ".join(conditions)


def _validations(trust: Trust, names: Sequence[tuple[str, Demand]]) -> Iterable[dict[str, str]]:
    signed = _any_key(trust.keys, "verifyImageSignatures(i, [{}])")
    for demand in trust.demands:
        if demand.predicate_type == SIGNATURE:
            yield {
                "expression": f"images.containers.all(i, {signed})",
                "message": "an image is not signed by a key that is accepted here",
            }
    for name, demand in names:
        yield {
            "expression": f"images.containers.all(i, {_attested(trust.keys, name, demand)})",
            "message": f"an image lacks a valid attestation of the type {demand.name}",
        }


_POD = expressions.template("object") + ".spec"
_IMAGES = (
    f"({_POD}.containers + {_POD}.?initContainers.orValue([]) + {_POD}.?ephemeralContainers.orValue([]))"
)


def image_policy(
    environment: Environment, trust: Trust, action: str, exemptions: Sequence[PolicyExemption] = ()
) -> dict[str, Any]:
    """Render the one policy about the images of an environment."""
    attested = [demand for demand in trust.demands if demand.predicate_type != SIGNATURE]
    names = [(f"kind{position}", demand) for position, demand in enumerate(attested)]
    notes = {
        "policies.kyverno.io/title": "Every image is signed, and what is demanded of it is attested",
        "policies.kyverno.io/category": "Images",
        "policies.kyverno.io/severity": "critical",
    }
    namespace = {"kubernetes.io/metadata.name": environment.namespace}
    credentials = {"credentials": {"secrets": list(trust.pull_secrets)}} if trust.pull_secrets else {}
    return {
        "apiVersion": API,
        "kind": "ImageValidatingPolicy",
        "metadata": metadata(object_name(environment, POLICY), environment, POLICY, notes),
        "spec": {
            "validationActions": [action, "Audit"],
            "failurePolicy": environment.failure_policy,
            # The first look at an image asks its registry a dozen questions.
            "webhookConfiguration": {"timeoutSeconds": 30},
            "autogen": {"podControllers": {"controllers": []}},
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": namespace},
                "resourceRules": expressions.RESOURCE_RULES["pods"],
            },
            # Not a part of the expressions: what a condition leaves out costs no question to a registry.
            "matchConditions": [
                {"name": "changed", "expression": expressions.CHANGED},
                *exceptions.conditions(exemptions, "time.now()"),
            ],
            "matchImageReferences": [{"glob": glob} for glob in environment.signatures],
            "images": [
                # Every image once, in place of Kyverno's own three lists.
                {"name": "containers", "expression": f"{_IMAGES}.map(c, string(c.image)).distinct()"},
                {"name": "initContainers", "expression": "[]"},
                {"name": "ephemeralContainers", "expression": "[]"},
            ],
            # A tag can be moved after it was looked at.
            "validationConfigurations": {"mutateDigest": False, "verifyDigest": True, "required": True},
            **credentials,
            "attestors": _attestors(trust.keys),
            "attestations": [
                {"name": name, "intoto": {"type": demand.predicate_type}} for name, demand in names
            ],
            "validations": list(_validations(trust, names)),
        },
    }
