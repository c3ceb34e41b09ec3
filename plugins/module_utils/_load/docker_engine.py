# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Loads into a Docker Engine by its own client: the runtime of a minikube with docker.

Docker knows an image by the digest of its configuration and each layer by the chain of layers below
it. A layer that it has need not be in what it loads. It keeps no digest that a registry would know,
so a pod that names one cannot start from a loaded image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import END_OF_ARCHIVE
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need, View
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import Machine, ask
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import free_below, platform_of
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent, document, member
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import DOCKER_LISTING
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import in_full

# How an engine that keeps its images in containerd's store describes its storage.
OTHER_STORE = "io.containerd.snapshotter.v1"


class DockerEngine:
    """One Docker Engine, on this machine or in a node."""

    def __init__(
        self, machine: Machine, *, docker: Sequence[str] = ("docker",), timeout: float = 600.0
    ) -> None:
        self._machine = machine
        self._docker = tuple(docker)
        self._timeout = timeout

    @property
    def name(self) -> str:
        return self._machine.name

    def view(self, image: NodeImage) -> View:
        layers = [layer for layer in image.packed.layers if layer.blob]
        chains = chain([layer.diff_id for layer in layers])
        sizes = [layer.blob.size for layer in layers if layer.blob]
        parts = dict(zip(chains, sizes, strict=True))
        return View(image, (image.name,), image.packed.id, parts, by_digest=False)

    def holding(self) -> Holding:
        inspect = "--format={{.Repository}}:{{.Tag}} {{.ID}}"
        machine, driver, listed, containers = ask(
            self._machine,
            ("uname", "-m"),
            (*self._docker, "info", "--format={{json .DriverStatus}}"),
            (*self._docker, "image", "list", "--no-trunc", inspect),
            (*self._docker, "container", "list", "--no-trunc", "--format={{.Image}}"),
        )
        if OTHER_STORE in driver:
            raise RampartError(
                f"The Docker Engine of {self.name} keeps its images in containerd's store, so it cannot be "
                "asked for layers.",
                next_step="load into that containerd, namespace moby, or use the storage driver overlay2",
            )
        names = read_names(listed)
        return Holding(
            names=names,
            parts=frozenset(self._chains(sorted({*listed.split()[1::2]}))),
            platform=platform_of(machine.strip()),
            used=frozenset(in_full(name) for name in containers.split()),
        )

    def free(self) -> int:
        done = self._machine.run(*self._docker, "info", "--format={{.DockerRootDir}}")
        return free_below(self._machine, done.stdout.strip())

    def receive(self, all_needs: Sequence[Need], sent: Sent) -> None:
        pieces = sent.counted(partial_archive(all_needs))
        self._machine.run(*self._docker, "load", "--quiet", pieces=pieces, timeout=self._timeout)

    def _chains(self, ids: Sequence[str]) -> Iterator[str]:
        """Yield the chains of all layers that any image here consists of."""
        if not ids:
            return
        layers = "--format={{json .RootFS.Layers}}"
        for line in self._machine.run(*self._docker, "image", "inspect", layers, *ids).stdout.splitlines():
            yield from chain(json.loads(line) or [])


def chain(diff_ids: Sequence[str]) -> list[str]:
    """Name each layer by all that lie below it, as the image specification does."""
    found: list[str] = []
    for diff_id in diff_ids:
        above = hashlib.sha256(f"{found[-1]} {diff_id}".encode()).hexdigest() if found else ""
        found.append(f"sha256:{above}" if above else diff_id)
    return found


def read_names(listing: str) -> dict[str, str]:
    """Read the list of images; one that lost its name is called <none>."""
    rows = [line.split() for line in listing.splitlines()]
    return {in_full(row[0]): row[1] for row in rows if "<none>" not in row[0]}


def partial_archive(all_needs: Sequence[Need]) -> Iterator[bytes]:
    """Yield an archive as `docker save` writes it, without the layers that are there; its listing is last."""
    listing = []
    for one in all_needs:
        image = one.view.image
        layers = [layer for layer in image.packed.layers if layer.blob]
        chains = dict(zip(chain([layer.diff_id for layer in layers]), layers, strict=True))
        lacking = {chains[part].file for part in one.parts}
        for layer, blob, pieces in image.layers(lacking, lambda layer, _blob: layer.file):
            yield from member(_file(layer.diff_id), blob.size, pieces)
        config = f"{image.packed.id.partition(':')[2]}.json"
        yield from member(config, len(image.packed.config), (image.packed.config,))
        listing.append(
            {"Config": config, "RepoTags": [image.name], "Layers": [_file(layer.diff_id) for layer in layers]}
        )
    yield from document(DOCKER_LISTING, listing)
    yield END_OF_ARCHIVE


def _file(diff_id: str) -> str:
    return f"{diff_id.partition(':')[2]}/layer.tar"
