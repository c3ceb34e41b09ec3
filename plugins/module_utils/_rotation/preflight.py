# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What would stop a rotation half way, found before its first write. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend, Turn
from ansible_collections.rampart.k8s.plugins.module_utils._consumers import workloads
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Consumer, Graph, kept_by
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import permissions as reading
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import (
    RELOAD,
    RESTART,
    ROLLS,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import signing
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import hooks
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Decision

_HELM = "app.kubernetes.io/managed-by"


def permissions(
    namespace: str,
    decisions: Sequence[Decision],
    graph: Graph,
    backend_of: Callable[[Definition], Backend],
    *,
    inspect: bool,
) -> list[Permission]:
    """Return every permission that rotating these secrets takes."""
    found = reading(namespace) + access.permissions(
        namespace,
        ("", "secrets", ("get", "create", "patch", "delete")),
        ("coordination.k8s.io", "leases", ("get", "create", "update")),
        ("", "pods", ("watch",)),
        ("", "events", ("list",)),
    )
    for one in decisions:
        found += signing.permissions(one.definition)
        if one.definition.backend:
            found += backend_of(one.definition).permissions()
        for consumer in graph.get(one.observed.object_name) or []:
            found += _of_user(namespace, consumer, inspect=inspect)
    return found


def _of_user(namespace: str, consumer: Consumer, *, inspect: bool) -> list[Permission]:
    """Return what it takes to bring one consumer to a new content, and to see that it holds it."""
    if consumer.action not in (RESTART, RELOAD):
        return []
    wanted: list[tuple[str, str, tuple[str, ...]]] = []
    if consumer.action == RESTART and consumer.kind in ROLLS:
        kind = next(kind for kind in KINDS if kind.kind == consumer.kind)
        wanted.append((kind.api_group, kind.plural, ("get", "patch", "watch")))
    if consumer.action == RELOAD:
        wanted.append(("", "pods", ("patch",)))
    if inspect:
        wanted.append(("", "pods/exec", ("get", "create")))
    asked = [hook for hook in (consumer.hook, hooks.probe_of(consumer)) if hook is not None]
    return [
        *access.permissions(namespace, *wanted),
        *(permission for hook in asked for permission in hooks.permissions(namespace, hook)),
    ]


def check(space: Namespace, graph: Graph, decision: Decision) -> None:
    """Raise for what would stop one secret half way, as far as the cluster can tell."""
    definition, live = decision.definition, decision.observed.live
    users = graph.get(decision.observed.object_name) or []
    if live is not None:
        keeper = kept_by(space, live)
        if keeper:
            raise _refuse(
                definition, f"it is kept by {keeper}, which would change it back", "rotate it there"
            )
        if live.get("immutable") and definition.strategy != "versioned":
            raise _refuse(
                definition, "it is immutable", "use the strategy versioned, or make it anew by hand"
            )
        if live.get("type", "Opaque") != definition.type:
            raise _refuse(
                definition,
                f"its type is {live.get('type')}, and a type cannot be changed",
                "declare that type",
            )
    for consumer in users:
        _check_user(definition, consumer)


def _check_user(definition: Definition, consumer: Consumer) -> None:
    if consumer.workload is None:
        return
    if consumer.action == RESTART:
        why = workloads.refuses(consumer.workload)
        if why:
            raise _refuse(definition, f"{why}, so that its pods would never be replaced", "settle that first")
    labels = consumer.workload.item["metadata"].get("labels") or {}
    if definition.strategy == "versioned" and labels.get(_HELM) == "Helm":
        raise _refuse(
            definition,
            f"{consumer} belongs to a release of Helm, whose next upgrade would lead it back",
            "use the strategy overlap, or hand the new name to the release",
        )


def check_backend(
    backend_of: Callable[[Definition], Backend], namespace: str, decision: Decision, *, is_incident: bool
) -> None:
    """Raise unless the present credential is accepted: else somebody else changed it, or it is not ours.

    In an incident it need not be. What has no credential yet may be made before its backend is there.
    """
    definition = decision.definition
    if not definition.backend:
        return
    backend = backend_of(definition)
    held = decision.observed.content if decision.observed.live is not None else None
    away = backend.absent()
    if not away:
        backend.check(Turn("", namespace, definition.name, held, None, is_incident))
    elif held is not None:
        raise _refuse(
            definition,
            f"{away}, and its backend would go on with what it knows",
            "start it and run again; if it was never deployed, delete the Secret, so that it is made for it",
        )


def _refuse(definition: Definition, why: str, step: str) -> RampartError:
    return RampartError(f"Secret {definition} cannot be rotated: {why}. Nothing was written.", next_step=step)
