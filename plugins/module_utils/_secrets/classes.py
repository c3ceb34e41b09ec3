# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Classes of secrets as data: how sensitive, how old they may get, how long the old one stays valid."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class SecretClass:
    """What all secrets of a class have in common."""

    name: str
    max_age_days: int
    sensitivity: str = "high"
    # After everybody uses the new one, the old one stays valid for so long: tokens signed with it live on.
    grace_seconds: int = 0
    # Who still uses the old one after so long has to be looked at by a person.
    longest_overlap_hours: int = 24


CLASSES = {
    each.name: each
    for each in (
        SecretClass("api_key", 30),
        SecretClass("token", 30),
        SecretClass("database", 90, "critical"),
        SecretClass("tls", 90),
        SecretClass("registry", 90),
        SecretClass("signing", 365, "critical", grace_seconds=3600),
        SecretClass("authority", 5 * 365, "critical"),
    )
}

# How a Secret that nobody declared is classed: by its type alone.
BY_TYPE = {
    "kubernetes.io/tls": "tls",
    "kubernetes.io/dockerconfigjson": "registry",
    "kubernetes.io/dockercfg": "registry",
    "kubernetes.io/service-account-token": "token",
    "bootstrap.kubernetes.io/token": "token",
}

SENSITIVITIES = ("critical", "high", "medium", "low")


def merge(overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, SecretClass]:
    """Lay the operator's classes over the known ones; a new one must say how old its secrets may get."""
    classes = dict(CLASSES)
    for name, given in overrides.items():
        said = {key: value for key, value in (given or {}).items() if value is not None}
        known = classes.get(name)
        if known is None and "max_age_days" not in said:
            raise RampartError(
                f"The class {name!r} is new, but has no max_age_days.",
                next_step=f"add it, or use one of {', '.join(sorted(CLASSES))}",
            )
        unknown = sorted(said.keys() - {field for field in SecretClass.__slots__ if field != "name"})
        if unknown:
            raise RampartError(
                f"The class {name!r} has unknown parameters: {', '.join(unknown)}.",
                next_step="use " + ", ".join(field for field in SecretClass.__slots__ if field != "name"),
            )
        made = replace(known, **said) if known else SecretClass(name, **said)
        _check(made)
        classes[name] = made
    return classes


def _check(one: SecretClass) -> None:
    numbers = {
        "max_age_days": (one.max_age_days, 1),
        "grace_seconds": (one.grace_seconds, 0),
        "longest_overlap_hours": (one.longest_overlap_hours, 0),
    }
    for name, (value, least) in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise RampartError(
                f"{name} of the class {one.name!r} is {value!r}.", next_step=f"use a number from {least} on"
            )
    if one.sensitivity not in SENSITIVITIES:
        raise RampartError(
            f"The sensitivity {one.sensitivity!r} of the class {one.name!r} is unknown.",
            next_step=f"use one of {', '.join(SENSITIVITIES)}",
        )


def find(classes: Mapping[str, SecretClass], name: str, secret: str) -> SecretClass:
    """Return a class by its name."""
    if name not in classes:
        raise RampartError(
            f"Secret {secret} is of the class {name!r}, which does not exist.",
            next_step=f"use one of {', '.join(sorted(classes))}, or define it in classes",
        )
    return classes[name]


def now() -> datetime.datetime:
    """Return the time; a function of its own, so that tests can move it."""
    return datetime.datetime.now(tz=datetime.UTC).replace(microsecond=0)


def written(moment: datetime.datetime) -> str:
    """Return a time as annotations spell it."""
    return moment.strftime(TIME_FORMAT)


def read(text: str | None) -> datetime.datetime | None:
    """Read a time from an annotation; what is none was written by somebody else and counts as absent."""
    try:
        return datetime.datetime.strptime(text or "", TIME_FORMAT).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
