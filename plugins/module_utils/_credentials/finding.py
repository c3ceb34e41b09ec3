# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A credential that was found: where it is, and never what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import MASK, fingerprint


class Channel(StrEnum):
    """The ways by which a credential gets out."""

    HISTORY = "git_history"
    MESSAGES = "git_messages"
    TREE = "git_tree"
    FILES = "files"
    LAYERS = "image_layers"
    CONFIG = "image_config"
    MANIFESTS = "manifests"
    CONFIG_MAPS = "config_maps"
    WORKLOADS = "workloads"
    RELEASES = "helm_releases"


@dataclass(frozen=True, slots=True)
class Found:
    """One place of one credential."""

    channel: Channel
    # What was looked into: a repository, an image, a folder, a cluster.
    subject: str
    rule: str
    file: str
    line: int
    # Keyed, so that a weak credential cannot be guessed from it.
    fingerprint: str
    commit: str = ""
    # How many more commits show it.
    more: int = 0
    baseline: str = ""

    def __str__(self) -> str:
        commit = f" in commit {self.commit[:12]}" if self.commit else ""
        return f"{self.rule} in {self.file}:{self.line}{commit} ({self.fingerprint})"

    def data(self) -> dict[str, Any]:
        return {
            "channel": self.channel.value,
            "subject": self.subject,
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "commit": self.commit,
            "more_commits": self.more,
            "fingerprint": self.fingerprint,
            "baseline": self.baseline,
        }


def of_report(entry: Mapping[str, Any], channel: Channel, subject: str, key: bytes) -> Found:
    """Take from an entry of gitleaks' report what may be told; the credential ends here."""
    try:
        secret, file = str(entry["Secret"]), str(entry["File"])
        rule, line = str(entry["RuleID"]), int(entry["StartLine"])
        commit = str(entry.get("Commit") or "")
    except (KeyError, TypeError, ValueError) as error:
        raise RampartError(
            f"gitleaks reports a finding in {subject} in a form that is not known ({type(error).__name__}).",
            next_step="use the version of gitleaks that the role rampart.k8s.tools installs",
        ) from error
    # A file can be named after the credential in it.
    shown = file.replace(secret, MASK) if secret else file
    return Found(channel, subject, rule, shown, line, fingerprint(key, secret.encode()), commit)


def distinct(found: Iterable[Found]) -> list[Found]:
    """Tell each credential in each file once, at the place that was met first."""
    first: dict[tuple[str, ...], Found] = {}
    for each in found:
        name = (each.channel.value, each.subject, each.rule, each.file, each.fingerprint)
        known = first.get(name)
        if known is None:
            first[name] = each
        elif each.commit and each.commit != known.commit:
            first[name] = replace(known, more=known.more + 1)
    return sorted(
        first.values(), key=lambda each: (each.channel, each.subject, each.file, each.line, each.rule)
    )
