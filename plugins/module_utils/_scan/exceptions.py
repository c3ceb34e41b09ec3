# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Exceptions with a life: who wants one, who else allows it, for what, why, and until when.

An exception ends at the beginning of its last day in UTC, as trivy reads its own dates. It counts
for what it names and nothing else, and there is none that lives longer than 90 days.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._scan import aliases, purl

LONGEST_DAYS = 90
# Two weeks, one week and a day before: whoever runs the gate daily is told on all three.
WARN_DAYS = 14
SHORTEST_REASON = 10
LARGEST = 4 * 1024 * 1024

# What an exception is about: a vulnerability, a rule of a gate, or an admission policy.
SUBJECTS = ("id", "rule", "policy")
FIELDS = (*SUBJECTS, "scope", "owner", "approver", "reason", "link", "created", "expires")
SCOPES = ("purl", "digest", "path")
# Whose pods a policy does not hold for. Both are needed: one alone would be everybody's way around it.
POLICY_SCOPES = ("namespace", "application")

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RULE = re.compile(r"[A-Za-z][A-Za-z0-9._:+ /()-]{1,127}")
# RFC 1123: what Kubernetes accepts as the name of a namespace, and what applications are named by.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Scope:
    """To what an exception is limited; what is empty is no limit."""

    purl: purl.Purl | None = None
    digest: str = ""
    path: str = ""
    namespace: str = ""
    application: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """One exception of the file."""

    id: str
    rule: str
    policy: str
    scope: Scope
    owner: str
    approver: str
    reason: str
    link: str
    created: date
    expires: date

    @property
    def names(self) -> str:
        """What it is about."""
        return self.id or self.rule or self.policy

    @property
    def end(self) -> datetime:
        return datetime.combine(self.expires, time(), UTC)

    def active(self, now: datetime) -> bool:
        return now < self.end

    def days_left(self, now: datetime) -> int:
        return (self.expires - now.astimezone(UTC).date()).days

    @property
    def key(self) -> str:
        """A name that stays the same for evidence and reports."""
        scope = self.scope.purl or self.scope.digest or self.scope.path
        if self.policy:
            scope = f"{self.scope.namespace}/{self.scope.application}"
        return f"{self.names} for {scope} until {self.expires}"

    def __str__(self) -> str:
        return f"the exception {self.key} (owner {self.owner}, allowed by {self.approver})"

    def covers_vulnerability(
        self, names: frozenset[str], package: purl.Purl, paths: tuple[str, ...], digest: str
    ) -> bool:
        """Whether it is about a vulnerability of a package, ended or not."""
        return self.id in names and self._in_scope(package, paths, digest)

    def covers_rule(self, rule: str, paths: tuple[str, ...], digest: str) -> bool:
        """Whether it is about a rule, ended or not."""
        return bool(rule) and self.rule == rule and self._in_scope(None, paths, digest)

    def _in_scope(self, package: purl.Purl | None, paths: tuple[str, ...], digest: str) -> bool:
        scope = self.scope
        if scope.digest and scope.digest != digest:
            return False
        if scope.purl is not None and (package is None or not scope.purl.covers(package)):
            return False
        # All of them: a copy of the package elsewhere is not what was excepted.
        return not scope.path or (bool(paths) and all(matches(scope.path, path) for path in paths))


def matches(pattern: str, path: str) -> bool:
    """Compare a path with a pattern, both without the leading slash."""
    return fnmatchcase(str(PurePosixPath(path)).lstrip("/"), pattern.lstrip("/"))


def _refuse(place: str, why: str, next_step: str) -> RampartError:
    return RampartError(f"The exception {place} is refused: {why}.", next_step=next_step, exception=place)


def _text(entry: Mapping[str, Any], name: str, place: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _refuse(place, f"it lacks {name}", f"give {name} as text")
    return value.strip()


def _day(entry: Mapping[str, Any], name: str, place: str) -> date:
    value = entry.get(name)
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise _refuse(place, f"{name} is no day", f"write {name} as YYYY-MM-DD")
    return value


def _scope(entry: Mapping[str, Any], place: str) -> Scope:
    scope = entry.get("scope")
    if not isinstance(scope, Mapping) or not scope or set(scope) - set(SCOPES):
        raise _refuse(
            place, "it has no scope that is known", f"limit it by one or more of {', '.join(SCOPES)}"
        )
    package = None
    if "purl" in scope:
        package = purl.parse(str(scope["purl"]))
        if package is None:
            raise _refuse(place, f"{scope['purl']!r} is no package URL", "write it as pkg:type/name@version")
    digest, path = str(scope.get("digest", "")), str(scope.get("path", ""))
    if digest and not _DIGEST.fullmatch(digest):
        raise _refuse(place, f"{digest!r} is no digest", "give the config digest, sha256: and 64 digits")
    if "path" in scope and (not path or ".." in PurePosixPath(path).parts or path.strip("/*") == ""):
        raise _refuse(
            place, f"the path {path!r} limits nothing", "name a file, or a folder and what is in it"
        )
    return Scope(package, digest, path)


def _policy_scope(entry: Mapping[str, Any], place: str) -> Scope:
    scope = entry.get("scope")
    if not isinstance(scope, Mapping) or set(scope) != set(POLICY_SCOPES):
        raise _refuse(place, "it does not say for whom", f"limit it by {' and '.join(POLICY_SCOPES)}")
    namespace, application = str(scope["namespace"]), str(scope["application"])
    for value in (namespace, application):
        if not _LABEL.fullmatch(value):
            raise _refuse(
                place,
                f"{value!r} is no name",
                "give the namespace, and the application as its pods' label app.kubernetes.io/name has it",
            )
    return Scope(namespace=namespace, application=application)


def parse(entry: Any, number: int, now: datetime) -> Exemption:
    """Read one exception, or raise RampartError with what is wrong with it."""
    place = f"number {number}"
    if not isinstance(entry, Mapping):
        raise _refuse(place, "it is no mapping", f"write one with {', '.join(FIELDS)}")
    about = [name for name in SUBJECTS if entry.get(name)]
    place = f"number {number} ({entry[about[0]] if about else 'about nothing'})"
    unknown = sorted(str(name) for name in set(entry) - set(FIELDS))
    if unknown:
        raise _refuse(place, f"nothing is known of {', '.join(unknown)}", f"use {', '.join(FIELDS)}")
    if len(about) != 1:
        raise _refuse(
            place,
            f"it has not one of {', '.join(SUBJECTS)}",
            "name one vulnerability, one rule or one admission policy",
        )
    name = aliases.normal(_text(entry, "id", place)) if entry.get("id") else ""
    rule = _text(entry, "rule", place) if entry.get("rule") else ""
    policy = _text(entry, "policy", place) if entry.get("policy") else ""
    if policy and not _LABEL.fullmatch(policy):
        raise _refuse(place, f"{policy!r} is no name of a policy", "give it as the role kyverno names it")
    if rule and not _RULE.fullmatch(rule):
        raise _refuse(place, f"{rule!r} is no name of a rule", "give it as a scanner reports it")
    if name and not re.fullmatch(r"[A-Z][A-Za-z0-9._:-]+", name):
        raise _refuse(place, f"{name!r} is no name of a vulnerability", "give a CVE, GHSA, GO or PYSEC name")
    owner, approver = _text(entry, "owner", place), _text(entry, "approver", place)
    if owner.casefold() == approver.casefold():
        raise _refuse(place, f"{owner} would allow it to themselves", "let somebody else approve it")
    reason, link = _text(entry, "reason", place), _text(entry, "link", place)
    if len(reason) < SHORTEST_REASON:
        raise _refuse(place, "its reason says nothing", "write why the risk is acceptable until then")
    if urlsplit(link).scheme not in ("http", "https") or not urlsplit(link).netloc:
        raise _refuse(place, "its link leads nowhere", "give the address of the documentation")
    created, expires = _day(entry, "created", place), _day(entry, "expires", place)
    if created > now.astimezone(UTC).date():
        raise _refuse(place, f"it was created in the future ({created})", "give the day of its approval")
    if not timedelta(0) < expires - created <= timedelta(days=LONGEST_DAYS):
        raise _refuse(
            place,
            f"it lives from {created} to {expires}, and {LONGEST_DAYS} days is the most",
            "shorten it; who still needs it then asks again",
        )
    if rule and isinstance(entry.get("scope"), Mapping) and "purl" in entry["scope"]:
        raise _refuse(place, "a rule is not about a package", "limit it by digest or path")
    scope = _policy_scope(entry, place) if policy else _scope(entry, place)
    return Exemption(name, rule, policy, scope, owner, approver, reason, link, created, expires)


def parse_file(content: Any, now: datetime) -> tuple[Exemption, ...]:
    """Read the whole file: a mapping with the one key ``exceptions``, or nothing at all."""
    if content is None:
        return ()
    if not isinstance(content, Mapping) or set(content) != {"exceptions"}:
        raise RampartError(
            "The file of exceptions is not of the form that is known.",
            next_step="let it hold one key, exceptions, with a list",
        )
    entries = [] if content["exceptions"] is None else content["exceptions"]
    if not isinstance(entries, list):
        raise RampartError("The exceptions are no list.", next_step="write each with a leading dash")
    found = tuple(parse(entry, number, now) for number, entry in enumerate(entries, start=1))
    keys = [(one.names, one.scope) for one in found]
    twice = [one for number, one in enumerate(found) if keys.index(keys[number]) != number]
    if twice:
        raise RampartError(
            f"{twice[0].names} has two exceptions of the same scope.",
            next_step="keep one; a second one would prolong the first beyond its end",
        )
    return found


def read(path: Path, now: datetime) -> tuple[Exemption, ...]:
    """Read the file of exceptions."""
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
    except OSError as error:
        raise RampartError(
            f"Could not read the exceptions in {path}: {error.strerror}.",
            next_step="correct the path, or leave it out when there are none",
        ) from error
    if len(text) > LARGEST:
        raise RampartError(f"{path} has more than {LARGEST} bytes.", next_step="check the path")
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RampartError(
            f"{path} is no YAML.", next_step="correct it, `yamllint` tells the line"
        ) from error
    return parse_file(content, now)


def warning(one: Exemption, now: datetime) -> str:
    """Say that an exception ends soon; empty when it does not."""
    left = one.days_left(now)
    return f"{one} ends in {left} {'day' if left == 1 else 'days'}" if 0 < left <= WARN_DAYS else ""
