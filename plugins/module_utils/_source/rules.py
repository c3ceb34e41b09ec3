# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Rules for the commits of a branch: who signed them, in which shape, and who else has looked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What git says of a signature, in words. G alone is good.
SIGNATURES = {
    "N": "is not signed",
    "B": "has a bad signature",
    "U": "is signed by a key that is not allowed",
    "X": "is signed, and the signature has expired",
    "Y": "is signed by a key that had expired",
    "R": "is signed by a key that is revoked",
    "E": "is signed by a key that nobody here knows",
}
GOOD = "G"

ADDRESS = re.compile(r"<([^<>\s]+)>")
SHORT = 12


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as git describes it."""

    id: str
    parents: tuple[str, ...]
    author: str
    committer: str
    signature: str
    signer: str
    subject: str
    # The values of the trailers that name who has looked at it.
    reviews: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"commit {self.id[:SHORT]} ({self.subject[:60]})"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a branch demands of each commit."""

    signed: bool = True
    linear: bool = True
    approvals: int = 0
    # Who may approve; empty: everybody but who wrote or committed it.
    reviewers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Rules:
        return cls(
            data["signed_commits"],
            data["linear_history"],
            data["approvals"],
            frozenset(each.casefold() for each in data["reviewers"]),
        )

    def data(self) -> dict[str, Any]:
        return {
            "signed": self.signed,
            "linear": self.linear,
            "approvals": self.approvals,
            "reviewers": sorted(self.reviewers),
        }


def approvers(commit: Commit, rules: Rules) -> set[str]:
    """Return who has approved a commit, without those who made it."""
    made = {commit.author.casefold(), commit.committer.casefold()}
    found = set()
    for review in commit.reviews:
        address = ADDRESS.search(review)
        name = (address[1] if address else review.strip()).casefold()
        if name and name not in made and (not rules.reviewers or name in rules.reviewers):
            found.add(name)
    return found


def judge(commits: Sequence[Commit], rules: Rules) -> list[str]:
    """Say what breaks the rules, oldest commit first."""
    violations = []
    for commit in commits:
        if rules.signed and commit.signature != GOOD:
            said = SIGNATURES.get(commit.signature, "has a signature that git does not judge")
            violations.append(f"{commit} {said}{f' ({commit.signer})' if commit.signer else ''}")
        if rules.linear and len(commit.parents) > 1:
            violations.append(f"{commit} merges {len(commit.parents)} lines, and the history must be linear")
        given = len(approvers(commit, rules))
        if given < rules.approvals:
            violations.append(f"{commit} has {given} of {rules.approvals} approvals")
    return violations
