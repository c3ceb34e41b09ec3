# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes and recognises archives as `docker save` makes them, which docker, containerd and minikube load."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import END_OF_ARCHIVE
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import Image, canonical

INDEX = "manifest.json"


def _names(image: Image) -> tuple[str, str]:
    config = image.config_blob.digest.partition(":")[2]
    layer = image.layer.digest.partition(":")[2]
    return f"{config}.json", f"{layer}/layer.tar"


def index(image: Image) -> list[dict[str, Any]]:
    config, layer = _names(image)
    return [{"Config": config, "RepoTags": [image.recipe.reference], "Layers": [layer]}]


def _member(name: str, size: int, epoch: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, epoch
    yield info.tobuf(format=tarfile.PAX_FORMAT)
    yield from pieces
    yield b"\0" * (-size % tarfile.BLOCKSIZE)


def stream(image: Image, layer: Iterable[bytes], epoch: int) -> Iterator[bytes]:
    """Yield the archive piece by piece."""
    config_name, layer_name = _names(image)
    listing = canonical(index(image))
    # The index first: readers that stream need not go through the layer to find it.
    yield from _member(INDEX, len(listing), epoch, (listing,))
    yield from _member(config_name, len(image.config), epoch, (image.config,))
    yield from _member(layer_name, image.layer.size, epoch, layer)
    yield END_OF_ARCHIVE


def reason(path: Path, image: Image) -> str:
    """Say why an archive must be written; empty when it holds this image."""
    try:
        with tarfile.open(path, "r:") as archive:
            member = archive.getmember(INDEX)
            listing = archive.extractfile(member)
            content = json.loads(listing.read()) if listing else None
            sizes = {entry.name: entry.size for entry in archive.getmembers()}
    except FileNotFoundError:
        return "its archive does not exist"
    except (tarfile.TarError, KeyError, ValueError, EOFError):
        return "its archive cannot be read"
    except OSError as error:
        raise RampartError(
            f"Could not read {path}: {error.strerror}.",
            next_step="correct the path or its permissions",
            path=str(path),
        ) from error
    config, layer = _names(image)
    if content != index(image):
        return "its archive holds another image"
    if sizes.get(config) != len(image.config) or sizes.get(layer) != image.layer.size:
        return "its archive is not whole"
    return ""
