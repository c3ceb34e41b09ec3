# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The objects of a rendered manifest, and what the pods among them need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._helm.config_hash import loader
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery

# Where the pod of each kind that makes pods lies.
TEMPLATES = {
    ("", "Pod"): (),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}

# What makes an object a hook, when Helm removes it, and what holds where a hook says nothing of that.
HOOK, DELETED = "helm.sh/hook", "helm.sh/hook-delete-policy"
BEFORE = "before-hook-creation"

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def parse(manifest: str, what: str) -> list[dict[str, Any]]:
    """Return the objects of a manifest; lists of objects are taken apart."""
    found: list[dict[str, Any]] = []
    try:
        for document in yaml.load_all(manifest, Loader=loader()):
            if document is None:
                continue
            if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
                raise _refuse(what, "it holds something that is no object")
            found += document["items"] if document["kind"] == "List" else [document]
    except yaml.YAMLError as error:
        # The parser's own text would quote the manifest.
        raise _refuse(what, "it is not valid YAML") from error
    for item in found:
        if not isinstance((item.get("metadata") or {}).get("name"), str):
            raise _refuse(what, f"a {item['kind']} in it has no name")
    return found


def _refuse(what: str, why: str) -> RampartError:
    return RampartError(
        f"The manifest of {what} cannot be read: {why}.",
        next_step="correct the chart; helm template shows what it renders to",
    )


def locate(objects: list[dict[str, Any]], discovery: Discovery, namespace: str) -> list[dict[str, Any]]:
    """Give namespaced objects the namespace that Helm puts them into."""
    discovery.load(item["apiVersion"] for item in objects)
    for item in objects:
        resource = discovery.find(item["apiVersion"], item["kind"])
        if resource and resource.namespaced:
            item["metadata"].setdefault("namespace", namespace)
    return objects


def is_replaced(item: Mapping[str, Any]) -> bool:
    """Say whether an object is a hook that Helm deletes before it makes it."""
    annotations = item["metadata"].get("annotations") or {}
    return HOOK in annotations and BEFORE in annotations.get(DELETED, BEFORE)


def group_kind(item: Mapping[str, Any]) -> tuple[str, str]:
    return str(item.get("apiVersion", "")).rpartition("/")[0], str(item.get("kind", ""))


def template(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the pod that an object makes (metadata and spec), or None when it makes none."""
    path = TEMPLATES.get(group_kind(item))
    if path is None:
        return None
    found: Any = item
    for key in path:
        found = found.get(key) or {}
    return dict(found)


def containers(pod_spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every container of a pod, in the order in which they start."""
    for section in CONTAINERS:
        yield from pod_spec.get(section) or []


def images(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the images that the objects run, each once."""
    found: dict[str, None] = {}
    for item in objects:
        made = template(item) or {}
        for container in containers(made.get("spec") or {}):
            if container.get("image"):
                found[str(container["image"])] = None
    return list(found)


def references(pod_spec: Mapping[str, Any], *, optional: bool = False) -> set[tuple[str, str]]:
    """Return the objects that a pod cannot start without, by kind and name; or those that it may have too."""
    found: set[tuple[str, str]] = set()

    def need(kind: str, source: Mapping[str, Any] | None, key: str = "name") -> None:
        if source and source.get(key) and (optional or not source.get("optional")):
            found.add((kind, str(source[key])))

    need("ServiceAccount", pod_spec, "serviceAccountName")
    for secret in pod_spec.get("imagePullSecrets") or []:
        need("Secret", secret)
    for volume in pod_spec.get("volumes") or []:
        need("Secret", volume.get("secret"), "secretName")
        need("ConfigMap", volume.get("configMap"))
        need("PersistentVolumeClaim", volume.get("persistentVolumeClaim"), "claimName")
        for source in (volume.get("projected") or {}).get("sources") or []:
            need("Secret", source.get("secret"))
            need("ConfigMap", source.get("configMap"))
    for container in containers(pod_spec):
        for source in container.get("envFrom") or []:
            need("Secret", source.get("secretRef"))
            need("ConfigMap", source.get("configMapRef"))
        for variable in container.get("env") or []:
            origin = variable.get("valueFrom") or {}
            need("Secret", origin.get("secretKeyRef"))
            need("ConfigMap", origin.get("configMapKeyRef"))
    return found
