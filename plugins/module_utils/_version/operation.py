# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Says which version a clone is: from its tags, its commits, and what in it is not committed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._source.git import Git
from ansible_collections.rampart.k8s.plugins.module_utils._version.semver import Version, newest

COMMIT_DIGITS, CONTENT_DIGITS = 12, 8


@dataclass(frozen=True, slots=True)
class Sources:
    """What git says."""

    commit: str
    epoch: int
    # The tag with the highest version that HEAD contains, and how many commits ago it was.
    tagged: tuple[str, Version] | None
    commits: int
    # Names what is not committed; empty when everything is.
    uncommitted: str


def decide(sources: Sources, initial: Version, metadata: Sequence[str], inputs: Sequence[str]) -> Version:
    """Return the version.

    Only a clean clone at a tag is that release; it gets nothing added but what was asked for. Everything else
    is on the way to the next one, and its metadata names the commit, what is not committed, and what else
    goes in, so that other content has another version.
    """
    released = sources.tagged is not None and sources.commits == 0 and not sources.uncommitted
    if released and sources.tagged is not None:
        return sources.tagged[1].built(metadata)
    before = sources.tagged[1].after(sources.commits) if sources.tagged else _first(initial, sources.commits)
    own = [f"g{sources.commit[:COMMIT_DIGITS]}"]
    if sources.uncommitted:
        own += ["dirty", sources.uncommitted[:CONTENT_DIGITS]]
    if inputs:
        own.append(f"i{hashlib.sha256(' '.join(sorted(inputs)).encode()).hexdigest()[:CONTENT_DIGITS]}")
    return before.built([*own, *metadata])


def _first(initial: Version, commits: int) -> Version:
    return Version(initial.numbers, (*initial.prerelease, "dev", str(commits)))


def observe(git: Git, prefix: str | None) -> Sources:
    """Ask git; without a prefix not for tags."""
    commit = git.resolve("HEAD")
    tagged = None if prefix is None else newest(git.tags(commit), prefix)
    if tagged is None and prefix is not None and git.shallow():
        raise RampartError(
            "The clone is shallow and holds no tag of a version, so nothing says which version this is.",
            next_step="fetch it with its history and tags, or give the version",
        )
    _last, epoch = git.last_change(())
    return Sources(
        commit,
        epoch,
        tagged,
        git.count(tagged[0] if tagged else "", commit),
        git.uncommitted(),
    )


@dataclass(slots=True)
class ReleaseVersion:
    """The version of one clone."""

    git: Git | None
    given: str
    prefix: str
    initial: str
    metadata: Sequence[str]
    inputs: Sequence[str]

    def plan(self) -> Plan:
        """Find it out; nothing is changed."""
        # Whoever gives a version asks no tag: the clone may hold none.
        sources = observe(self.git, None if self.given else self.prefix) if self.git else None
        if self.given:
            version, reason = Version.parse(self.given).built(self.metadata), "it was given"
        elif sources is None:
            raise RampartError("Nothing says which version this is.", next_step="give repository, or version")
        else:
            version = decide(sources, Version.parse(self.initial), self.metadata, self.inputs)
            reason = _reason(sources)
        return Plan(False, f"{version}: {reason}", result=_result(version, sources))

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan


def _reason(sources: Sources) -> str:
    if sources.tagged is None:
        return f"no tag is a version, {sources.commits} commits"
    tag = sources.tagged[0]
    if sources.commits == 0:
        return f"{tag}, with changes that are not committed" if sources.uncommitted else f"tagged {tag}"
    return f"{sources.commits} commits after {tag}"


def _result(version: Version, sources: Sources | None) -> dict[str, Any]:
    return {
        "version": str(version),
        "tag": version.tag(),
        "chart_version": str(version),
        "label": version.label(),
        "released": not version.prerelease and (sources is None or not sources.uncommitted),
        "commit": sources.commit if sources else "",
        "epoch": sources.epoch if sources else 0,
        "clean": sources is None or not sources.uncommitted,
    }
