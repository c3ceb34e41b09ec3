# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The exceptions from admission policies, taken from the one file of exceptions, with the end of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import (
    Environment,
    object_name,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.expressions import template
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import API, LABELS
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption

# The label by which an application is known.
APPLICATION = "app.kubernetes.io/name"


@dataclass(frozen=True, slots=True)
class PolicyExemption:
    """An exception as it holds in one environment."""

    exemption: Exemption
    environment: Environment

    @property
    def policy(self) -> str:
        return self.exemption.policy

    @property
    def application(self) -> str:
        return self.exemption.scope.application

    @property
    def until(self) -> str:
        return self.exemption.end.strftime(TIME)

    @property
    def name(self) -> str:
        mark = hashlib.sha256(self.exemption.key.encode()).hexdigest()[:8]
        return f"{object_name(self.environment, self.policy)}-{self.application}"[:240] + f"-{mark}"


def of_environment(
    exemptions: Iterable[Exemption], environment: Environment, policies: Iterable[str], now: datetime
) -> list[PolicyExemption]:
    """Choose what holds in an environment now; an exception from nothing is an error, not a comfort."""
    known = set(policies)
    found = []
    for one in exemptions:
        if not one.policy or one.scope.namespace != environment.namespace:
            continue
        if one.policy not in known:
            raise RampartError(
                f"{one} is about a policy that does not hold in {environment.namespace}.",
                next_step=f"name one of {', '.join(sorted(known))}, or remove it",
                exception=one.key,
            )
        if one.active(now):
            found.append(PolicyExemption(one, environment))
    return found


def refuse_strangers(exemptions: Iterable[Exemption], environments: Sequence[Environment]) -> None:
    """Refuse exceptions for namespaces that no policy guards."""
    guarded = {environment.namespace for environment in environments}
    for one in exemptions:
        if one.policy and one.scope.namespace not in guarded:
            raise RampartError(
                f"{one} is about the namespace {one.scope.namespace}, which no policy guards.",
                next_step=f"name one of {', '.join(sorted(guarded))}, or remove it",
                exception=one.key,
            )


def condition(application: str) -> str:
    """Say in CEL to what an exception applies: the pods of an application, and what makes them."""
    whose = (
        f"(object.kind == 'Ingress' ? dyn(object) : {template('object')})"
        f".?metadata.?labels[?'{APPLICATION}'].orValue('')"
    )
    return f"{whose} == '{application}'"


def limits(application: str, until: str) -> dict[str, Any]:
    """Say in Kyverno's words for whom an exception counts, and until when."""
    return {
        "matchConditions": [{"name": "application", "expression": condition(application)}],
        # The policy itself compares it with the time.
        "allowedValues": [until],
        "expiresAt": until,
    }


def kyverno(one: PolicyExemption, namespace: str) -> dict[str, Any]:
    """Render a PolicyException; it lies in Kyverno's namespace, where nobody else may write."""
    exemption = one.exemption
    return {
        "apiVersion": API,
        "kind": "PolicyException",
        "metadata": {
            "name": one.name,
            "namespace": namespace,
            "labels": {**LABELS, "rampart.k8s/environment": one.environment.name},
            "annotations": {
                "rampart.k8s/owner": exemption.owner,
                "rampart.k8s/approver": exemption.approver,
                "rampart.k8s/reason": exemption.reason,
                "rampart.k8s/link": exemption.link,
            },
        },
        "spec": {
            "policyRefs": [{"name": object_name(one.environment, one.policy), "kind": "ValidatingPolicy"}],
            **limits(one.application, one.until),
        },
    }


# The API server's expressions know no present, but an object that is being made knows its birth. So a pod is
# excepted while it is made before the end, and judged by it when it is made anew.
_NEVER = "'9999-12-31T00:00:00Z'"
_BORN = "object.metadata.creationTimestamp"
BIRTH = f"timestamp(has({_BORN}) ? {_BORN} : {_NEVER})"


def conditions(exemptions: Sequence[PolicyExemption], now: str) -> list[dict[str, str]]:
    """Render exceptions as conditions of a policy; ``now`` is how the engine tells the time."""
    return [
        {
            "name": f"exception-{position}",
            "expression": f"!({condition(one.application)} && {now} < timestamp('{one.until}'))",
        }
        for position, one in enumerate(exemptions)
    ]
