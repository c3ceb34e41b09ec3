# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images with labels, judged by the real scanners: what each found, and what all together found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ground.databases import Databases, build_databases, tool
from tests.ground.images import build_images
from tests.ground.oci import Written
from tests.ground.packages import SOURCES, shared_folder
from tests.support.modules import call

SCANNERS = ("trivy", "grype", "dockle", "hadolint")

# The type of a package URL, by the word of the labels.
TYPES = {"deb": "deb", "python": "pypi", "npm": "npm", "go": "golang"}

Pair = tuple[str, str, str]


def labels() -> dict[str, frozenset[Pair]]:
    """Return what is truly there: image to vulnerability, kind and name of a package."""
    content = yaml.safe_load((SOURCES / "labels.yml").read_text())
    return {
        image: frozenset(
            (vulnerability, TYPES[kind], name.lower())
            for kind, rows in (kinds or {}).items()
            for vulnerability, names in rows.items()
            for name in names
        )
        for image, kinds in content.items()
    }


def ground() -> tuple[dict[str, Written], dict[str, Databases]]:
    """Build the images and the databases, or find them built."""
    return build_images(shared_folder()), build_databases(shared_folder())


def arguments(
    folder: Path, images: Iterable[Mapping[str, Any]], pair: Databases, **more: Any
) -> dict[str, Any]:
    """Return the arguments of image_scan for real scanners and a folder of its own."""
    return {
        "images": list(images),
        "programs": {name: tool(name) for name in SCANNERS},
        "trivy_database": str(pair.trivy_cache),
        "grype_database": str(pair.grype_cache),
        "cache_dir": str(folder / "cache"),
        "state_dir": str(folder / "state"),
        **more,
    }


def judge(folder: Path, images: Iterable[Mapping[str, Any]], pair: Databases, **more: Any) -> dict[str, Any]:
    """Run the module with the real scanners."""
    return call("image_scan", arguments(folder, images, pair, **more))


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one image, by scanner and by all together."""

    true: frozenset[Pair]
    by: Mapping[str, frozenset[Pair]]


def pairs(findings: Iterable[Mapping[str, Any]], scanner: str = "") -> frozenset[Pair]:
    """Return the vulnerabilities of packages that a report lists, of one scanner or of all."""
    found = set()
    for row in findings:
        if row["kind"] != "vulnerability" or (scanner and scanner not in row["scanners"]):
            continue
        kind, _slash, rest = row["target"].removeprefix("pkg:").partition("/")
        name = rest.rpartition("@")[0]
        found.add((row["name"], kind, name.rpartition("/")[2] if kind == "deb" else name))
    return frozenset(found)
