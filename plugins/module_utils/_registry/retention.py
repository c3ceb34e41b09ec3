# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides what a registry keeps; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._registry.usage import Use

# How clients keep what refers to an image where a registry has no list of it: a tag that is the digest.
ABOUT = re.compile(r"sha256-([0-9a-f]{64})(?:\.\w+)?")


@dataclass(frozen=True, slots=True)
class Stored:
    """One manifest with all tags that mean it."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    # When it was made, as its configuration says; empty when it says nothing.
    created: str = ""
    # What an index leads to; it goes with it.
    parts: tuple[str, ...] = ()

    @property
    def subjects(self) -> frozenset[str]:
        """The images that this is about; empty for an image itself."""
        found = (ABOUT.fullmatch(tag) for tag in self.tags)
        return frozenset(f"sha256:{match[1]}" for match in found if match)

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tags[0]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one manifest, and why."""

    stored: Stored
    kept: bool
    reason: str


def decide(stored: Sequence[Stored], uses: Iterable[Use], *, newest: int) -> list[Verdict]:
    """Keep the newest of each repository and whatever somebody needs, with what was signed about it."""
    needed: dict[tuple[str, str], str] = {}
    for use in uses:
        needed.setdefault((use.repository, use.reference), use.by)
    images = [one for one in stored if not one.subjects]
    verdicts = {one: _judge(one, images, needed, newest) for one in images}
    kept = {(one.repository, one.digest) for one, verdict in verdicts.items() if verdict.kept}
    for one in stored:
        if one.subjects:
            about = any((one.repository, subject) in kept for subject in one.subjects)
            reason = "what it is about is kept" if about else "what it is about is not kept"
            verdicts[one] = Verdict(one, about, reason)
    return sorted(verdicts.values(), key=lambda verdict: verdict.stored.name)


def _age(one: Stored) -> tuple[Any, ...]:
    """Order by time; images that are made the same everywhere have one time, and then versions tell.

    What does not say when it was made counts as the newest: nobody knows that it is old.
    """
    numbers = [[int(part) for part in re.findall(r"\d+", tag)] for tag in one.tags]
    return (one.created == "", one.created, max(numbers), one.digest)


def _judge(one: Stored, images: Sequence[Stored], needed: dict[tuple[str, str], str], newest: int) -> Verdict:
    names = [one.digest, *one.parts, *one.tags]
    by = next((needed[key] for name in names if (key := (one.repository, name)) in needed), "")
    if by:
        return Verdict(one, True, f"{by} needs it")
    beside = [other for other in images if other.repository == one.repository]
    place = sorted(beside, key=_age, reverse=True).index(one)
    if place < newest:
        return Verdict(one, True, f"it is among the {newest} newest")
    return Verdict(one, False, f"{place} newer ones are there, and nobody needs it")
