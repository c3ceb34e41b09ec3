# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Semantic versions (semver 2.0.0), and how they are written where a plus sign is not allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import total_ordering

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

_NUMBER = r"0|[1-9]\d*"
_PRERELEASE = rf"(?:{_NUMBER}|\d*[A-Za-z-][0-9A-Za-z-]*)"
_METADATA = r"[0-9A-Za-z-]+"
VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_PRERELEASE}(?:\.{_PRERELEASE})*))?(?:\+({_METADATA}(?:\.{_METADATA})*))?",
    re.ASCII,
)
IDENTIFIER = re.compile(_METADATA, re.ASCII)

# The plus sign as Helm writes it in tags; no version has an underscore, so it can be read back.
PLUS = "_"
LONGEST_TAG = 128
LONGEST_LABEL = 63


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version. Build metadata tells versions apart and does not order them."""

    numbers: tuple[int, int, int]
    prerelease: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        found = VERSION.fullmatch(text)
        if found is None:
            raise RampartError(
                f"{text!r} is not a semantic version.",
                next_step="write it like 1.4.2, 1.5.0-rc.1 or 1.4.2+build.7, without a v",
            )
        major, minor, patch, prerelease, metadata = found.groups()
        return cls(
            (int(major), int(minor), int(patch)),
            tuple(prerelease.split(".")) if prerelease else (),
            tuple(metadata.split(".")) if metadata else (),
        )

    def __str__(self) -> str:
        text = ".".join(map(str, self.numbers))
        if self.prerelease:
            text += f"-{'.'.join(self.prerelease)}"
        if self.metadata:
            text += f"+{'.'.join(self.metadata)}"
        return text

    def _order(self) -> tuple[object, ...]:
        # A version without a prerelease comes after all of its prereleases; numbers before words.
        parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.prerelease]
        return (self.numbers, not self.prerelease, parts)

    def __lt__(self, other: Version) -> bool:
        return self._order() < other._order()

    def after(self, commits: int) -> Version:
        """Return what comes so many commits later and is not released yet."""
        if self.prerelease:
            return Version(self.numbers, (*self.prerelease, "dev", str(commits)))
        major, minor, patch = self.numbers
        return Version((major, minor, patch + 1), ("dev", str(commits)))

    def built(self, metadata: Iterable[str]) -> Version:
        """Add build metadata."""
        added = tuple(metadata)
        wrong = [part for part in added if not IDENTIFIER.fullmatch(part)]
        if wrong:
            raise RampartError(
                f"{wrong[0]!r} cannot be build metadata.", next_step="use letters, digits and hyphens"
            )
        return replace(self, metadata=(*self.metadata, *added))

    def tag(self) -> str:
        """Write it as the tag of an image."""
        text = str(self).replace("+", PLUS)
        if len(text) > LONGEST_TAG:
            raise RampartError(
                f"The version {self} is too long for a tag ({len(text)} characters).",
                next_step=f"use less build metadata; a tag has at most {LONGEST_TAG} characters",
            )
        return text

    def label(self) -> str:
        """Write it as the value of a label, cut where Kubernetes would refuse it."""
        return self.tag()[:LONGEST_LABEL].rstrip("-_.")


def newest(tags: Sequence[str], prefix: str) -> tuple[str, Version] | None:
    """Return the tag with the highest version; tags that are no versions are other things."""
    found = [
        (Version.parse(rest), tag)
        for tag in tags
        if tag.startswith(prefix) and VERSION.fullmatch(rest := tag.removeprefix(prefix))
    ]
    if not found:
        return None
    version, tag = max(found, key=lambda pair: pair[0])
    return tag, version
