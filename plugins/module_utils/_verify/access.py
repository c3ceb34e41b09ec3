# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Computes from RBAC objects what everybody may do, and which questions prove it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUP = "rbac.authorization.k8s.io"

# What must never be given away by accident; asked of everybody, whoever the definition names.
SENSITIVE: tuple[tuple[str, str, str], ...] = (
    ("", "secrets", "get"),
    ("", "secrets", "list"),
    ("", "pods", "create"),
    ("", "pods/exec", "create"),
    ("", "pods/attach", "create"),
    ("", "pods/portforward", "create"),
    ("", "pods/ephemeralcontainers", "patch"),
    ("", "serviceaccounts/token", "create"),
    ("", "serviceaccounts", "impersonate"),
    ("", "resourcequotas", "update"),
    ("", "limitranges", "delete"),
    ("networking.k8s.io", "networkpolicies", "create"),
    ("networking.k8s.io", "networkpolicies", "delete"),
    (GROUP, "roles", "bind"),
    (GROUP, "roles", "escalate"),
    (GROUP, "rolebindings", "create"),
)
# The same for what lies outside every namespace.
SENSITIVE_CLUSTER: tuple[tuple[str, str, str], ...] = (
    ("", "namespaces", "patch"),
    ("", "nodes/proxy", "get"),
    ("", "users", "impersonate"),
    ("", "groups", "impersonate"),
    ("", "persistentvolumes", "create"),
    (GROUP, "clusterrolebindings", "create"),
    (GROUP, "clusterroles", "escalate"),
    ("certificates.k8s.io", "certificatesigningrequests/approval", "update"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", "delete"),
    ("*", "*", "*"),
)

CLUSTER = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as the API server sees them after authentication."""

    label: str
    user: str
    groups: tuple[str, ...]

    @classmethod
    def of(cls, subject: Mapping[str, str]) -> Identity:
        """Become a subject of a binding."""
        name = subject["name"]
        if subject["kind"] == "ServiceAccount":
            namespace = subject["namespace"]
            return cls(
                f"serviceaccount {namespace}/{name}",
                f"system:serviceaccount:{namespace}:{name}",
                ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"),
            )
        if subject["kind"] == "Group":
            return cls(f"group {name}", "rampart:verify", (name, "system:authenticated"))
        return cls(f"user {name}", name, ("system:authenticated",))

    def is_subject(self, subject: Mapping[str, str]) -> bool:
        """Say whether a binding's subject means this identity."""
        kind, name = subject["kind"], subject["name"]
        if kind == "Group":
            return name in self.groups
        if kind == "ServiceAccount":
            return self.user == f"system:serviceaccount:{subject['namespace']}:{name}"
        return self.user == name


ANYBODY = Identity("anybody who is logged in", "rampart:verify", ("system:authenticated",))
ANONYMOUS = Identity("somebody unknown", "system:anonymous", ("system:unauthenticated",))


@dataclass(frozen=True, slots=True)
class Cell:
    """One question of the matrix with the answer that the definition demands."""

    identity: Identity
    namespace: str
    group: str
    resource: str
    verb: str
    allowed: bool

    def __str__(self) -> str:
        where = f"in {self.namespace}" if self.namespace else "everywhere"
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.identity.label} {self.verb} {kind} {where}"

    def review(self) -> dict[str, Any]:
        """Ask it as a SubjectAccessReview."""
        resource, _unused, subresource = self.resource.partition("/")
        attributes = {
            "namespace": self.namespace,
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
        }
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": self.identity.user,
                "groups": list(self.identity.groups),
                "resourceAttributes": {key: value for key, value in attributes.items() if value},
            },
        }


def rule_allows(rule: Mapping[str, Any], group: str, resource: str, verb: str) -> bool:
    """Decide as the RBAC authorizer does for a request that names no object."""
    if rule.get("resourceNames"):
        return False
    return (
        _holds(rule.get("verbs"), verb)
        and _holds(rule.get("apiGroups"), group)
        and (
            _holds(rule.get("resources"), resource)
            or ("/" in resource and f"*/{resource.partition('/')[2]}" in (rule.get("resources") or []))
        )
    )


def _holds(listed: Sequence[str] | None, wanted: str) -> bool:
    return bool(listed) and (wanted in (listed or ()) or "*" in (listed or ()))


class Rbac:
    """The roles and bindings of a definition."""

    def __init__(self, objects: Iterable[Mapping[str, Any]]) -> None:
        self.rules: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self.bindings: list[Mapping[str, Any]] = []
        for item in objects:
            metadata = item["metadata"]
            if item["kind"] in ("Role", "ClusterRole"):
                key = (item["kind"], metadata.get("namespace", CLUSTER), metadata["name"])
                self.rules[key] = item.get("rules") or []
            elif item["kind"] in ("RoleBinding", "ClusterRoleBinding"):
                self.bindings.append(item)

    def granted(self, identity: Identity, namespace: str) -> list[dict[str, Any]]:
        """Return all rules that hold for somebody in a namespace, or everywhere."""
        found: list[dict[str, Any]] = []
        for binding in self.bindings:
            scope = binding["metadata"].get("namespace", CLUSTER)
            if scope not in (CLUSTER, namespace):
                continue
            if not any(identity.is_subject(subject) for subject in binding.get("subjects") or []):
                continue
            role = binding["roleRef"]
            place = scope if role["kind"] == "Role" else CLUSTER
            found += self.rules.get((role["kind"], place, role["name"]), [])
        return found

    def allowed(self, identity: Identity, namespace: str, action: tuple[str, str, str]) -> bool:
        """Say whether the definition lets somebody do something somewhere."""
        return any(rule_allows(rule, *action) for rule in self.granted(identity, namespace))

    def identities(self) -> list[Identity]:
        """Everybody whom a binding names."""
        subjects = (subject for binding in self.bindings for subject in binding.get("subjects") or [])
        return list(dict.fromkeys(Identity.of(subject) for subject in subjects))

    def actions(self) -> list[tuple[str, str, str]]:
        """Everything that any role allows, as (group, resource, verb).

        Verbs on one resource that every role gives or keeps together (get, list and watch, as a
        rule) are asked once, by the first of them: the matrix grows with the decisions in the
        definition, not with its spelling.
        """
        givers: dict[tuple[str, str, str], set[tuple[str, str, str]]] = {}
        for role, rules in self.rules.items():
            for rule in rules:
                if rule.get("resourceNames"):
                    continue
                for group in rule.get("apiGroups") or []:
                    for resource in rule.get("resources") or []:
                        for verb in rule.get("verbs") or []:
                            givers.setdefault((group, resource, verb), set()).add(role)
        chosen: dict[tuple[str, str, frozenset[tuple[str, str, str]]], tuple[str, str, str]] = {}
        for action in sorted(givers):
            group, resource, _unused = action
            chosen.setdefault((group, resource, frozenset(givers[action])), action)
        return list(chosen.values())


def matrix(
    objects: Sequence[Mapping[str, Any]], namespaces: Sequence[str], bystanders: Sequence[Mapping[str, str]]
) -> list[Cell]:
    """Compute all questions whose answers together prove the definition.

    Whoever the definition names is asked for everything that any role allows, in every place where
    it holds something; in all other places for what it holds elsewhere, which must not reach that
    far. Bystanders (applications, the default accounts, anybody, nobody) are asked for what must
    never be given away. ``kube-system`` stands for the places that are no environment.
    """
    rbac = Rbac(objects)
    universe = list(dict.fromkeys((*rbac.actions(), *SENSITIVE)))
    places = (*namespaces, "kube-system")
    cells: dict[Cell, None] = {}

    def ask(identity: Identity, namespace: str, actions: Iterable[tuple[str, str, str]]) -> None:
        for action in actions:
            cells[Cell(identity, namespace, *action, rbac.allowed(identity, namespace, action))] = None

    for identity in rbac.identities():
        everywhere = rbac.granted(identity, CLUSTER)
        held = [
            action for action in universe if any(rbac.allowed(identity, place, action) for place in places)
        ]
        for place in places:
            at_home = rbac.granted(identity, place) and not everywhere
            ask(identity, place, universe if at_home else held)
        ask(identity, CLUSTER, (*(universe if everywhere else held), *SENSITIVE_CLUSTER))
    for subject in bystanders:
        identity = Identity.of(subject)
        ask(identity, subject["namespace"], SENSITIVE)
        ask(identity, CLUSTER, (*SENSITIVE[:2], *SENSITIVE_CLUSTER))
    for identity in (ANYBODY, ANONYMOUS):
        for place in places:
            ask(identity, place, SENSITIVE)
        ask(identity, CLUSTER, SENSITIVE_CLUSTER)
    return list(cells)
