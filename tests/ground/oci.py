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

from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob, measure, stream_layer
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    canonical,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry, Recipe, layout

EPOCH = 0
CREATED = "1970-01-01T00:00:00Z"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True)
class Layer:
    """The files of one layer and the words of its history."""

    entries: tuple[Entry, ...]
    made_by: str


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


def _put(blobs: Path, content: bytes) -> Blob:
    blob = measure(iter((content,)))
    (blobs / blob.digest.removeprefix("sha256:")).write_bytes(content)
    return blob


def _put_layer(blobs: Path, name: str, entries: Sequence[Entry]) -> Blob:
    recipe = Recipe(name, "1", tuple(entries), (), (), "", {}, {})
    temporary = blobs / "layer"
    with temporary.open("wb") as stream:
        stream.writelines(stream_layer(layout(recipe), EPOCH))
    with temporary.open("rb") as stream:
        blob = measure(iter(lambda: stream.read(1024 * 1024), b""))
    temporary.rename(blobs / blob.digest.removeprefix("sha256:"))
    return blob


def write(plan: Plan, folder: Path) -> Written:
    """Write an image below a folder; the same plan gives the same digest everywhere."""
    target = folder / "layout"
    blobs = target / "blobs/sha256"
    blobs.mkdir(parents=True)
    layers = [_put_layer(blobs, plan.name, layer.entries) for layer in plan.layers]
    config = canonical(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": plan.settings,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [
                *({"created": CREATED, "created_by": layer.made_by} for layer in plan.layers),
                *(
                    {"created": CREATED, "created_by": line, "empty_layer": True}
                    for line in plan.settings_made_by
                ),
            ],
        }
    )
    config_blob = _put(blobs, config)
    manifest = _put(
        blobs,
        canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": {"mediaType": CONFIG_TYPE, "digest": config_blob.digest, "size": config_blob.size},
                "layers": [
                    {"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size} for layer in layers
                ],
            }
        ),
    )
    (target / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
    (target / "index.json").write_bytes(
        canonical(
            {
                "schemaVersion": 2,
                "mediaType": INDEX_TYPE,
                "manifests": [
                    {
                        "mediaType": MANIFEST_TYPE,
                        "digest": manifest.digest,
                        "size": manifest.size,
                        "annotations": {"org.opencontainers.image.ref.name": plan.reference},
                    }
                ],
            }
        )
    )
    archive = folder / "image.tar"
    _write_archive(plan, archive, blobs, config_blob, layers)
    return Written(plan.name, plan.reference, target, archive, manifest.digest, config_blob.digest)


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
