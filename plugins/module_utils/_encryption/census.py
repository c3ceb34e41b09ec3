# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Counts what etcd holds and judges it. Pure: values come in as bytes, no value is kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import PLAIN, Mark, covers
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.protobuf import NotProtobufError, fields
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.registry import NO_API, resource_of

PLAINTEXT = PLAIN.provider
UNKNOWN = "unknown"

# A verdict names some of the objects; a list of ten thousand helps nobody.
NAMED_OBJECTS = 20

_MARK = b"k8s:enc:"
_ENVELOPE = re.compile(rb"k8s:enc:([a-z]+):(v[0-9]+):([^:]+):")

# A field of the EncryptedObject that follows the name of a KMS provider (k8s.io/apiserver, kmstypes.v2).
_KEY_ID = 2


class Envelope(NamedTuple):
    """What stands in front of a stored value."""

    provider: str
    version: str = ""
    key: str = ""
    # Which of its keys a KMS used; the others have one key under one name.
    key_id: str = ""

    @property
    def mark(self) -> Mark:
        """Who can read the value."""
        return Mark(self.provider, self.key)

    @property
    def encrypted(self) -> bool:
        """Whether the value is surely encrypted."""
        return self.provider not in (PLAINTEXT, UNKNOWN)


def classify(value: bytes) -> Envelope:
    """Read provider, version and key name off a stored value.

    A value that carries the API server's mark but not its form counts as unknown: neither
    encrypted nor plain text can be claimed for it.
    """
    if not value.startswith(_MARK):
        return Envelope(PLAINTEXT)
    found = _ENVELOPE.match(value)
    if found is None:
        return Envelope(UNKNOWN)
    provider, version, key = (part.decode("utf-8", errors="replace") for part in found.groups())
    key_id = _key_id(memoryview(value)[found.end() :]) if (provider, version) == ("kms", "v2") else ""
    return Envelope(provider, version, key, key_id)


def _key_id(message: memoryview) -> str:
    """Read what an EncryptedObject says of its key."""
    with suppress(NotProtobufError):
        for number, value in fields(message):
            if number == _KEY_ID and isinstance(value, memoryview):
                return bytes(value).decode("utf-8", errors="replace")
    return ""


@dataclass(slots=True)
class Tally:
    """Counts per resource and envelope, with the names of some objects that are not encrypted."""

    prefix: str
    # What has to be encrypted, in the words of a configuration, and whether a resource is meant.
    wanted: Sequence[str]
    needles: Sequence[bytes] = ()
    wants: Callable[[str], bool] | None = None
    counts: Counter[tuple[str, Envelope]] = field(default_factory=Counter)
    open_objects: list[str] = field(default_factory=list)
    needle_objects: list[str] = field(default_factory=list)
    _known: dict[str, bool] = field(default_factory=dict)

    def add(self, key: bytes, value: bytes) -> None:
        """Count one value; the value itself is not kept."""
        name = key.decode("utf-8", errors="replace")
        resource = resource_of(key, self.prefix)
        if resource:
            envelope = classify(value)
            self.counts[resource, envelope] += 1
            if not envelope.encrypted and self._is_wanted(resource):
                self._name(self.open_objects, name)
        if any(needle in value for needle in self.needles):
            self._name(self.needle_objects, name)

    def _name(self, names: list[str], name: str) -> None:
        if len(names) < NAMED_OBJECTS and name not in names:
            names.append(name)

    def _is_wanted(self, resource: str) -> bool:
        if resource not in self._known:
            self._known[resource] = resource not in NO_API and (
                self.wants(resource)
                if self.wants
                else any(covers(pattern, resource) for pattern in self.wanted)
            )
        return self._known[resource]

    def marks(self) -> Counter[Mark]:
        """Count the encrypted values by who can read them, whatever resource they are of."""
        found: Counter[Mark] = Counter()
        for (_resource, envelope), count in self.counts.items():
            if envelope.encrypted:
                found[envelope.mark] += count
        return found

    def total(self, *, encrypted: bool | None = None) -> int:
        """Count the values of wanted resources, all or only the (un)encrypted ones."""
        return sum(
            count
            for (resource, envelope), count in self.counts.items()
            if self._is_wanted(resource) and (encrypted is None or encrypted is envelope.encrypted)
        )

    def missing(self) -> list[str]:
        """Return the wanted resources of which nothing is stored: nothing is proved for them."""
        stored = {resource for resource, _envelope in self.counts}
        return [pattern for pattern in self.wanted if not any(covers(pattern, name) for name in stored)]

    def rows(self) -> list[dict[str, Any]]:
        """Return the counts as plain data, wanted resources first."""
        rows = [
            {
                "resource": resource,
                "wanted": self._is_wanted(resource),
                "provider": envelope.provider,
                "version": envelope.version,
                "key": envelope.key,
                "key_id": envelope.key_id,
                "count": count,
            }
            for (resource, envelope), count in self.counts.items()
        ]
        return sorted(rows, key=lambda row: (not row["wanted"], *map(str, row.values())))


def percentage(part: int, whole: int) -> float:
    """Return a share cut off, never rounded up: 99.999 of 100 is not 100."""
    return part * 10000 // whole / 100 if whole else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be claimed, in one word and one sentence."""

    verdict: str
    reason: str

    @property
    def complete(self) -> bool:
        """Whether everything wanted is encrypted, old revisions included."""
        return self.verdict == "encrypted"


def judge(live: Tally, history: Tally, file_hits: Iterable[str] = ()) -> Verdict:
    """Say 'encrypted' only when every value, live and old, is so, and one was there to prove it."""
    hits = [*live.needle_objects, *history.needle_objects, *file_hits]
    whole = live.total()
    open_live = live.total(encrypted=False)
    if hits:
        return Verdict("canary_found", f"the canary stands in the raw bytes of {', '.join(hits)}")
    if open_live:
        named = ", ".join(live.open_objects)
        return Verdict("plaintext", f"{open_live} of {whole} values are not encrypted: {named}")
    if not whole:
        return Verdict(
            "nothing_stored", f"nothing is stored of {', '.join(live.wanted)}, so nothing is proved"
        )
    open_history = history.total(encrypted=False)
    if open_history:
        return Verdict(
            "plaintext_history",
            f"all {whole} live values are encrypted, but {open_history} older revisions in plain text stay "
            "until etcd is compacted",
        )
    return Verdict("encrypted", f"all {whole} values are encrypted, and so is every older revision")
