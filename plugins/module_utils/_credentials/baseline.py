# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Credentials that are known and whose end is agreed upon: each has an owner, an approver and a last day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import FINGERPRINT_LENGTH
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.finding import Found
from ansible_collections.rampart.k8s.plugins.module_utils._scan import exceptions
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption

FINGERPRINT = re.compile(rf"hmac:[0-9a-f]{{{FINGERPRINT_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Known:
    """One credential in one place that is accepted for a while."""

    exemption: Exemption
    fingerprint: str

    @property
    def key(self) -> str:
        return f"{self.exemption.key} ({self.fingerprint})"

    def covers(self, found: Found) -> bool:
        return self.fingerprint == found.fingerprint and self.exemption.covers_rule(
            found.rule, (found.file,), ""
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """Findings with the entries of the baseline that count for them."""

    found: list[Found]
    violations: list[str]
    warnings: list[str]
    used: list[str]


def parse(content: Any, now: datetime) -> tuple[Known, ...]:
    """Read a baseline: the file format of exceptions, with a fingerprint in every scope."""
    if content is None:
        return ()
    entries = content.get("exceptions") if isinstance(content, dict) else None
    if not isinstance(entries, list) or set(content) != {"exceptions"}:
        raise RampartError(
            "The baseline of known credentials is not of the form that is known.",
            next_step="let it hold one key, exceptions, with a list",
        )
    return tuple(_entry(entry, number, now) for number, entry in enumerate(entries, start=1))


def _entry(entry: Any, number: int, now: datetime) -> Known:
    scope = dict(entry.get("scope") or {}) if isinstance(entry, dict) else {}
    mark = scope.pop("fingerprint", None)
    if not isinstance(mark, str) or not FINGERPRINT.fullmatch(mark):
        raise RampartError(
            f"The entry number {number} of the baseline names no fingerprint in its scope.",
            next_step="copy the fingerprint of the finding (hmac:...) into scope.fingerprint; a whole rule "
            "or a whole file cannot be excepted",
        )
    return Known(exceptions.parse({**entry, "scope": scope}, number, now), mark)


def judge(found: Iterable[Found], known: Sequence[Known], now: datetime) -> Judged:
    """Compare what was found with the baseline; what is expired blocks and is named."""
    shown: list[Found] = []
    violations: list[str] = []
    used: dict[str, Known] = {}
    for each in found:
        match = next((entry for entry in known if entry.covers(each)), None)
        if match is None:
            violations.append(str(each))
        else:
            used[match.key] = match
            each = replace(each, baseline=match.key)
            if not match.exemption.active(now):
                violations.append(f"{each}: {match.exemption} has expired")
        shown.append(each)
    warnings = [text for entry in used.values() if (text := exceptions.warning(entry.exemption, now))]
    warnings += [f"{entry.exemption} is not needed" for entry in known if entry.key not in used]
    return Judged(shown, violations, warnings, sorted(used))
