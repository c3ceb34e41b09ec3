# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Gives every pod template a hash of the ConfigMaps that it reads, so that their change rolls the pods.

Helm runs this file as its post-renderer, with nothing of this collection around it: manifests in, manifests
out, and the hash becomes a part of what Helm keeps, compares and rolls back. Documents that need none pass
as they are. Secrets do not count: a hash of a weak secret could be guessed, and who rotates them rolls what
uses them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from typing import Any

ANNOTATION = "rampart.k8s/config-hash"
BOUNDARY = re.compile(r"^---[ \t]*(?:#.*)?$", re.MULTILINE)
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


def loader() -> Any:
    """Return a loader that reads plain scalars as Helm's own does: no dates, and 1e3 is a number."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type("GoLike", (base,), {})
    made.yaml_implicit_resolvers = {
        start: [(tag, shape) for tag, shape in resolvers if not tag.endswith(":timestamp")]
        for start, resolvers in base.yaml_implicit_resolvers.items()
    }
    number = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$")
    made.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    return made


def read(document: str) -> Any:
    """Parse one document."""
    made = loader()(document)
    try:
        return made.get_single_data()
    finally:
        made.dispose()


def config_maps(pod: Mapping[str, Any]) -> set[str]:
    """Return the names of the ConfigMaps that a pod reads."""
    spec = pod.get("spec") or {}
    sources = [volume.get("configMap") for volume in spec.get("volumes") or []]
    for volume in spec.get("volumes") or []:
        sources += [part.get("configMap") for part in (volume.get("projected") or {}).get("sources") or []]
    for section in ("initContainers", "containers"):
        for container in spec.get(section) or []:
            sources += [part.get("configMapRef") for part in container.get("envFrom") or []]
            variables = container.get("env") or []
            sources += [(each.get("valueFrom") or {}).get("configMapKeyRef") for each in variables]
    return {str(source["name"]) for source in sources if source and source.get("name")}


def _template(item: Any) -> dict[str, Any] | None:
    path = TEMPLATES.get(item.get("kind", "")) if isinstance(item, dict) else None
    if path is None:
        return None
    found: Any = item
    for key in path:
        found = found.get(key) or {}
    return found if isinstance(found, dict) and found else None


def add(manifests: str) -> str:
    """Return the manifests with a hash on each pod template that reads ConfigMaps of theirs."""
    parts = BOUNDARY.split(manifests)
    items = [read(part) for part in parts]
    known = {
        item["metadata"]["name"]: [item.get("data") or {}, item.get("binaryData") or {}]
        for item in items
        if isinstance(item, dict) and item.get("kind") == "ConfigMap"
    }
    for position, item in enumerate(items):
        pod = _template(item)
        used = {name: known[name] for name in config_maps(pod or {}) if name in known}
        if pod is None or not used:
            continue
        # Twice: a key such as on is no text before it has been JSON once.
        content = json.dumps(json.loads(json.dumps(used)), sort_keys=True, separators=(",", ":")).encode()
        metadata = pod["metadata"] = pod.get("metadata") or {}
        metadata["annotations"] = {
            **(metadata.get("annotations") or {}),
            ANNOTATION: hashlib.sha256(content).hexdigest(),
        }
        # JSON is YAML in which no text can be taken for a number.
        parts[position] = f"\n{json.dumps(item)}\n"
    return "---".join(parts)


if __name__ == "__main__":
    sys.stdout.write(add(sys.stdin.read()))
