# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A packaged chart as an OCI artifact, as Helm itself keeps charts in registries.

So the same keys sign it that sign images, the same policy verifies it, and it can be pushed to any registry.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import METADATA
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import replace_folder
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    NAMED,
    Descriptor,
    digest_of,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, parse

CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
CONTENT_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Artifact:
    """All parts of a packaged chart."""

    name: str
    version: str
    package: bytes
    config: bytes
    manifest: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @classmethod
    def of(cls, metadata: Mapping[str, Any], tar: bytes, package: bytes) -> Artifact:
        """Describe a package. Readers of images find the digest of what is in it where they look for it."""
        config = canonical({**metadata, "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]}})
        manifest = canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _described(config, CONFIG_TYPE),
                "layers": [_described(package, CONTENT_TYPE)],
                "annotations": {
                    "org.opencontainers.image.title": metadata["name"],
                    "org.opencontainers.image.version": metadata["version"],
                },
            }
        )
        return cls(metadata["name"], metadata["version"], package, config, manifest)

    def write(self, folder: Path) -> None:
        """Put a layout with this chart in the place of what is there; what was signed of another is gone."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder.parent))
        try:
            blobs = new / "blobs" / "sha256"
            blobs.mkdir(parents=True)
            for blob in (self.package, self.config, self.manifest):
                (blobs / digest_of(blob).partition(":")[2]).write_bytes(blob)
            (new / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
            # Tags know no plus; Helm writes it like this too.
            tag = self.version.replace("+", "_")
            entry = {**_described(self.manifest, MANIFEST_TYPE), "annotations": {NAMED: tag}}
            index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
            (new / "index.json").write_bytes(canonical(index))
            new.chmod(0o755)
            replace_folder(new, folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise


def _described(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def present(folder: Path) -> str:
    """Return the digest of the chart in a layout, checked to the last byte; empty where none is."""
    try:
        layout = Layout(folder)
        descriptor = layout.resolve(parse(f"oci:{folder}"))
        layout.check(descriptor)
    except RampartError:
        return ""
    return descriptor.digest


@dataclass(frozen=True, slots=True)
class Package:
    """A chart that Helm can be given: a file or a folder, and the digest by which gates know it."""

    path: Path
    # Empty for a chart that is no artifact.
    digest: str = ""


def resolve(chart: str) -> Package:
    """Find a chart by its path, or by oci:/FOLDER: then it is a layer, checked to the last byte."""
    if not chart.startswith(f"{Place.LAYOUT}:"):
        return Package(Path(chart))
    reference = parse(chart)
    layout = Layout(reference.path)
    descriptor = layout.resolve(reference)
    layout.check(descriptor)
    layers = layout.document(descriptor).get("layers") or []
    found = [Descriptor.read(layer) for layer in layers if layer.get("mediaType") == CONTENT_TYPE]
    if len(found) != 1 or found[0] is None:
        raise RampartError(
            f"{chart} holds no chart of Helm.",
            next_step=f"package it first (rampart.k8s.helm_package); a chart has a {METADATA}",
            chart=chart,
        )
    return Package(layout.path(found[0].digest), descriptor.digest)
