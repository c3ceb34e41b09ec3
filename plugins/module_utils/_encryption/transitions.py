# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the steps of a key rotation make of a configuration. Pure.

An entry goes from ``[old]`` over ``[old, new]`` (add) and ``[new, old]`` (promote) to ``[new]`` (retire).
Which of these it is at, the entry itself tells, so a run that was killed anywhere needs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    KEYED,
    PLAIN,
    Configuration,
    Entry,
    Key,
    Mark,
    Provider,
    covers,
    made,
)


@dataclass(frozen=True, slots=True)
class Target:
    """What the person asked for."""

    provider: str
    kms: Mapping[str, Any] = field(default_factory=dict)
    # What has to become encrypted although its entry writes plain text.
    resources: tuple[str, ...] = ()
    keep_plaintext: bool = False
    max_age: timedelta | None = None
    made_before: datetime | None = None
    # By provider.
    max_writes: Mapping[str, int] = field(default_factory=dict)

    def concerns(self, entry: Entry) -> bool:
        """Tell whether an entry is rotated; one that only writes plain text is an exemption."""
        named = any(covers(item, resource) for item in entry.resources for resource in self.resources)
        return entry.mark != PLAIN or named


def parts(entry: Entry) -> list[Provider]:
    """Return the providers of an entry with one key each, in order."""
    return [
        part
        for provider in entry.providers
        for part in ([replace(provider, keys=(key,)) for key in provider.keys] or [provider])
    ]


def with_parts(entry: Entry, listed: Iterable[Provider]) -> Entry:
    """Put an entry together again; neighbours of one kind share a list of keys."""
    providers = []
    for kind, neighbours in groupby(listed, key=lambda part: part.kind):
        if kind in KEYED:
            providers.append(Provider(kind, tuple(key for part in neighbours for key in part.keys)))
        else:
            providers += neighbours
    return replace(entry, providers=tuple(providers))


def candidate(entry: Entry, target: Target) -> Provider | None:
    """Return what is in an entry to become its writer: made for it, and newer than the one it has."""
    first, *others = parts(entry)
    if target.provider == "kms":
        return next((part for part in others if part.names == (target.kms["name"],)), None)
    since = made(first.names[0]) if first.kind == target.provider else None
    newer = {
        moment: part
        for part in others
        if part.kind == target.provider
        and (moment := made(part.names[0])) is not None
        and (since is None or moment > since)
    }
    return newer[max(newer)] if newer else None


def leftovers(entry: Entry, target: Target) -> list[Mark]:
    """Return what an entry reads and does not write with."""
    return [
        mark for mark in entry.marks if mark != entry.mark and not (mark == PLAIN and target.keep_plaintext)
    ]


def add(
    configuration: Configuration,
    target: Target,
    indices: Sequence[int],
    make_key: Callable[[datetime | None], Key],
) -> Configuration:
    """Let entries read what they will be written with; those with one writer get one new key.

    ``make_key`` is told how new the key has to be at least: a clock may have been set back since the
    present one was made, and a key that is not newer would be due again, or be taken for an old one.
    """
    if target.provider == "kms":
        configuration, indices = _joined(configuration, target)
    entries = list(configuration.entries)
    new = {entry.mark: found for entry in entries if (found := candidate(entry, target))}
    for index in indices:
        entry = entries[index]
        if entry.mark not in new:
            new[entry.mark] = (
                Provider("kms", kms={"apiVersion": "v2", **target.kms})
                if target.provider == "kms"
                else Provider(target.provider, (make_key(_least(entry, target)),))
            )
        first, *others = (part for part in parts(entry) if part != new[entry.mark])
        entries[index] = with_parts(entry, [first, new[entry.mark], *others])
    return Configuration(tuple(entries))


def _least(entry: Entry, target: Target) -> datetime | None:
    present = made(entry.mark.key)
    moments = [present + timedelta(seconds=1)] if present else []
    return max([*moments, *([target.made_before] if target.made_before else [])], default=None)


def _joined(configuration: Configuration, target: Target) -> tuple[Configuration, tuple[int, ...]]:
    """Make one entry of all that are rotated: a KMS provider may stand once in a file."""
    concerned = [entry for entry in configuration.entries if target.concerns(entry)]
    if len({entry.mark for entry in concerned}) > 1:
        raise RampartError(
            "The entries of the configuration are written with different keys, and a KMS provider can stand "
            "in one entry only.",
            next_step="rotate to one key first, or join the entries by hand",
        )
    readers = {part.marks[0]: part for entry in concerned for part in parts(entry)}
    resources = tuple(name for entry in concerned for name in entry.resources)
    joined = with_parts(Entry(resources, ()), readers.values())
    first = configuration.entries.index(concerned[0])
    others = [entry for entry in configuration.entries if entry not in concerned]
    return Configuration((*others[:first], joined, *others[first:])), (first,)


def promote(configuration: Configuration, target: Target) -> Configuration:
    """Let entries be written with what waits in them."""

    def promoted(entry: Entry) -> Entry:
        found = candidate(entry, target) if target.concerns(entry) else None
        others = [part for part in parts(entry) if part != found]
        return with_parts(entry, [found, *others]) if found else entry

    return Configuration(tuple(promoted(entry) for entry in configuration.entries))


def retire(configuration: Configuration, target: Target, indices: Sequence[int]) -> Configuration:
    """Leave entries nothing but their writer, and plain text where that was asked for."""

    def kept(entry: Entry) -> Iterator[Provider]:
        first, *others = parts(entry)
        yield first
        yield from (part for part in others if part.kind == "identity" and target.keep_plaintext)

    return Configuration(
        tuple(
            with_parts(entry, kept(entry)) if index in indices else entry
            for index, entry in enumerate(configuration.entries)
        )
    )


def withdraw(configuration: Configuration, target: Target) -> Configuration:
    """Take out again what entries were to be written with: a server cannot read with it."""

    def without(entry: Entry) -> Entry:
        found = candidate(entry, target) if target.concerns(entry) else None
        return with_parts(entry, [part for part in parts(entry) if part != found])

    return Configuration(tuple(without(entry) for entry in configuration.entries))


def outlook(configuration: Configuration, target: Target, due: Sequence[int]) -> Configuration:
    """Return the configuration as it will be in the end, with a word for a key that is still to be made."""
    new = Provider(target.provider, (Key("a new key", ""),))
    if target.provider == "kms":
        new = Provider("kms", kms=dict(target.kms))

    def final(index: int, entry: Entry) -> Entry:
        if not target.concerns(entry):
            return entry
        writer = candidate(entry, target) or (new if index in due else parts(entry)[0])
        plain = [IDENTITY] if target.keep_plaintext and entry.reads_plaintext else []
        return with_parts(entry, [writer, *plain])

    return Configuration(tuple(final(index, entry) for index, entry in enumerate(configuration.entries)))
