# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an image of several layers as an OCI layout, and as an archive like those of `docker save`."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._images import layout_writer
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import Content, Layer
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import canonical
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import ordered

EPOCH = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """An image as it should be."""

    name: str
    layers: tuple[Layer, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    # Builders write these lines into the history, and there dockle looks for secrets.
    settings_made_by: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        return f"ground/{self.name}:1"


@dataclass(frozen=True, slots=True)
class Written:
    """Where an image is."""

    name: str
    reference: str
    layout: Path
    archive: Path
    digest: str
    config_digest: str

    def as_data(self) -> dict[str, str]:
        return {
            "name": self.name,
            "reference": self.reference,
            "layout": str(self.layout),
            "archive": str(self.archive),
            "digest": self.digest,
            "config_digest": self.config_digest,
        }


def write(plan: Plan, folder: Path) -> Written:
    """Write an image below a folder; the same plan gives the same digest everywhere."""
    target = folder / "layout"
    content = Content(
        [Layer(ordered(plan.reference, layer.entries), layer.made_by) for layer in plan.layers],
        "amd64",
        plan.settings,
        plan.settings_made_by,
        EPOCH,
    )
    written = layout_writer.write(content, target, {"org.opencontainers.image.ref.name": plan.reference})
    archive = folder / "image.tar"
    _write_archive(plan, archive, target / "blobs/sha256", written.config, written.layers)
    return Written(plan.name, plan.reference, target, archive, written.manifest.digest, written.config.digest)


def _write_archive(plan: Plan, archive: Path, blobs: Path, config: Blob, layers: Sequence[Blob]) -> None:
    names = [layer.digest.removeprefix("sha256:") for layer in layers]
    config_name = config.digest.removeprefix("sha256:")
    listing = canonical(
        [
            {
                "Config": f"{config_name}.json",
                "RepoTags": [plan.reference],
                "Layers": [f"{name}/layer.tar" for name in names],
            }
        ]
    )
    (blobs.parent / "manifest.json").write_bytes(listing)
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for member, file in (
            ("manifest.json", blobs.parent / "manifest.json"),
            (f"{config_name}.json", blobs / config_name),
            *((f"{name}/layer.tar", blobs / name) for name in names),
        ):
            info = tarfile.TarInfo(member)
            info.size, info.mtime = file.stat().st_size, EPOCH
            with file.open("rb") as stream:
                tar.addfile(info, stream)
    (blobs.parent / "manifest.json").unlink()
