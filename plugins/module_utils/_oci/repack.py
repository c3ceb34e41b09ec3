# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes an image as one plain archive for every scanner, and proves each layer while it goes by."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import IO

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import END_OF_ARCHIVE
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import DOCKER_LISTING
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layers import Limits, Meter, unpacked
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import Layer, PackedImage


def repack(image: PackedImage, target: Path, limits: Limits | None = None) -> int:
    """Write the archive to a new file and return the size of the unpacked layers.

    Raises RampartError when a layer is not the one that the configuration names, and for whatever
    no image should hold. A scanner is only ever shown the file that this wrote.
    """
    meter = Meter(image.members.place, limits or Limits())
    names = []
    try:
        with target.open("xb") as stream:
            target.chmod(0o600)
            for layer in image.layers:
                name = f"{layer.diff_id.partition(':')[2]}/layer.tar"
                if name not in names:
                    _layer(image, layer, name, stream, meter)
                names.append(name)
            config = f"{image.id.partition(':')[2]}.json"
            _member(stream, config, image.config)
            listing = [{"Config": config, "RepoTags": None, "Layers": names}]
            _member(stream, DOCKER_LISTING, json.dumps(listing).encode())
            stream.write(END_OF_ARCHIVE)
    except OSError as error:
        raise RampartError(
            f"Could not write {target}: {error.strerror}.",
            next_step="free space in the cache folder, or choose another one",
        ) from error
    return meter.total


def _info(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(format=tarfile.GNU_FORMAT)


def _member(stream: IO[bytes], name: str, content: bytes) -> None:
    stream.write(_info(name, len(content)) + content + b"\0" * (-len(content) % tarfile.BLOCKSIZE))


def _layer(image: PackedImage, layer: Layer, name: str, stream: IO[bytes], meter: Meter) -> None:
    start, size = stream.tell(), 0
    # Its size is known at its end; the header is written then.
    stream.write(b"\0" * tarfile.BLOCKSIZE)
    for piece in unpacked(image.members, layer, meter):
        size += len(piece)
        stream.write(piece)
    stream.write(b"\0" * (-size % tarfile.BLOCKSIZE))
    end = stream.tell()
    stream.seek(start)
    stream.write(_info(name, size))
    stream.seek(end)
