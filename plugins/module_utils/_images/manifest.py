# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Describes an image in the words of the OCI image specification 1.1, byte for byte the same each time."""

from __future__ import annotations

import datetime
import json
import platform
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob, measure
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Recipe

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Image:
    """A whole image but for the bytes of its layer."""

    recipe: Recipe
    layer: Blob
    config: bytes
    manifest: bytes

    @property
    def config_blob(self) -> Blob:
        return measure(iter((self.config,)))

    @property
    def digest(self) -> str:
        return measure(iter((self.manifest,))).digest

    @property
    def size(self) -> int:
        return self.layer.size + len(self.config) + len(self.manifest)


def canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def architecture(machine: str = "") -> str:
    """Return this machine's architecture in Go's words."""
    found = machine or platform.machine()
    if found not in ARCHITECTURES:
        raise RampartError(
            f"Images for the architecture {found} are not supported.",
            next_step=f"use a machine with one of {', '.join(ARCHITECTURES)}",
        )
    return ARCHITECTURES[found]


def timestamp(epoch: int) -> str:
    """Write a time as images do."""
    return datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(recipe: Recipe, layer: Blob, *, epoch: int, go_architecture: str) -> Image:
    """Compose the configuration and the manifest."""
    created = timestamp(epoch)
    settings: dict[str, Any] = {"User": recipe.user, "WorkingDir": "/"}
    if recipe.environment:
        settings["Env"] = [f"{name}={value}" for name, value in sorted(recipe.environment.items())]
    if recipe.entrypoint:
        settings["Entrypoint"] = list(recipe.entrypoint)
    if recipe.command:
        settings["Cmd"] = list(recipe.command)
    if recipe.labels:
        settings["Labels"] = dict(recipe.labels)
    config = canonical(
        {
            "architecture": go_architecture,
            "os": "linux",
            "created": created,
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
            "history": [{"created": created, "created_by": "rampart.k8s.image_assemble"}],
        }
    )
    config_blob = measure(iter((config,)))
    manifest = canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": config_blob.digest, "size": config_blob.size},
            "layers": [{"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size}],
        }
    )
    return Image(recipe, layer, config, manifest)
