# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What must be said about an image, by whom, before it may be used."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key, moment
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import (
    SIGNATURE,
    Statement,
    short_name,
    time_path,
    type_uri,
)

MISSING = object()
SHOWN = 80


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("is not a number")
    return value


def _age(value: Any, now: datetime.datetime) -> datetime.timedelta:
    try:
        age = now - moment(str(value))
    except ValueError as error:
        raise TypeError("is not a time") from error
    if age < -datetime.timedelta(minutes=1):
        raise TypeError("lies in the future")
    return age


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on a predicate. What is not there fulfils nothing."""

    path: str
    operator: str
    wanted: Any

    def __str__(self) -> str:
        return f"{self.path} {self.operator} {self.wanted}"

    def failure(self, predicate: Mapping[str, Any], now: datetime.datetime) -> str:
        """Say how a predicate breaks the condition; empty when it fulfils it."""
        value = look_up(predicate, self.path)
        if value is MISSING:
            return f"{self.path} is missing"
        checks: dict[str, Callable[[], bool]] = {
            "equals": lambda: bool(value == self.wanted),
            "one_of": lambda: value in self.wanted,
            "at_least": lambda: _number(value) >= float(self.wanted),
            "at_most": lambda: _number(value) <= float(self.wanted),
            "matches": lambda: isinstance(value, str) and bool(re.fullmatch(self.wanted, value)),
            "max_age_hours": lambda: _age(value, now) <= datetime.timedelta(hours=float(self.wanted)),
        }
        try:
            held = checks[self.operator]()
        except TypeError as error:
            return f"{self.path} {error}"
        return "" if held else f"{self.path} is {str(value)[:SHOWN]!r}, not {self.operator} {self.wanted!r}"


OPERATORS = ("equals", "one_of", "at_least", "at_most", "matches", "max_age_hours")


def look_up(data: Any, path: str) -> Any:
    """Follow a dotted path; a number picks from a list."""
    for part in path.split("."):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return MISSING
    return data


@dataclass(frozen=True, slots=True)
class Demand:
    """One kind of statement that an image needs."""

    predicate_type: str
    constraints: tuple[Constraint, ...] = ()

    @property
    def name(self) -> str:
        return short_name(self.predicate_type)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which keys count, and what they must have said. A signature itself is always demanded."""

    keys: tuple[Key, ...]
    demands: tuple[Demand, ...] = field(default=(Demand(SIGNATURE),))

    def key(self, identity: str) -> Key | None:
        return next((key for key in self.keys if key.id == identity), None)

    def data(self) -> dict[str, Any]:
        """Return the policy as its digest is taken: ages are written as text, since floats have many."""
        return {
            "keys": sorted(f"{key.id} {key.state} {key.expires}" for key in self.keys),
            "demands": [
                {"type": demand.predicate_type, "constraints": [str(each) for each in demand.constraints]}
                for demand in self.demands
            ],
        }


def demands(entries: Sequence[Mapping[str, Any]]) -> tuple[Demand, ...]:
    """Read the demands of a task; the signature comes first and cannot be left out."""
    found = [Demand(SIGNATURE)]
    for entry in entries:
        constraints = []
        for condition in entry.get("constraints") or []:
            given = [name for name in OPERATORS if condition.get(name) is not None]
            if len(given) != 1:
                raise RampartError(
                    f"The constraint on {condition['path']!r} of {entry['type']!r} says "
                    f"{' and '.join(given) or 'nothing'}; it must say exactly one thing.",
                    next_step=f"give one of {', '.join(OPERATORS)}",
                )
            constraints.append(Constraint(condition["path"], given[0], condition[given[0]]))
        uri = type_uri(entry["type"])
        if uri == SIGNATURE or uri in {demand.predicate_type for demand in found}:
            raise RampartError(
                f"The attestation {entry['type']!r} is demanded twice.",
                next_step="name each type once, with all its constraints; the signature is always demanded",
            )
        found.append(Demand(uri, tuple(constraints)))
    return tuple(found)


def ended(statement: Statement, now: datetime.datetime) -> str:
    """Say that a statement held for a time only, and that the time is over; empty when it is not."""
    until = statement.predicate.get("until")
    if until is None:
        return ""
    try:
        over = moment(str(until)) <= now
    except ValueError:
        return f"until is {str(until)[:SHOWN]!r}, which is no time"
    return f"it rests on an exception that ended at {until}" if over else ""


def newest(statements: Sequence[Statement]) -> Statement:
    """Return the statement that counts: the one that says it was made last.

    An image that once passed must not pass for ever because nobody removed the old verdict. One
    that does not say when it was made counts as the oldest.
    """

    def made(statement: Statement) -> datetime.datetime:
        path = time_path(statement.predicate_type)
        try:
            return moment(str(look_up(statement.predicate, path)))
        except ValueError:
            return datetime.datetime.min.replace(tzinfo=datetime.UTC)

    return max(statements, key=lambda statement: (made(statement), statement.document()))
