# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Moments as people give them in options: in UTC, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

FORMAT = "%Y-%m-%dT%H:%M:%SZ"

# By so much clocks may differ.
FUTURE = timedelta(days=1)


def parse_past(text: str | None, option: str) -> datetime | None:
    """Read the moment of something that has happened; None when none was given."""
    if not text:
        return None
    try:
        moment = datetime.strptime(text, FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise RampartError(
            f"{option}, {text!r}, is no time in UTC.", next_step="write it as 2026-11-22T10:15:30Z"
        ) from error
    if moment > datetime.now(UTC) + FUTURE:
        raise RampartError(
            f"{option}, {text}, lies in the future: everything would be older for ever.",
            next_step="give the moment of the incident, at the latest the present one",
        )
    return moment
