# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The one definition of the admission policies, and what an environment makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# What is judged: pods and everything that makes pods by a template, or Ingresses.
KINDS = ("pods", "ingresses")
# To what a rule's expression applies: each container (c), those that can have resources, or the whole.
SCOPES = ("containers", "lasting_containers", "object")
LEVELS = {"privileged": 0, "baseline": 1, "restricted": 2}
SEVERITIES = ("low", "medium", "high", "critical")
ACTIONS = ("Deny", "Warn")
FAILURE_POLICIES = ("Fail", "Ignore")

NAME = re.compile(r"[a-z][a-z0-9-]{2,39}")
_FIELDS = frozenset(
    ("name", "title", "kind", "level", "severity", "category", "controls", "parameters", "compares",
     "rules", "rego", "implied_by", "refused", "accepted")
)  # fmt: skip
_ADMISSION = frozenset(("action", "failure_policy", "omit", "parameters", "signatures"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition that must hold, and what is said of whatever breaks it."""

    scope: str
    expression: str
    message: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy, independent of who enforces it and where."""

    name: str
    title: str
    kind: str
    severity: str
    category: str
    # The Pod Security level that it is a part of; empty when it holds beside all levels.
    level: str
    controls: tuple[str, ...]
    # The parameters of an environment that its expressions read.
    parameters: tuple[str, ...]
    # What of a pod's template has to change before an update is judged: its spec or its labels.
    compares: str
    rules: tuple[Rule, ...]
    # Whether the same is written down for OPA too.
    rego: bool
    # Policies that refuse whatever this one refuses; an engine may name one of them alone.
    implied_by: tuple[str, ...]
    # By how an object differs from a harmless one; a policy without a refusal would prove nothing.
    refused: tuple[Mapping[str, Any], ...]
    accepted: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment as far as admission depends on it."""

    name: str
    namespace: str
    level: str
    action: str
    failure_policy: str
    omit: frozenset[str]
    parameters: Mapping[str, Any]
    # Which images must be signed, as globs.
    signatures: tuple[str, ...]
    # An account that its pods may have.
    account: str = "default"
    # An image that is signed, for samples that are to pass where that is asked.
    image: str = ""
    # What the names of all that enforces begin with.
    prefix: str = "rampart"


@dataclass(frozen=True, slots=True)
class Guard:
    """A policy as it holds in one environment."""

    policy: Policy
    environment: Environment
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return object_name(self.environment, self.policy.name)


def object_name(environment: Environment, policy: str) -> str:
    """Name what enforces a policy in an environment."""
    return f"{environment.prefix}-{environment.name}-{policy}"


def _refuse(name: Any, why: str, next_step: str) -> RampartError:
    return RampartError(f"The policy {name!r} is not understood: {why}.", next_step=next_step)


def _rules(name: str, entries: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    rules = []
    for entry in entries:
        scopes = [scope for scope in SCOPES if scope in entry]
        if len(scopes) != 1 or set(entry) != {scopes[0], "message"}:
            raise _refuse(name, "a rule has not one expression and a message", f"use one of {SCOPES}")
        rules.append(Rule(scopes[0], " ".join(str(entry[scopes[0]]).split()), str(entry["message"]).strip()))
    return tuple(rules)


def read(entries: Iterable[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """Read the definition; what is not known is refused, since a misspelt control is none."""
    policies: list[Policy] = []
    for entry in entries:
        name = entry.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _refuse(name, "its name is none", "use 3 to 40 lower-case letters, digits and dashes")
        if unknown := sorted(set(entry) - _FIELDS):
            raise _refuse(
                name, f"nothing is known of {', '.join(unknown)}", f"use {', '.join(sorted(_FIELDS))}"
            )
        policy = Policy(
            name,
            str(entry["title"]),
            entry.get("kind", "pods"),
            entry.get("severity", "medium"),
            str(entry["category"]),
            entry.get("level", ""),
            tuple(entry.get("controls") or ()),
            tuple(entry.get("parameters") or ()),
            entry.get("compares", "spec"),
            _rules(name, entry["rules"]),
            bool(entry.get("rego", False)),
            tuple(entry.get("implied_by") or ()),
            tuple(entry.get("refused") or ()),
            tuple(entry.get("accepted") or ()),
        )
        for what, value, known in (
            ("kind", policy.kind, KINDS),
            ("level", policy.level, ("", *LEVELS)),
            ("severity", policy.severity, SEVERITIES),
            ("compares", policy.compares, ("spec", "labels")),
        ):
            if value not in known:
                raise _refuse(
                    name, f"its {what} is {value!r}", f"use one of {', '.join(filter(None, known))}"
                )
        if not policy.rules or not policy.refused:
            raise _refuse(name, "it has no rule, or nothing that it refuses", "give it rules and refused")
        policies.append(policy)
    names = [policy.name for policy in policies]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _refuse(twice[0], "it stands there twice", "give each policy a name of its own")
    return tuple(policies)


def environment_of(entry: Mapping[str, Any], images: Sequence[str] = ()) -> Environment:
    """Take from an environment what admission depends on; some images are allowed in all of them."""
    own = entry.get("admission") or {}
    name = str(entry["name"])

    def refuse(why: str, next_step: str) -> RampartError:
        return RampartError(f"The admission of environment {name!r} {why}.", next_step=next_step)

    if unknown := sorted(set(own) - _ADMISSION):
        raise refuse(f"has unknown keys: {', '.join(unknown)}", f"use {', '.join(sorted(_ADMISSION))}")
    action, failure = own.get("action", "Deny"), own.get("failure_policy", "Fail")
    if action not in ACTIONS or failure not in FAILURE_POLICIES:
        raise refuse(f"says {action!r} and {failure!r}", f"use {ACTIONS} and {FAILURE_POLICIES}")
    parameters = dict(own.get("parameters") or {})
    parameters["images"] = [*(parameters.get("images") or ()), *images]
    for registry in parameters.get("registries") or ():
        # Without the slash registry.example.com would cover registry.example.com.evil.example.
        if not registry.endswith("/"):
            raise refuse(f"allows {registry!r}", "end each registry, or path in one, with a slash")
    return Environment(
        name,
        str(entry["namespace"]),
        str((entry.get("pod_security") or {}).get("level", "restricted")),
        action,
        failure,
        frozenset(own.get("omit") or ()),
        parameters,
        tuple(own.get("signatures") or ()),
        next(iter(entry.get("applications") or ()), "default"),
    )


def guards(policies: Sequence[Policy], environment: Environment) -> list[Guard]:
    """Return what holds in an environment."""
    known = {policy.name for policy in policies}
    if unknown := sorted(environment.omit - known):
        raise RampartError(
            f"Environment {environment.name!r} omits policies that do not exist: {', '.join(unknown)}.",
            next_step=f"name some of {', '.join(sorted(known))}",
        )
    found = []
    for policy in policies:
        if (
            policy.name in environment.omit
            or LEVELS[policy.level or "privileged"] > LEVELS[environment.level]
        ):
            continue
        missing = sorted(set(policy.parameters) - set(environment.parameters))
        if missing:
            raise RampartError(
                f"Environment {environment.name!r} lacks parameters of the policy {policy.name}: "
                f"{', '.join(missing)}.",
                next_step="set them in the environment's admission.parameters, or omit the policy there",
            )
        own = {name: environment.parameters[name] for name in policy.parameters}
        found.append(Guard(policy, environment, own))
    return found
