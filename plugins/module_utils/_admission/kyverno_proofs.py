# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a dry run cannot show of Kyverno: what it adds, what it makes, and that an exception ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import (
    exceptions,
    hearing,
    places,
    proofs,
    samples,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Environment
from ansible_collections.rampart.k8s.plugins.module_utils._admission.kyverno import API
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

NAMESPACES = "/api/v1/namespaces"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations"
MANAGED = "webhook.kyverno.io/managed-by=kyverno"
# Long enough for Kyverno to learn of an exception on a busy machine, and no longer.
EXCEPTION_SECONDS = 15
POLL = 0.5

# What a new namespace must have, by what is generated.
_GENERATED = (
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/rampart-deny",
    f"{NAMESPACES}/{{}}/resourcequotas/rampart",
    f"{NAMESPACES}/{{}}/limitranges/rampart",
)


def prove(
    client: Client, admission: Admission, standing: Sequence[Environment], timeout: float
) -> list[Proof]:
    """Prove everything at the same time: each waits for Kyverno, not for the others."""
    works: list[Callable[[Bench], list[Proof]]] = [
        lambda _bench: _webhooks(client, admission),
        lambda bench: _ends(client, admission, standing[0], bench),
    ]
    if admission.mutations:
        works.append(lambda _bench: [_mutates(client, one) for one in standing])
    if admission.generations:
        works.append(lambda bench: [_generates(client, bench, timeout)])
    client.transport.extend(timeout + EXCEPTION_SECONDS)
    with Bench(client, [one.namespace for one in standing]) as bench:
        return [proof for found in client.map(lambda work: work(bench), works) for proof in found]


def _webhooks(client: Client, admission: Admission) -> list[Proof]:
    """No webhook that refuses while nobody answers may be about the policy engine's own namespace."""
    claim = f"no webhook of Kyverno that fails closed judges pods of {admission.namespace} or kube-system"
    locking = []
    for kind in ("validating", "mutating"):
        found = client.list_all(WEBHOOKS.format(kind), query={"labelSelector": MANAGED})[0]
        locking += [
            webhook["name"]
            for item in found
            for webhook in item.get("webhooks") or []
            if locks(webhook, (admission.namespace, "kube-system"))
        ]
    verdict = Verdict.BROKEN if locking else Verdict.HELD
    return [Proof(claim, verdict, False, ", ".join(locking))]


def locks(webhook: Mapping[str, Any], spaces: Sequence[str]) -> bool:
    """Say whether a webhook keeps pods of some namespaces from starting while nobody answers it."""
    if webhook.get("failurePolicy", "Fail") != "Fail":
        return False
    pods = {"*", "*/*", "pods", "pods/*", "deployments"}
    if not any(pods & set(rule.get("resources") or ()) for rule in webhook.get("rules") or []):
        return False
    selector = webhook.get("namespaceSelector") or {}
    return any(_selects(selector, space) for space in spaces)


def _selects(selector: Mapping[str, Any], space: str) -> bool:
    name = "kubernetes.io/metadata.name"
    if (selector.get("matchLabels") or {}).get(name, space) != space:
        return False
    for expression in selector.get("matchExpressions") or []:
        if expression["key"] != name:
            continue
        listed = space in (expression.get("values") or [])
        if (expression["operator"], listed) in (("NotIn", True), ("In", False)):
            return False
    return True


def _mutates(client: Client, environment: Environment) -> Proof:
    claim = f"{environment.name} gives a pod that says nothing a seccomp profile and no way to more rights"
    path = f"{NAMESPACES}/{environment.namespace}/pods"
    answer = hearing.attempt(client, path, samples.plain_pod(environment))
    if not answer.accepted:
        return Proof(claim, Verdict.BROKEN, False, answer.message)
    spec = answer.object["spec"]
    profile = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    escalates = spec["containers"][0]["securityContext"].get("allowPrivilegeEscalation")
    held = profile == "RuntimeDefault" and escalates is False
    return Proof(claim, Verdict.HELD if held else Verdict.BROKEN, False, "" if held else "it got none")


def _generates(client: Client, bench: Bench, timeout: float) -> Proof:
    name = f"rampart-probe-{bench.run}"
    claim = "a new namespace is closed, and has a quota and limits"
    body = proofs.probe_label({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    client.call("POST", NAMESPACES, body=body, verb="create", target=f"Namespace {name}")
    deadline = time.monotonic() + timeout
    missing = [path.format(name) for path in _GENERATED]
    try:
        while missing and time.monotonic() < deadline:
            time.sleep(POLL)
            missing = [path for path in missing if client.find(path) is None]
    finally:
        client.delete(f"{NAMESPACES}/{name}", target=f"Namespace {name}")
    lacks = ", ".join(path.rpartition(f"/{name}/")[2] for path in missing)
    return Proof(
        claim, Verdict.BROKEN if missing else Verdict.HELD, False, f"it lacks {lacks}" if lacks else ""
    )


def _ends(client: Client, admission: Admission, environment: Environment, bench: Bench) -> list[Proof]:
    """Make an exception for a moment: it lets pass while it lasts, and not any longer."""
    guard = next(each for each in admission.of(environment) if each.policy.kind == "pods")
    sample = samples.refusal(guard)
    application = f"probe-{bench.run}"
    body = proofs.labelled(sample, application)
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=EXCEPTION_SECONDS)
    deadline = time.monotonic() + (end - datetime.now(UTC)).total_seconds()
    made = proofs.probe_label(
        {
            "apiVersion": API,
            "kind": "PolicyException",
            "metadata": {"name": f"rampart-{application}", "namespace": admission.namespace},
            "spec": {
                "policyRefs": [{"name": guard.name, "kind": "ValidatingPolicy"}],
                **exceptions.limits(application, end.strftime(TIME)),
            },
        }
    )
    lasts = f"{environment.name} lets pass what is excepted from {guard.policy.name}"
    ended = f"{environment.name} refuses it once the exception has ended"
    path = places.collection(made)
    client.call("POST", path, body=made, verb="create", target="a PolicyException that soon ends")
    try:
        passed = False
        while not passed and time.monotonic() < deadline:
            passed = hearing.attempt(client, sample.path, body).against(guard.name) is None
            time.sleep(POLL)
        time.sleep(max(0.0, deadline - time.monotonic()) + 1)
        # The object is still there: what ends it is its end, and nobody's hand.
        objection = hearing.attempt(client, sample.path, body).against(guard.name)
    finally:
        client.delete(places.path(made), target="a PolicyException")
    if not passed:
        why = f"it did not count within {EXCEPTION_SECONDS} s"
        return [Proof(lasts, Verdict.BROKEN, False, why), Proof(ended, Verdict.VACUOUS, True, why)]
    held = objection is not None and not objection.broken
    verdict = Verdict.HELD if held else Verdict.BROKEN
    return [
        Proof(lasts, Verdict.HELD, False),
        Proof(ended, verdict, environment.action == "Deny", "" if held else "it still counts"),
    ]
