# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Loads into the storage of CRI-O by podman, which minikube's own nodes with CRI-O have for it.

The storage finds a layer again by the digest of its unpacked bytes, so one that is there need not be
in what is loaded. It finds an image by the digest of its manifest as well as by its name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need, View
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import Machine, ask
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import free_below, platform_of
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent, partial_layout


class Crio:
    """The storage that CRI-O and podman share, on this machine or in a node."""

    def __init__(
        self, machine: Machine, *, podman: Sequence[str] = ("podman",), timeout: float = 600.0
    ) -> None:
        self._machine = machine
        self._podman = tuple(podman)
        self._timeout = timeout

    @property
    def name(self) -> str:
        return self._machine.name

    def view(self, image: NodeImage) -> View:
        parts = {layer.blob.digest: layer.blob.size for layer in image.packed.layers if layer.blob}
        return View(image, (image.name,), image.target.digest, parts)

    def holding(self) -> Holding:
        root = self._root()
        machine, listed, layers, containers = ask(
            self._machine,
            ("uname", "-m"),
            (*self._podman, "image", "list", "--no-trunc", "--format=json"),
            ("sh", "-c", f"cat '{root}'/*-layers/layers.json 2>/dev/null || echo '[]'"),
            (*self._podman, "container", "list", "--external", "--format={{.Image}}"),
        )
        return Holding(
            names=read_names(_parsed(listed, self.name)),
            parts=frozenset(read_layers(_parsed(layers, self.name))),
            platform=platform_of(machine.strip()),
            used=frozenset(containers.split()),
        )

    def free(self) -> int:
        return free_below(self._machine, self._root())

    def receive(self, all_needs: Sequence[Need], sent: Sent) -> None:
        for one in all_needs:
            # It takes one image at a time, and small documents are never left out.
            documents = tuple(descriptor.digest for descriptor, _raw in one.view.image.documents)
            whole = replace(one, names=(one.name,), parts=(*one.parts, *documents))
            pieces = sent.counted(partial_layout([whole]))
            self._machine.run(*self._podman, "load", "--quiet", pieces=pieces, timeout=self._timeout)

    def _root(self) -> str:
        return self._machine.run(*self._podman, "info", "--format={{.Store.GraphRoot}}").stdout.strip()


def read_names(images: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the manifest's digest by each name."""
    return {name: str(image.get("Digest")) for image in images for name in image.get("Names") or []}


def read_layers(layers: Sequence[dict[str, Any]]) -> list[str]:
    """Return the digests by which the storage finds a layer again: unpacked, and as it came."""
    keys = ("diff-digest", "compressed-diff-digest")
    return [str(layer[key]) for layer in layers for key in keys if layer.get(key)]


def _parsed(answer: str, node: str) -> Any:
    try:
        return json.loads(answer or "[]")
    except ValueError as error:
        raise RampartError(
            f"podman of {node} gives an answer that is not whole JSON ({error}).",
            next_step="run podman image list --format=json there and look at what it prints",
        ) from error
