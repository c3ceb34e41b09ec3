# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the advisories as a database of trivy's schema 2, a bbolt file with JSON leaves."""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.ground.advisories import SEVERITIES, Advisory

# The buckets that trivy looks into, by the prefix of the ecosystem.
PREFIXES = {"python": "pip", "npm": "npm", "go": "go"}
GITHUB_NAMES = {"pip": "Pip", "npm": "npm", "go": "Go"}
# types.Status of trivy's database.
STATUSES = {"affected": 2, "no-dsa": 2, "ignored": 5, "postponed": 6}

Tree = dict[str, Any]


def _leaf(value: Any) -> Tree:
    return {"": value}


def _row(advisory: Advisory) -> Tree:
    if advisory.ecosystem == "deb":
        fixed = advisory.ranges[0].fixed
        return _leaf({"FixedVersion": fixed} if fixed else {"Status": STATUSES[advisory.status]})
    return _leaf(
        {
            "VendorIDs": [advisory.ghsa],
            "VulnerableVersions": [versions.constraint(", ") for versions in advisory.ranges],
            "PatchedVersions": [versions.fixed for versions in advisory.ranges if versions.fixed],
        }
    )


def _severities(advisory: Advisory) -> dict[str, int]:
    words = {"ghsa": advisory.severities.get("ghsa", ""), "nvd": advisory.as_nvd_shows}
    return {source: SEVERITIES.index(word) + 1 for source, word in words.items() if word}


def tree(advisories: Sequence[Advisory]) -> Tree:
    """Return the buckets and leaves of the database."""
    whole: Tree = {"data-source": {}, "vulnerability": {}}
    for advisory in advisories:
        if advisory.ecosystem == "deb":
            bucket = f"debian {advisory.release}"
            source = {"ID": "debian", "Name": "Debian Security Tracker",
                      "URL": "https://salsa.debian.org/security-tracker-team/security-tracker"}  # fmt: skip
        else:
            prefix = PREFIXES[advisory.ecosystem]
            name = f"GitHub Security Advisory {GITHUB_NAMES[prefix]}"
            bucket = f"{prefix}::{name}"
            source = {"ID": "ghsa", "Name": name, "URL": "https://github.com/advisories"}
        whole["data-source"][bucket] = _leaf(source)
        whole.setdefault(bucket, {}).setdefault(advisory.package, {})[advisory.id] = _row(advisory)
        whole["vulnerability"][advisory.id] = _leaf(
            {"VendorSeverity": _severities(advisory), "References": list(advisory.links)}
        )
    return whole


def write(
    folder: Path, advisories: Sequence[Advisory], built: datetime.datetime, *, bolt: Path, days: int = 7
) -> None:
    """Write the folder that trivy calls ``db``: the database, and what it says of its age."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "trivy.db"
    file.unlink(missing_ok=True)
    content = json.dumps(tree(advisories), sort_keys=True).encode()
    subprocess.run([str(bolt), str(file)], input=content, check=True)
    moments = {"UpdatedAt": built, "NextUpdate": built + datetime.timedelta(days=days), "DownloadedAt": built}
    (folder / "metadata.json").write_text(
        json.dumps(
            {"Version": 2, **{name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in moments.items()}}
        )
    )
