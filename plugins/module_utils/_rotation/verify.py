# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Proves that a stage stands: no pod of before is left, every pod holds the content, all are well."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers import workloads
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Consumer, Graph
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import (
    places,
    references,
    secrets,
)
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import RELOAD, RESTART
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.certificates import CERTIFICATE
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import LeaseLostError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import hooks, seen, served
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.rollout import affects, users
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

# A pod that ends has its time of grace; the kubelet needs a little longer.
END_SLACK = 15.0
USUAL_GRACE = 30
# A mounted file is written anew when the kubelet looks at the pod the next time.
LOOK_AGAIN = 1.0

Pod = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Use:
    """A member of a group as one consumer uses it."""

    group: Group
    member: Member
    consumer: Consumer
    # The name that the consumer knows it by.
    secret: str


def uses(groups: Iterable[Group], graph: Graph, stage: Stage, *, back: bool) -> list[Use]:
    """Return who uses what a stage changes."""
    return [
        Use(group, member, consumer, secret)
        for group in groups
        for member in group.members
        if affects(member, stage, back=back)
        for secret, consumer in users(graph, member)
    ]


def is_current(pod: Pod, use: Use, stage: Stage) -> bool:
    """Say whether a pod began with the content of a stage, by what its template said."""
    if use.member.is_versioned:
        named = secrets(references(pod.get("spec") or {})) & set(use.member.objects.values())
        return named <= {use.member.objects[stage]}
    annotation = names.template_annotation(use.member.name)
    said = (pod["metadata"].get("annotations") or {}).get(annotation)
    if use.member.differs_from_old(stage):
        return bool(said == use.member.prints[stage])
    before = use.group.templates.get(f"{use.consumer.kind}/{use.consumer.name}", {})
    return annotation not in before or bool(said == before[annotation])


def run(shop: Shop, groups: Sequence[Group], stage: Stage, *, back: bool = False) -> None:
    """Prove a stage for some groups; what is not proved stays with its group."""
    if not groups:
        return
    shop.step = f"verify {stage}"
    space, graph = shop.read()
    used = uses(groups, graph, stage, back=back)
    _await_old_pods(shop, space, [use for use in used if use.consumer.action == RESTART], stage)
    space, graph = shop.read()
    used = [use for use in uses(groups, graph, stage, back=back) if not use.group.error]
    checks = [
        (use, pod)
        for use in used
        if use.consumer.action in (RESTART, RELOAD)
        for pod in space.pods_of(use.consumer.kind, use.consumer.name)
        if workloads.running_containers(pod) and not pod["metadata"].get("deletionTimestamp")
    ]
    _each(shop, [check for check in checks if check[0].consumer.action == RELOAD], stage, _refresh)
    _each(shop, checks, stage, _check)
    _each(shop, checks, stage, _served)
    _each(shop, _once(checks), stage, _probe)


def _once(checks: Iterable[tuple[Use, Pod]]) -> list[tuple[Use, Pod]]:
    return list({pod["metadata"]["uid"]: (use, pod) for use, pod in checks}.values())


def _each(shop: Shop, checks: Sequence[tuple[Use, Pod]], stage: Stage, act: Any) -> None:
    def guarded(check: tuple[Use, Pod]) -> None:
        use, pod = check
        if use.group.error:
            return
        try:
            act(shop, use, pod, stage)
        except LeaseLostError:
            raise
        except RampartError as error:
            use.group.error = use.group.error or error

    shop.store.client.map(guarded, checks)


def _await_old_pods(shop: Shop, space: Namespace, used: Sequence[Use], stage: Stage) -> None:
    """Wait until every pod is gone that began before: one that is ending works with the old content still."""
    old = {
        pod["metadata"]["uid"]: (use, pod)
        for use in used
        for pod in space.pods_of(use.consumer.kind, use.consumer.name)
        if not is_current(pod, use, stage)
    }
    if not old:
        return
    graces = [pod["spec"].get("terminationGracePeriodSeconds") for _use, pod in old.values()]
    grace = max(USUAL_GRACE if given is None else int(given) for given in graces)
    timeout = min(grace + END_SLACK, float(shop.settings.rollout_timeout))
    path = f"/api/v1/namespaces/{shop.store.namespace}/pods"
    shop.store.client.transport.extend(timeout + END_SLACK)
    for event in watching.follow(shop.store.client, path, {}, time.monotonic() + timeout):
        alive = {pod["metadata"]["uid"] for pod in event.objects if workloads.alive(pod)}
        if event.type == "LIST":
            old = {uid: kept for uid, kept in old.items() if uid in alive}
        else:
            for pod in event.objects:
                if event.type == "DELETED" or not workloads.alive(pod):
                    old.pop(pod["metadata"]["uid"], None)
        if not old:
            return
    for use, pod in old.values():
        use.group.error = use.group.error or RampartError(
            f"Pod {shop.store.namespace}/{pod['metadata']['name']} of {use.consumer} began with the former "
            f"content of {use.member.definition} and is still there after {timeout:.0f} s.",
            next_step="see why it is not replaced; a finalizer or a node that does not answer holds it",
        )


def _refresh(shop: Shop, use: Use, pod: Pod, stage: Stage) -> None:
    """Have a pod's kubelet write its files anew now, wait for that, and ask the program to load them."""
    metadata = pod["metadata"]
    wanted = use.member.prints[stage]
    if (metadata.get("annotations") or {}).get(names.REFRESH) != wanted:
        path = f"/api/v1/namespaces/{shop.store.namespace}/pods/{metadata['name']}"
        body = {"metadata": {"annotations": {names.REFRESH: wanted}}}
        shop.store.patch("refresh", path, body, f"Pod {shop.store.namespace}/{metadata['name']}")
    until = time.monotonic() + shop.settings.rollout_timeout
    shop.store.client.transport.extend(shop.settings.rollout_timeout)
    while shop.settings.inspect_pods and (wrong := _look(shop, use, pod, stage)):
        if time.monotonic() > until:
            raise RampartError(
                f"{wrong}, {shop.settings.rollout_timeout} s after it was written.",
                next_step="see whether the kubelet of the pod's node is well, then run again",
            )
        time.sleep(LOOK_AGAIN)
    if use.consumer.hook is not None:
        hooks.run(shop, use.consumer.hook, pod, "reload hook")


def _check(shop: Shop, use: Use, pod: Pod, stage: Stage) -> None:
    wrong = _look(shop, use, pod, stage) if shop.settings.inspect_pods else ""
    if wrong:
        raise RampartError(
            f"{wrong}, although it began after it was written.",
            next_step="see where the container has it from; run again when that is settled",
        )


def _look(shop: Shop, use: Use, pod: Pod, stage: Stage) -> str:
    """Look into every running container of a pod; return what is wrong in it."""
    running = workloads.running_containers(pod)
    held = use.member.content(stage)
    found = places(pod["spec"], use.member.objects[stage], held, running=running)
    for container in sorted({place.container for place in found}):
        listed = [place for place in found if place.container == container]
        name = pod["metadata"]["name"]
        looked = seen.look(shop.shell, shop.store.namespace, name, container, listed, held)
        where = f"Container {container} of Pod {shop.store.namespace}/{name}"
        if looked.wrong:
            keys = ", ".join(f"{place.key} at {place.where}" for place in looked.wrong)
            return f"{where} does not hold the {stage} content of {use.member.definition} ({keys})"
        if looked.blind:
            _note_blind(shop, use, f"{where} could not be looked into: {looked.blind}")
    return ""


def _note_blind(shop: Shop, use: Use, text: str) -> None:
    """Accept a blind spot where a restart or a probe proves it as well; a mere declaration does not."""
    probed = use.consumer.workload and names.PROBE in workloads.annotations_of(use.consumer.workload)
    if use.consumer.action == RELOAD and not probed:
        raise RampartError(
            f"{text}, and nothing else proves that it has loaded the new content.",
            next_step=f"declare a probe ({names.PROBE}) at {use.consumer}, or take {names.RELOAD} off it",
        )
    if text not in shop.warnings:
        shop.warnings.append(text)


def _probe(shop: Shop, use: Use, pod: Pod, _stage: Stage) -> None:
    probe = hooks.probe_of(use.consumer)
    if probe is not None and not probe.is_certificate:
        hooks.run(shop, probe, pod, "probe")


def _served(shop: Shop, use: Use, pod: Pod, stage: Stage) -> None:
    """Have a server show its certificate, when it is this one that it holds."""
    probe, held = hooks.probe_of(use.consumer), use.member.content(stage)
    if probe is None or not probe.is_certificate or CERTIFICATE not in held:
        return
    running = workloads.running_containers(pod)
    if places(pod["spec"], use.member.objects[stage], [CERTIFICATE], running=running):
        served.wait(shop, probe, pod["metadata"]["name"], held, str(use.member.definition))
