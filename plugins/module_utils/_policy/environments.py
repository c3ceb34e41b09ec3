# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Expands the one definition of the environments: what they share, and what each one changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# RFC 1123 label: what Kubernetes accepts as the name of a namespace.
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

# The API server makes these; an environment under such a name would be nobody's and everybody's.
RESERVED = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def merge(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay an environment's own parameters over the common ones.

    Mappings merge key by key and V(null) takes a key away; anything else replaces what was there,
    since half of one list and half of another is what nobody asked for.
    """
    merged = dict(common)
    for key, value in own.items():
        before = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def expand(tiers: Mapping[str, Any], common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every environment in full, in the order in which it was defined.

    A parameter that the common part does not know is refused: a misspelt control would otherwise be
    a control that is not there.
    """
    if not isinstance(tiers, Mapping) or not tiers:
        raise RampartError(
            "The definition of the environments is empty or not a mapping of names to parameters.",
            next_step="define rampart_environments as {dev: {}, staging: {}, prod: {}}, or leave it out",
        )
    environments = []
    for name, own in tiers.items():
        own = own or {}
        if not isinstance(own, Mapping):
            raise RampartError(
                f"The parameters of environment {name!r} are not a mapping.",
                next_step=f"write {name}: {{}} when it has none of its own",
            )
        unknown = sorted(own.keys() - common.keys() - {"namespace"})
        if unknown:
            raise RampartError(
                f"Environment {name!r} has unknown parameters: {', '.join(unknown)}.",
                next_step=f"use the known ones: {', '.join(sorted({*common, 'namespace'}))}",
            )
        environment = {"name": str(name), "namespace": str(name), **merge(common, own)}
        # A parameter that is taken away as a whole stays, empty: the roles may rely on its being there.
        for key in common.keys() - environment.keys():
            environment[key] = {} if isinstance(common[key], Mapping) else []
        environments.append(environment)
    _check_names(environments)
    return environments


def _check_names(environments: list[dict[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for environment in environments:
        namespace = environment["namespace"]
        for what in (environment["name"], namespace):
            if not NAME.fullmatch(what):
                raise RampartError(
                    f"{what!r} cannot name an environment or its namespace.",
                    next_step="use at most 63 lower-case letters, digits and hyphens",
                )
        if namespace in RESERVED or namespace.startswith("kube-"):
            raise RampartError(
                f"The namespace {namespace!r} belongs to Kubernetes itself.",
                next_step=f"give environment {environment['name']!r} a namespace of its own",
            )
        if namespace in seen:
            raise RampartError(
                f"The environments {seen[namespace]!r} and {environment['name']!r} share the namespace "
                f"{namespace!r}: nothing would keep them apart.",
                next_step="give each a namespace of its own",
            )
        seen[namespace] = environment["name"]
