# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a module would do, computed from what it observed, before it does anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision with its reason; check mode returns it, a real run applies it and then returns it.

    ``before`` and ``after`` are plain data for ``--diff``. They show names and fingerprints where
    the thing itself is secret. ``texts`` replaces both where whole files are compared: one entry
    per file with ``before_header``, ``before``, ``after_header`` and ``after``, as Ansible prints
    them. ``result`` holds the module's other return values.
    """

    changed: bool
    reason: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    texts: list[dict[str, str]] = field(default_factory=list)

    def as_result(self, *, diff: bool) -> dict[str, Any]:
        """Render the plan as an Ansible result; ``diff`` as the person asked for it."""
        result = {**self.result, "changed": self.changed, "reason": self.reason}
        if diff and self.changed:
            result["diff"] = self.texts or {"before": self.before, "after": self.after}
        return result
