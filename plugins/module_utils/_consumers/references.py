# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where a pod refers to Secrets. Pure: every way in which a pod's specification can name one.

The ways follow the Kubernetes API (core/v1, PodSpec): environment variables, volumes and their drivers,
projected volumes, and what images are pulled with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Spec = Mapping[str, Any]

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")

# Volume drivers that are given credentials by a reference to a Secret: the driver and its field.
DRIVERS = (
    ("azureFile", "secretName"),
    ("cephfs", "secretRef"),
    ("cinder", "secretRef"),
    ("csi", "nodePublishSecretRef"),
    ("flexVolume", "secretRef"),
    ("iscsi", "secretRef"),
    ("rbd", "secretRef"),
    ("scaleIO", "secretRef"),
    ("storageos", "secretRef"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One place inside a container where a key of a Secret can be read."""

    container: str
    # An absolute path, or the name of an environment variable.
    where: str
    key: str
    is_file: bool
    # Whether the kubelet writes it anew while the container runs.
    refreshes: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference of a pod to a Secret."""

    secret: str
    way: str
    container: str = ""
    # Whether the pod runs without it.
    optional: bool = False
    # Where the reference itself stands in the pod's specification, as a JSON pointer.
    pointer: str = ""


def references(spec: Spec) -> list[Reference]:
    """Return every reference of a pod's specification."""
    found = list(_pull_secrets(spec))
    for number, volume in enumerate(spec.get("volumes") or []):
        found += _volume(volume, f"/volumes/{number}", _subpaths(spec, str(volume.get("name"))))
    for group in CONTAINERS:
        for number, container in enumerate(spec.get(group) or []):
            found += _environment(container, f"/{group}/{number}")
    return found


def _pull_secrets(spec: Spec) -> Iterator[Reference]:
    for number, entry in enumerate(spec.get("imagePullSecrets") or []):
        if entry.get("name"):
            yield Reference(entry["name"], "imagePullSecrets", pointer=f"/imagePullSecrets/{number}/name")


def _environment(container: Spec, pointer: str) -> Iterator[Reference]:
    name = str(container.get("name"))
    for number, entry in enumerate(container.get("env") or []):
        chosen = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
        if chosen.get("name"):
            place = f"{pointer}/env/{number}/valueFrom/secretKeyRef/name"
            yield Reference(chosen["name"], "env", name, bool(chosen.get("optional")), place)
    for number, entry in enumerate(container.get("envFrom") or []):
        chosen = entry.get("secretRef") or {}
        if chosen.get("name"):
            place = f"{pointer}/envFrom/{number}/secretRef/name"
            yield Reference(chosen["name"], "envFrom", name, bool(chosen.get("optional")), place)


def _subpaths(spec: Spec, volume: str) -> bool:
    """Say whether a container mounts only a part of a volume, which the kubelet never writes anew."""
    return any(
        mount.get("name") == volume and (mount.get("subPath") or mount.get("subPathExpr"))
        for group in CONTAINERS
        for container in spec.get(group) or []
        for mount in container.get("volumeMounts") or []
    )


def _volume(volume: Spec, pointer: str, subpath: bool) -> Iterator[Reference]:
    source = volume.get("secret") or {}
    if source.get("secretName"):
        way = "subPath" if subpath else "volume"
        yield Reference(
            source["secretName"], way, "", bool(source.get("optional")), f"{pointer}/secret/secretName"
        )
    for number, entry in enumerate((volume.get("projected") or {}).get("sources") or []):
        chosen = entry.get("secret") or {}
        if chosen.get("name"):
            place = f"{pointer}/projected/sources/{number}/secret/name"
            way = "subPath" if subpath else "projected"
            yield Reference(chosen["name"], way, "", bool(chosen.get("optional")), place)
    for driver, field in DRIVERS:
        chosen = (volume.get(driver) or {}).get(field)
        if isinstance(chosen, str) and chosen:
            yield Reference(chosen, driver, pointer=f"{pointer}/{driver}/{field}")
        elif isinstance(chosen, Mapping) and chosen.get("name"):
            yield Reference(chosen["name"], driver, pointer=f"{pointer}/{driver}/{field}/name")


def secrets(found: Iterable[Reference]) -> set[str]:
    """Return the names that are referred to."""
    return {one.secret for one in found}


def places(spec: Spec, secret: str, keys: Iterable[str], *, running: frozenset[str]) -> list[Place]:
    """Return where the keys of a Secret can be read inside the containers that run."""
    listed = tuple(keys)
    found: list[Place] = []
    for group in CONTAINERS:
        for container in spec.get(group) or []:
            if container.get("name") in running:
                found += _env_places(container, secret, listed)
                found += _file_places(spec, container, secret, listed)
    return found


def _env_places(container: Spec, secret: str, keys: tuple[str, ...]) -> Iterator[Place]:
    name = str(container["name"])
    for entry in container.get("envFrom") or []:
        if (entry.get("secretRef") or {}).get("name") == secret:
            prefix = entry.get("prefix") or ""
            named = {variable.get("name") for variable in container.get("env") or []}
            for key in keys:
                # A variable that is given by itself hides the one from the whole Secret.
                if prefix + key not in named:
                    yield Place(name, prefix + key, key, False, False)
    for entry in container.get("env") or []:
        chosen = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
        if chosen.get("name") == secret and chosen.get("key") in keys:
            yield Place(name, str(entry["name"]), str(chosen["key"]), False, False)


def _file_places(spec: Spec, container: Spec, secret: str, keys: tuple[str, ...]) -> Iterator[Place]:
    volumes = {str(volume.get("name")): volume for volume in spec.get("volumes") or []}
    for mount in container.get("volumeMounts") or []:
        volume = volumes.get(str(mount.get("name"))) or {}
        for key, path in _paths(volume, secret, keys):
            where = _mounted(mount, path)
            if where:
                refreshes = not (mount.get("subPath") or mount.get("subPathExpr"))
                yield Place(str(container["name"]), where, key, True, refreshes)


def _paths(volume: Spec, secret: str, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each key with its path below the volume."""
    plain = volume.get("secret") or {}
    sources = [plain] if plain.get("secretName") == secret else []
    for entry in (volume.get("projected") or {}).get("sources") or []:
        chosen = entry.get("secret") or {}
        if chosen.get("name") == secret:
            sources.append(chosen)
    for source in sources:
        items = source.get("items")
        if items:
            yield from ((item["key"], item["path"]) for item in items if item["key"] in keys)
        else:
            yield from ((key, key) for key in keys)


def _mounted(mount: Spec, path: str) -> str:
    """Return where a path of a volume is seen in the container; nowhere with another subPath."""
    top = str(mount["mountPath"]).rstrip("/")
    part = str(mount.get("subPath") or "").strip("/")
    if mount.get("subPathExpr"):
        # It depends on the environment of the pod; what cannot be told is not looked at.
        return ""
    if not part:
        return f"{top}/{path}"
    if path == part:
        return top
    return f"{top}/{path.removeprefix(part + '/')}" if path.startswith(part + "/") else ""
