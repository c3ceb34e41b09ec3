# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One vulnerability has many names: which of them mean the same, and which name is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Names of one vulnerability. An advisory of a distribution (DSA, RHSA, USN) covers many of them and
# is no name: to join by it would make one finding of all that one update repairs.
_NAMES = (
    re.compile(r"CVE-\d{4}-\d{4,}"),
    re.compile(r"GHSA(-[0-9a-z]{4}){3}", re.IGNORECASE),
    re.compile(r"GO-\d{4}-\d{4,}"),
    re.compile(r"PYSEC-\d{4}-\d+"),
    re.compile(r"RUSTSEC-\d{4}-\d{4}"),
    re.compile(r"OSV-\d{4}-\d+"),
)


def normal(name: str) -> str:
    """Return the usual spelling: everything in capitals but the random part of a GHSA."""
    name = name.strip()
    head, dash, tail = name.partition("-")
    return f"{head.upper()}{dash}{tail.lower()}" if head.upper() == "GHSA" else name.upper()


def is_name(name: str) -> bool:
    """Whether it names one vulnerability, and not an advisory about several."""
    return any(shape.fullmatch(name) for shape in _NAMES)


def names(primary: str, others: Iterable[str] = ()) -> tuple[str, ...]:
    """Return all names of what a scanner reports, in their usual spelling and best known first.

    Where a scanner reports an advisory in place of a vulnerability, that is its only name: what else
    it tells are the several vulnerabilities that the advisory is about.
    """
    first = normal(primary)
    if not is_name(first):
        return (first,)
    return tuple(sorted({first, *(normal(one) for one in others if is_name(normal(one)))}, key=rank))


def rank(name: str) -> tuple[int, str]:
    """Sort the name that most people know first, and always in the same order."""
    place = next((index for index, shape in enumerate(_NAMES) if shape.fullmatch(name)), len(_NAMES))
    return place, name


def shown(alias_set: Iterable[str]) -> str:
    """Return the one name that reports use."""
    return min(alias_set, key=rank)


def joined(sets: Iterable[Iterable[str]]) -> Mapping[str, frozenset[str]]:
    """Join sets that share a name (union-find), and return for each name the whole of its set."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            # Halving the path keeps later look-ups short.
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for group in sets:
        first = None
        for name in group:
            if first is None:
                first = root(name)
            else:
                parent[root(name)] = first = root(first)
    members: dict[str, set[str]] = {}
    for name in parent:
        members.setdefault(root(name), set()).add(name)
    return {name: frozenset(members[root(name)]) for name in parent}
