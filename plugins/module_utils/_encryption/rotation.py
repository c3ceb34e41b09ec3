# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides the next step of a key rotation. Pure: it sees a configuration and counts, and writes nothing.

Every API server has to follow before the next step, and every stored value has to be rewritten before
the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Envelope
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    PLAIN,
    Configuration,
    Entry,
    Mark,
    Provider,
    entries_of,
    made,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.transitions import (
    Target,
    candidate,
    leftovers,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest_of_bytes


class Step(StrEnum):
    """What is done next; each word is also the name of a failpoint."""

    ADD = "add"
    PROMOTE = "promote"
    REWRITE = "rewrite"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Writes:
    """How often a key has encrypted something: a count, or no more than that."""

    count: int
    exact: bool

    def __str__(self) -> str:
        return f"{self.count} writes" if self.exact else f"up to {self.count} writes"


@dataclass(frozen=True, slots=True)
class Decision:
    """One step, what it is done to (indices of entries), and why."""

    step: Step
    entries: tuple[int, ...]
    reason: str


def due(entry: Entry, target: Target, now: datetime, writes: Mapping[str, Writes]) -> str:
    """Say why an entry needs a new writer; empty when it does not."""
    kind, name = entry.mark
    if entry.mark == PLAIN:
        return "it is stored in plain text"
    if kind != target.provider:
        return f"{kind} is to become {target.provider}"
    if kind == "kms":
        return _other_kms(entry.writer, target)
    moment = made(name)
    if target.made_before is not None and (moment is None or moment < target.made_before):
        return f"{name} may be older than {target.made_before:%Y-%m-%d %H:%M:%S} UTC, as was asked"
    if target.max_age is not None:
        if moment is None:
            return f"nobody can tell how old {name} is"
        if now - moment > target.max_age:
            return f"{name} is {(now - moment).days} days old"
    limit = target.max_writes.get(kind, 0)
    if limit and name in writes and writes[name].count >= limit:
        return f"{name} has encrypted {writes[name]}, and {limit} are allowed"
    return ""


def _other_kms(writer: Provider, target: Target) -> str:
    if writer.kms.get("name") != target.kms["name"]:
        return f"the KMS {writer.kms.get('name')} is to become {target.kms['name']}"
    if any(writer.kms.get(key) != value for key, value in target.kms.items()):
        raise RampartError(
            f"The KMS provider {target.kms['name']} has other settings than were asked for, and two of one "
            "name cannot stand in a file.",
            next_step="give the KMS at the new address a name of its own",
        )
    return ""


def decide(
    configuration: Configuration,
    target: Target,
    *,
    now: datetime,
    writes: Mapping[str, Writes],
    stale: Callable[[], Mapping[str, int]],
) -> Decision | None:
    """Return the next step; ``stale`` counts by resource the values that are not written as new ones are."""
    for resource in target.resources:
        if not entries_of(configuration, resource):
            raise RampartError(
                f"No entry of the configuration covers {resource}.",
                next_step="add it first (rampart.k8s.encryption_config)",
                resource=resource,
            )
    concerned = {index: entry for index, entry in enumerate(configuration.entries) if target.concerns(entry)}
    if not concerned:
        raise RampartError(
            "No entry of the configuration encrypts anything.",
            next_step="name in resources what has to become encrypted",
        )
    waiting = {index: found for index, entry in concerned.items() if (found := candidate(entry, target))}
    left = {index: marks for index, entry in concerned.items() if (marks := leftovers(entry, target))}
    reasons = {
        index: why
        for index, entry in concerned.items()
        if index not in waiting and not any(mark != PLAIN for mark in left.get(index, ()))
        if (why := due(entry, target, now, writes))
    }
    if reasons:
        return Decision(Step.ADD, tuple(reasons), "; ".join(dict.fromkeys(reasons.values())))
    if waiting:
        named = ", ".join(dict.fromkeys(part.shown() for part in waiting.values()))
        return Decision(Step.PROMOTE, tuple(waiting), f"{named} can be read everywhere")
    counts = stale()
    if counts:
        shown = ", ".join(f"{count} {resource}" for resource, count in sorted(counts.items()))
        return Decision(Step.REWRITE, tuple(concerned), f"{shown} are not under the key of new values")
    if left:
        named = ", ".join(dict.fromkeys(str(mark) for marks in left.values() for mark in marks))
        return Decision(Step.RETIRE, tuple(left), f"no value needs {named} any more")
    return None


def forecast(decision: Decision | None, *, leaves: bool) -> list[Step]:
    """Return the steps from the next one to the end; ``leaves`` says whether something is read besides."""
    if decision is None:
        return []
    steps = list(Step)[list(Step).index(decision.step) :]
    return [Step.REWRITE] if decision.step is Step.REWRITE and not leaves else steps


def staleness(
    configuration: Configuration, target: Target, kms_keys: Mapping[str, str]
) -> Callable[[str, Envelope], bool]:
    """Return the question whether a value of a resource is not written as new ones are.

    ``kms_keys`` has by KMS provider the hash of the key that the KMS uses now.
    """

    @cache
    def writer(resource: str) -> Mark | None:
        entries = entries_of(configuration, resource)
        return entries[0].mark if entries and target.concerns(entries[0]) else None

    def stale(resource: str, envelope: Envelope) -> bool:
        mark = writer(resource)
        if mark is None or envelope.mark != mark:
            return mark is not None
        current = kms_keys.get(mark.key) if mark.provider == "kms" else None
        return current is not None and current != digest_of_bytes(envelope.key_id.encode())

    return stale
