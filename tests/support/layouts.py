# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI layouts for tests: real images of a few files, made without any tool."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def tar(files: Mapping[str, bytes], *, mtime: int = 0) -> bytes:
    """Return an archive of files, those below bin programs; one whose name ends with a slash is a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.mode = 0o755 if name.endswith("/") or name.startswith("bin/") else 0o644
            info.size, info.mtime = len(content), mtime
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def put(folder: Path, content: bytes, media_type: str) -> dict[str, Any]:
    """Store a blob and return what describes it."""
    digest = hashlib.sha256(content).hexdigest()
    target = folder / "blobs" / "sha256" / digest
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def layout(
    folder: Path,
    layers: Sequence[Mapping[str, bytes]],
    *,
    config: Mapping[str, Any] | None = None,
    history: Sequence[Mapping[str, Any]] = (),
    compress: bool = False,
    tag: str = "1",
    created: str = "1970-01-01T00:00:00Z",
    mtime: int = 0,
    architecture: str = "amd64",
) -> str:
    """Make a layout with one image and return the image's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    tars = [tar(files, mtime=mtime) for files in layers]
    kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if compress else "")
    described = [put(folder, gzip.compress(one, mtime=0) if compress else one, kind) for one in tars]
    image_config = {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": dict(config or {}),
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in tars],
        },
        "history": [dict(each) for each in history],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put(folder, json.dumps(image_config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": described,
    }
    entry = put(folder, json.dumps(manifest).encode(), MANIFEST)
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return str(entry["digest"])


if __name__ == "__main__":
    # For scenarios: FOLDER, and NAME=CONTENT for each file.
    named = dict(argument.split("=", 1) for argument in sys.argv[2:])
    print(layout(Path(sys.argv[1]), [{name: content.encode() for name, content in named.items()}]))
