# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Access that ends: who got it, why, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

EXPIRES = "rampart.k8s/expires"

# Without these an auditor cannot tell a grant from a leftover.
REQUIRED = ("name", "expires", "reason", "approved_by")


def parse_end(value: object, owner: str) -> datetime:
    """Read an end as RFC 3339 with a time zone; an end in nobody's time is no end."""
    if isinstance(value, datetime):
        end = value
    else:
        try:
            end = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise RampartError(
                f"The end {value!r} of {owner} is not a time.",
                next_step="write it as 2026-12-31T18:00:00Z",
            ) from error
    if end.tzinfo is None:
        raise RampartError(
            f"The end {value!r} of {owner} has no time zone.",
            next_step="write it as 2026-12-31T18:00:00Z",
        )
    return end.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """Write a moment as the API server's CEL reads it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def live(grants: Iterable[Mapping[str, Any]], *, now: datetime, longest: timedelta) -> list[dict[str, Any]]:
    """Return the grants that still hold, with their end in one spelling.

    A grant that ended is left out, so that pruning takes it from the cluster. One that would last
    longer than allowed is refused, and so is one that says neither why nor by whose leave.
    """
    holding = []
    names: set[str] = set()
    for grant in grants:
        owner = f"grant {grant.get('name') or '(without a name)'!r}"
        missing = [key for key in REQUIRED if not grant.get(key)]
        if missing:
            raise RampartError(
                f"The {owner} lacks {', '.join(missing)}.",
                next_step="say its name, its end, its reason and who approved it",
            )
        if grant["name"] in names:
            raise RampartError(
                f"There are two grants with the name {grant['name']!r}.",
                next_step="give each a name of its own",
            )
        names.add(grant["name"])
        end = parse_end(grant["expires"], owner)
        if end > now + longest:
            raise RampartError(
                f"The {owner} would last until {rfc3339(end)}; the longest allowed is {longest} from now.",
                next_step="choose an earlier end and renew it when it is still needed",
            )
        if end > now:
            holding.append({**grant, "expires": rfc3339(end)})
    return holding


def expired(objects: Iterable[Mapping[str, Any]], *, now: datetime) -> list[dict[str, str]]:
    """Return the objects that are live after their end, or whose end cannot be read."""
    found = []
    for item in objects:
        metadata = item["metadata"]
        end = (metadata.get("annotations") or {}).get(EXPIRES)
        if end is None:
            continue
        where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        name = f"{item['kind']} {where}{metadata['name']}"
        try:
            moment = parse_end(end, name)
        except RampartError as error:
            found.append({"object": name, "expires": str(end), "reason": error.message})
            continue
        if moment <= now:
            found.append({"object": name, "expires": str(end), "reason": "it ended and is still live"})
    return found
