# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small images in every packing, whole ones and ones that nobody should read."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def layer(files: Mapping[str, bytes]) -> bytes:
    """Return an unpacked layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def config(layers: list[bytes], **settings: Any) -> bytes:
    """Return a configuration."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(one)}" for one in layers]},
    }
    return json.dumps(document).encode()


def tar(members: list[tuple[str, bytes]]) -> bytes:
    """Return an archive of plain files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def docker_members(layers: list[bytes], *, tag: str = "app:1", **settings: Any) -> list[tuple[str, bytes]]:
    """Return what `docker save` puts into its archive."""
    about = config(layers, **settings)
    names = [f"{sha256(one)}/layer.tar" for one in layers]
    listing = [{"Config": f"{sha256(about)}.json", "RepoTags": [tag], "Layers": names}]
    return [
        ("manifest.json", json.dumps(listing).encode()),
        (f"{sha256(about)}.json", about),
        *zip(names, layers, strict=True),
    ]


def docker_archive(path: Path, layers: list[bytes], **settings: Any) -> str:
    """Write an archive as docker does and return the digest of the image."""
    members = docker_members(layers, **settings)
    path.write_bytes(tar(members))
    return f"sha256:{sha256(members[1][1])}"


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def oci_files(
    layers: list[bytes],
    *,
    name: str = "1",
    compress: Callable[[bytes], bytes] = gzipped,
    **settings: Any,
) -> dict[str, bytes]:
    """Return the files of an OCI layout."""
    about = config(layers, **settings)
    packed = [compress(one) for one in layers]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"mediaType": CONFIG, "digest": f"sha256:{sha256(about)}", "size": len(about)},
            "layers": [
                {"mediaType": LAYER, "digest": f"sha256:{sha256(one)}", "size": len(one)} for one in packed
            ],
        }
    ).encode()
    index = {
        "schemaVersion": 2,
        "manifests": [
            {
                "digest": f"sha256:{sha256(manifest)}",
                "size": len(manifest),
                "annotations": {"org.opencontainers.image.ref.name": name},
            },
            {
                "digest": f"sha256:{'0' * 64}",
                "size": 1,
                "platform": {"os": "unknown", "architecture": "unknown"},
            },
        ],
    }
    blobs = [about, manifest, *packed]
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(index).encode(),
        **{f"blobs/sha256/{sha256(one)}": one for one in blobs},
    }


def oci_layout(folder: Path, layers: list[bytes], **settings: Any) -> str:
    """Write an OCI layout and return the digest of the image."""
    for name, content in oci_files(layers, **settings).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for option in ("name", "compress"):
        settings.pop(option, None)
    return f"sha256:{sha256(config(layers, **settings))}"
