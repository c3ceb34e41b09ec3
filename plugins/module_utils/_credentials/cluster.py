# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a cluster shows to many: ConfigMaps, the environment of workloads, and releases of Helm."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._credentials.finding import Channel
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Text
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import TYPE as RELEASE
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import decode
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import (
    KINDS,
    Kind,
    Workload,
    responsible,
)

CONFIG_MAP = Kind("ConfigMap", "v1", "configmaps", ())


def _name(kind: str, item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata") or {}
    return f"{kind} {metadata.get('namespace', '')}/{metadata.get('name', '')}"


def config_map_texts(items: Iterable[Mapping[str, Any]]) -> Iterator[Text]:
    """Return every value of ConfigMaps, and annotations: some tools keep whole manifests there."""
    for item in items:
        for key, value in (item.get("data") or {}).items():
            yield Text(f"{_name('ConfigMap', item)} {key}", f"{key}={value}")
        for key, value in (item.get("binaryData") or {}).items():
            raw = base64.b64decode(value)
            yield Text(f"{_name('ConfigMap', item)} {key}", raw.decode("utf-8", errors="replace"))
        yield from annotation_texts("ConfigMap", item)


def annotation_texts(kind: str, item: Mapping[str, Any]) -> Iterator[Text]:
    for key, value in ((item.get("metadata") or {}).get("annotations") or {}).items():
        yield Text(f"{_name(kind, item)} annotation {key}", f"{key}={value}")


def workload_texts(workload: Workload) -> Iterator[Text]:
    """Return what pods are told in plain text."""
    kind, item = workload.kind.kind, workload.item
    yield from annotation_texts(kind, item)
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in workload.pod_spec.get(group) or []:
            where = f"{_name(kind, item)} container {container.get('name', '')}"
            for variable in container.get("env") or []:
                if variable.get("value"):
                    text = f"{variable['name']}={variable['value']}"
                    yield Text(f"{where} env {variable['name']}", text)
            words = [*(container.get("command") or []), *(container.get("args") or [])]
            if words:
                yield Text(f"{where} command", " ".join(map(str, words)))


def release_texts(secret: Mapping[str, Any]) -> Iterator[Text]:
    """Return the values, notes and manifest that Helm keeps of a release."""
    name = _name("Secret", secret)
    release = decode(secret)
    for path, value in leaves(release.get("config") or {}, "values"):
        yield Text(f"{name} {path}", f"{path.rpartition('.')[2]}: {value}")
    for part in ("manifest", "notes"):
        content = release.get(part) or (release.get("info") or {}).get(part)
        if content:
            yield Text(f"{name} {part}", str(content))
    for hook in release.get("hooks") or []:
        yield Text(f"{name} hook {hook.get('name', '')}", str(hook.get("manifest") or ""))


def leaves(data: Any, path: str) -> Iterator[tuple[str, str]]:
    """Return every value with its path."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from leaves(value, f"{path}.{number}")
    elif data is not None:
        yield path, str(data)


def read(client: Client, wanted: Sequence[str]) -> list[tuple[Channel, Text]]:
    """Read some namespaces, or all; of Secrets only those that Helm keeps releases in."""
    names = list(wanted) or [
        item["metadata"]["name"] for item in client.list_all("/api/v1/namespaces", target="namespaces")[0]
    ]
    found: list[tuple[Channel, Text]] = []
    for kinds in live.read(client, names, (*KINDS, CONFIG_MAP)).values():
        found += [(Channel.CONFIG_MAPS, text) for text in config_map_texts(kinds[CONFIG_MAP.kind])]
        for workload in responsible(kinds):
            found += [(Channel.WORKLOADS, text) for text in workload_texts(workload)]
    for secrets in client.map(lambda name: _releases(client, name), names):
        found += [(Channel.RELEASES, text) for secret in secrets for text in release_texts(secret)]
    return found


def _releases(client: Client, namespace: str) -> list[dict[str, Any]]:
    return client.list_all(
        f"/api/v1/namespaces/{namespace}/secrets",
        query={"fieldSelector": f"type={RELEASE}"},
        target=f"releases of Helm in {namespace}",
    )[0]
