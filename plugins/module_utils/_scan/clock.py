# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""When a vulnerability was first seen in a line of images, and when its repair is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan import aliases

TIME = "%Y-%m-%dT%H:%M:%SZ"

# A vulnerability that was gone and comes back keeps its first day, or alternating two images of a
# line would stop the clock. It is forgotten when nobody has seen it for so long.
FORGOTTEN = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One vulnerability of a line of images."""

    names: frozenset[str]
    first: datetime
    # By the day: what is seen twice a day is not written twice.
    last: date


@dataclass(frozen=True, slots=True)
class Clock:
    """All sightings of one line of images."""

    sightings: tuple[Sighting, ...] = ()

    def first_seen(self, names: frozenset[str]) -> datetime | None:
        """Return when it was first seen under any of its names."""
        return min((one.first for one in self.sightings if one.names & names), default=None)

    def seen(self, found: list[frozenset[str]], now: datetime) -> Clock:
        """Return the clock after a scan. Names that were learnt since do not start it anew."""
        kept = [one for one in self.sightings if now.date() - one.last < FORGOTTEN]
        for names in found:
            same = [one for one in kept if one.names & names]
            kept = [one for one in kept if not one.names & names]
            whole = Sighting(names.union(*(one.names for one in same)), now, now.date())
            kept.append(replace(whole, first=min([now, *(one.first for one in same)])))
        return Clock(tuple(sorted(kept, key=lambda one: aliases.rank(aliases.shown(one.names)))))

    def as_data(self) -> list[dict[str, Any]]:
        return [
            {"names": sorted(one.names), "first": one.first.strftime(TIME), "last": one.last.isoformat()}
            for one in self.sightings
        ]


def of(data: list[Mapping[str, Any]]) -> Clock:
    """Read a clock back; raises KeyError, TypeError or ValueError where it is none."""
    return Clock(
        tuple(
            Sighting(frozenset(one["names"]), moment(one["first"]), date.fromisoformat(one["last"]))
            for one in data
        )
    )


def moment(text: str) -> datetime:
    """Read a time as it is written here."""
    return datetime.strptime(text, TIME).replace(tzinfo=UTC)
