# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Turns the declared secrets of the environments into a list, and puts the given values in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# In any text of a declaration: the namespace that it is expanded for.
NAMESPACE = "${namespace}"

Values = Mapping[str, Mapping[str, str]]


def expand(environments: Sequence[Mapping[str, Any]], values: Values) -> list[dict[str, Any]]:
    """Return every secret of every environment, in the words of the module.

    ``values`` holds what is given and not made, by the name of the secret and of its key. Where only one
    namespace is meant, the name is that of the namespace and the secret.
    """
    used: set[str] = set()
    found = []
    for environment in environments:
        namespace = environment["namespace"]
        for name, declared in (environment.get("secrets") or {}).items():
            if not isinstance(declared, Mapping) or not declared.get("keys"):
                raise RampartError(
                    f"The declaration of the secret {name} in {environment['name']} has no keys.",
                    next_step="say what is in it, or write null to take it away",
                )
            given = {place: values[place] for place in (name, f"{namespace}/{name}") if place in values}
            used |= given.keys()
            known = {key: value for listed in given.values() for key, value in listed.items()}
            found.append({"namespace": namespace, "name": name, **_filled(_with(declared, known), namespace)})
    unknown = sorted(values.keys() - used)
    if unknown:
        raise RampartError(
            f"Values are given for secrets that nobody declares: {', '.join(unknown)}.",
            next_step="correct the names, or declare them in the environments",
        )
    return found


def _with(declared: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    keys = [{**key, "value": known[key["name"]]} if key["name"] in known else key for key in declared["keys"]]
    return {**declared, "keys": keys}


def _filled(data: Any, namespace: str) -> Any:
    if isinstance(data, str):
        return data.replace(NAMESPACE, namespace)
    if isinstance(data, Mapping):
        return {key: _filled(value, namespace) for key, value in data.items()}
    return [_filled(item, namespace) for item in data] if isinstance(data, list) else data
