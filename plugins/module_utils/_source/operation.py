# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges repositories: their commits, and what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._source import pinning
from ansible_collections.rampart.k8s.plugins.module_utils._source.git import Git, Signers
from ansible_collections.rampart.k8s.plugins.module_utils._source.rules import Rules, judge

GATE = "source_verify"


class SourceVerify:
    """All repositories of one task."""

    def __init__(self, parameters: Mapping[str, Any], *, check_mode: bool) -> None:
        self._parameters = parameters
        self._check_mode = check_mode
        self._rules = Rules.of(parameters)
        self._signers = Signers(tuple(parameters["ssh_signers"]), tuple(parameters["gpg_keys"]))

    def plan(self) -> Plan:
        """Judge; nothing is changed."""
        if self._rules.signed and not (self._signers.ssh or self._signers.gpg):
            raise RampartError(
                "Signed commits are demanded, and nobody is named whose signature counts.",
                next_step="give ssh_signers or gpg_keys",
            )
        pinned = self._parameters["pinned"]
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy={
                **self._rules.data(),
                "pinned": sorted(pinned),
                "ignored": sorted(self._parameters["ignored_lists"]),
                "hashes": self._parameters["python_hashes"],
                "given": sorted(self._parameters["builder_arguments"]),
                "signers": digest([*self._signers.ssh, *self._signers.gpg]),
            },
            tools={},
            next_step="have the commits that are named made again by the rules, and pin what is named",
        )
        judged = [self._judge(entry) for entry in self._parameters["repositories"]]
        return gate.conclude(
            [outcome for outcome, _data in judged], repositories=[data for _outcome, data in judged]
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _judge(self, entry: Mapping[str, Any]) -> tuple[Outcome, dict[str, Any]]:
        path = entry["path"]
        git = Git(
            self._parameters["git"],
            self._parameters["gpg"],
            Path(path),
            timeout=self._parameters["timeout"],
        )
        tip = git.resolve(entry["ref"])
        since = git.resolve(entry["since"]) if entry["since"] else ""
        violations = []
        commits = []
        if since and not git.is_ancestor(since, tip):
            violations.append(f"{entry['ref']} does not contain {since[:12]}: its history was rewritten")
        elif not since and git.shallow():
            violations.append("the clone is shallow, so its history cannot be judged")
        else:
            commits = git.commits(since, tip, self._signers)
            violations += judge(commits, self._rules)
        lists = self._lists(git, tip)
        violations += [sentence for found in lists.values() for sentence in found]
        outcome = Outcome(
            Subject("repository", f"{Path(path).name}@{tip[:12]}", digest({"commit": tip})),
            violations,
            summary={
                "commit": tip,
                "commits": len(commits),
                "lists": len(lists),
                "violations": len(violations),
            },
        )
        return outcome, {
            "path": path,
            "commit": tip,
            "commits": len(commits),
            "dependency_lists": sorted(lists),
        }

    def _lists(self, git: Git, tip: str) -> dict[str, list[str]]:
        wanted = set(self._parameters["pinned"])
        if not wanted:
            return {}
        names = frozenset(git.files(tip))
        return {
            name: list(
                pinning.violations(
                    name,
                    names,
                    lambda path: git.content(tip, path),
                    hashes=self._parameters["python_hashes"],
                    given=frozenset(self._parameters["builder_arguments"]),
                )
            )
            for name in sorted(names)
            if pinning.kind_of(name) in wanted and not self._ignored(name)
        }

    def _ignored(self, name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in self._parameters["ignored_lists"])
