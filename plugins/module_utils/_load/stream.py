# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes what a node lacks as one stream: an OCI layout that leaves out what is there already.

containerd takes every file of it for a blob, wherever it lies, and looks into its own store for what
the index leads to. The index comes last: a stream that ends before it makes no image.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import END_OF_ARCHIVE
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Need
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import INDEX_TYPE, NAMED_IN_FULL
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import OCI_INDEX, OCI_MARKER


class Sent:
    """Counts what goes by."""

    def __init__(self) -> None:
        self.bytes = 0

    def counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.bytes += len(piece)
            yield piece


def member(name: str, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield one file of an archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    yield info.tobuf(format=tarfile.GNU_FORMAT)
    yield from pieces
    yield b"\0" * (-size % tarfile.BLOCKSIZE)


def partial_layout(all_needs: Sequence[Need]) -> Iterator[bytes]:
    """Yield an OCI layout; a blob that is not what it should be raises before anything is named."""
    for one in all_needs:
        for blob, pieces in one.view.image.content(one.parts):
            yield from member(blob.file, blob.size, pieces)
    yield from document(OCI_MARKER, {"imageLayoutVersion": "1.0.0"})
    yield from document(OCI_INDEX, index_of(all_needs))
    yield END_OF_ARCHIVE


def document(name: str, content: Any) -> Iterator[bytes]:
    """Yield one document of an archive."""
    raw = json.dumps(content, sort_keys=True).encode()
    yield from member(name, len(raw), (raw,))


def index_of(all_needs: Sequence[Need]) -> dict[str, Any]:
    """Name every image as containerd takes names; one that has only lost content is named again."""
    return {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [
            {**one.view.image.target.data(), "annotations": {NAMED_IN_FULL: name}}
            for one in all_needs
            for name in one.names or one.view.names
        ],
    }
