# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a gate leaves behind: who judged what, by which tools and policy, and what came out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self, cast

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import retention as classes
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import canonical

Verdict = Literal["passed", "failed", "error"]
Retention = Literal["security_7y", "operations_2y", "audit_10y"]

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

# Which run made a record; nothing else about it is kept.
PLAY_KEYS = frozenset({"playbook", "play", "task", "host", "job", "run", "revision", "user"})

MOST_BYTES = 32 * 1024
LONGEST = 512
MOST_ENTRIES = 256

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

# A record names things. What looks like a credential has slipped in and must not be kept for years.
_CREDENTIAL = re.compile(
    r"-----BEGIN |\beyJ[\w-]{8,}\.eyJ[\w-]{8,}|://[^/\s:@]+:[^/\s@]+@|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_\w{20,}|\bBearer\s+\S{16,}"
)


def now() -> str:
    """Return the time as records spell it."""
    return datetime.now(UTC).strftime(TIME_FORMAT)


def presentable(text: str) -> str:
    """Make a sentence of a tool fit for a record: one line, not too long, and no credential in it."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    cut = line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
    return "withheld: it looks like a credential" if _CREDENTIAL.search(line) else cut or "nothing was said"


@dataclass(frozen=True, slots=True)
class Subject:
    """What was judged, and the digest of everything that the verdict depends on."""

    kind: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """One verdict. An empty ``time`` or ``retention`` becomes now, and the class of the gate."""

    gate: str
    subject: Subject
    verdict: Verdict
    tools: Mapping[str, str] = field(default_factory=dict)
    # Name of a database to its ``version`` and when it was ``built``.
    databases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # Digest of the canonical policy; empty where the gate knows no policy of its own.
    policy: str = ""
    exceptions: Sequence[str] = ()
    # Counts, flags and short names; see _summary.
    summary: Mapping[str, Any] = field(default_factory=dict)
    play: Mapping[str, str] = field(default_factory=dict)
    time: str = ""
    retention: Retention | Literal[""] = ""

    def complete(self) -> Record:
        """Return the record with its time and class, or raise RampartError for what may not stand in one."""
        _listed(self, "its exceptions", self.exceptions)
        filled = replace(
            self,
            exceptions=tuple(sorted(self.exceptions)),
            time=self.time or now(),
            retention=cast(Retention, self.retention or classes.of_gate(self.gate)),
        )
        _check(filled)
        return filled

    def as_data(self) -> dict[str, Any]:
        """Return plain data, as it is written."""
        return {
            "gate": self.gate,
            "subject": {
                "kind": self.subject.kind,
                "name": self.subject.name,
                "digest": self.subject.digest,
            },
            "verdict": self.verdict,
            "tools": dict(self.tools),
            "databases": {name: dict(database) for name, database in self.databases.items()},
            "policy": self.policy,
            "exceptions": list(self.exceptions),
            "summary": dict(self.summary),
            "play": dict(self.play),
            "time": self.time,
            "retention": self.retention,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read plain data back; raises RampartError where it is no record."""
        try:
            subject = Subject(**data["subject"])
            made = cls(**{**data, "subject": subject, "exceptions": tuple(data["exceptions"])})
        except (KeyError, TypeError) as error:
            raise RampartError(
                "This is no record of evidence: its fields are not those of one.",
                next_step="read it with the version of the collection that wrote it",
            ) from error
        _check(made)
        return made

    @property
    def moment(self) -> datetime:
        """The time as a time."""
        return datetime.strptime(self.time, TIME_FORMAT).replace(tzinfo=UTC)


def _wrong(record: Record, what: str) -> RampartError:
    return RampartError(
        f"The evidence of the gate {record.gate!r} cannot be recorded: {what}.",
        next_step="report it: the gate hands over something that is no evidence",
    )


def _text(record: Record, what: str, value: object, *, empty: bool = False) -> None:
    if not isinstance(value, str) or not (value or empty):
        raise _wrong(record, f"{what} is no text")
    if len(value) > LONGEST:
        raise _wrong(record, f"{what} is longer than {LONGEST} characters")
    if not value.isprintable():
        raise _wrong(record, f"{what} holds characters that cannot be printed")
    if _CREDENTIAL.search(value):
        raise _wrong(record, f"{what} looks like a credential")


def _matches(record: Record, what: str, value: object, shape: re.Pattern[str]) -> None:
    if not isinstance(value, str) or not shape.fullmatch(value):
        # The value itself is not shown: it is not what was expected, and so could be anything.
        raise _wrong(record, f"{what} has not the form {shape.pattern}")


def _keyed(record: Record, what: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MOST_ENTRIES:
        raise _wrong(record, f"{what} is no mapping of at most {MOST_ENTRIES} entries")
    for key in value:
        _matches(record, f"a key of {what}", key, _KEY)
    return value


def _listed(record: Record, what: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MOST_ENTRIES:
        raise _wrong(record, f"{what} is no list of at most {MOST_ENTRIES} texts")
    for item in value:
        _text(record, f"an entry of {what}", item)


def _summary(record: Record) -> None:
    """Allow counts, flags, short texts, lists of such texts, and one level of counts by name."""
    for key, value in _keyed(record, "the summary", record.summary).items():
        what = f"{key} in the summary"
        if isinstance(value, int):
            continue
        if isinstance(value, Mapping):
            for inner, number in _keyed(record, what, value).items():
                if not isinstance(number, int):
                    _text(record, f"{inner} of {what}", number, empty=True)
        elif isinstance(value, list | tuple):
            _listed(record, what, value)
        else:
            _text(record, what, value, empty=True)


def _check(record: Record) -> None:
    _matches(record, "its gate", record.gate, _NAME)
    _matches(record, "the kind of its subject", record.subject.kind, _NAME)
    _text(record, "the name of its subject", record.subject.name)
    _matches(record, "the digest of its subject", record.subject.digest, _DIGEST)
    if record.verdict not in ("passed", "failed", "error"):
        raise _wrong(record, "its verdict is none of passed, failed and error")
    for tool, version in _keyed(record, "its tools", record.tools).items():
        _text(record, f"the version of {tool}", version)
    for name, database in _keyed(record, "its databases", record.databases).items():
        if set(_keyed(record, f"the database {name}", database)) - {"version", "built"}:
            raise _wrong(record, f"the database {name} has more than a version and a time")
        for value in database.values():
            _text(record, f"the database {name}", value, empty=True)
    if record.policy:
        _matches(record, "the digest of its policy", record.policy, _DIGEST)
    _listed(record, "its exceptions", record.exceptions)
    _summary(record)
    if set(_keyed(record, "its play", record.play)) - PLAY_KEYS:
        raise _wrong(record, f"its play has more than {', '.join(sorted(PLAY_KEYS))}")
    for key, value in record.play.items():
        _text(record, f"{key} of its play", value, empty=True)
    _matches(record, "its time", record.time, _TIME)
    if record.retention not in classes.YEARS:
        raise _wrong(record, "its retention class is none of " + ", ".join(classes.YEARS))
    try:
        size = len(canonical(record.as_data()))
    except ValueError as error:
        raise _wrong(record, str(error)) from error
    if size > MOST_BYTES:
        raise _wrong(record, f"it has {size} bytes, more than {MOST_BYTES}")
