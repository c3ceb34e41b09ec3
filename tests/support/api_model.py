# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model of an API server with its controllers and kubelet, in memory: for random tests by the thousand.

It knows what a rotation uses of the real one, and refuses everything else. Deployments are rolled out at
once and whole, or fail; pods keep the content of their Secrets from their beginning.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import places, references
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import Executed

NAMESPACE = re.compile(r"/namespaces/([^/]+)/")

Object = dict[str, Any]


class Transport:
    """Has all the time of the world."""

    def extend(self, seconds: float) -> None:
        """Do nothing."""

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Do nothing."""
        yield


class ApiModel:
    """One API server. It stands in for a Client."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.transport = Transport()
        self.credentials = SimpleNamespace(context="model", namespace="default", verify=True)
        self.warnings: list[str] = []
        self.counts = {"requests": 0, "retries": 0}
        self.writes: list[str] = []
        # Pods by path: what they were given when they began.
        self.held: dict[str, dict[str, dict[str, bytes]]] = {}
        self.unhealthy: Callable[[str], bool] = lambda _name: False
        self.after_write: Callable[[], None] = lambda: None
        self._versions = itertools.count(1)
        self._pods = itertools.count(1)

    # What a client offers.

    def find(self, path: str, *, target: str = "") -> Object | None:
        """Read an object that may not be there."""
        found = self.objects.get(path)
        copied: Object = _copy(found)
        return copied

    def get(self, path: str, *, query: Any = None, target: str = "") -> Object:
        """Read an object."""
        found = self.find(path)
        if found is None:
            raise self._refuse(404, "NotFound", target or path)
        return found

    def list_all(self, path: str, *, query: Any = None, target: str = "") -> tuple[list[Object], str]:
        """Read all objects under a path, in the words of selectors that a rotation uses."""
        wanted = query or {}
        items = [item for where, item in self.objects.items() if where.rpartition("/")[0] == path]
        for text in filter(None, str(wanted.get("labelSelector") or "").split(",")):
            key, _equals, value = text.partition("=")
            items = [item for item in items if (item["metadata"].get("labels") or {}).get(key) == value]
        field, _equals, value = str(wanted.get("fieldSelector") or "").partition("=")
        if field == "type":
            items = [item for item in items if item.get("type") == value]
        return _copy(items), "1"

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Call one after the other, so that a run can be repeated exactly."""
        return [function(item) for item in items]

    def watch(self, _path: str, _query: Any, *, timeout: float) -> Iterator[Object]:
        """Nothing ever happens by itself."""
        raise AssertionError(f"a model does not move, and was watched for {timeout} s")

    def delete(
        self, path: str, *, uid: str | None = None, dry_run: bool = False, target: str = ""
    ) -> Object | None:
        """Delete an object."""
        found = self.objects.pop(path, None)
        self.writes.append(f"DELETE {path}")
        self.after_write()
        return found

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Any = None,
        body: Any = None,
        content_type: str = "application/json",
        target: str = "",
        verb: str = "",
    ) -> Object:
        """Do what the API server does with the requests of a rotation."""
        self.counts["requests"] += 1
        if path.endswith("selfsubjectaccessreviews"):
            return {"status": {"allowed": True}}
        body = _copy(body)
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                raise self._refuse(409, "AlreadyExists", path)
            made = body
        elif method in ("PATCH", "PUT"):
            made = self._changed(path, body, content_type, method)
        else:
            raise AssertionError(f"the model knows no {method} {path}")
        stored = self._store(path, made)
        self.writes.append(f"{method} {path}")
        self._follow_up(path, stored)
        self.after_write()
        copied: Object = _copy(stored)
        return copied

    # What the server and its controllers do.

    def _changed(self, path: str, body: Any, content_type: str, method: str) -> Object:
        if path not in self.objects:
            raise self._refuse(404, "NotFound", path)
        live: Object = _copy(self.objects[path])
        version = body.get("metadata", {}).get("resourceVersion") if isinstance(body, dict) else None
        if version and version != live["metadata"]["resourceVersion"]:
            raise self._refuse(409, "Conflict", path)
        if live.get("immutable") and isinstance(body, dict) and "data" in body:
            raise self._refuse(422, "Invalid", path)
        if method == "PUT":
            return dict(body)
        if content_type == "application/json-patch+json":
            for step in body:
                _patch(live, step)
            return live
        merged: Object = _merged(live, body)
        return merged

    def _store(self, path: str, made: Object) -> Object:
        before = self.objects.get(path)
        metadata = made.setdefault("metadata", {})
        found = NAMESPACE.search(path)
        if found:
            metadata.setdefault("namespace", found.group(1))
        old = (before or {}).get("metadata") or {}
        version = str(next(self._versions))
        metadata["resourceVersion"] = version
        metadata["uid"] = old.get("uid") or f"uid-{version}"
        metadata["creationTimestamp"] = old.get("creationTimestamp") or "2026-01-01T00:00:00Z"
        self.objects[path] = made
        return made

    def _follow_up(self, path: str, stored: Object) -> None:
        if "/deployments/" in path:
            self._roll(path, stored)

    def _roll(self, path: str, deployment: Object) -> None:
        """Do what the controller and the kubelet do: all new pods, or the old ones and a failure."""
        spec, name = deployment["spec"], deployment["metadata"]["name"]
        namespace = deployment["metadata"]["namespace"]
        replicas = spec.get("replicas", 1)
        mine = [where for where, item in self.objects.items() if self._is_of(item, name)]
        if not (spec["template"]["metadata"].get("annotations") or {}):
            # The server keeps no empty map, and a template without one is the one of before.
            spec["template"]["metadata"].pop("annotations", None)
        template = json.dumps(spec["template"], sort_keys=True)
        generation = deployment["metadata"].get("generation", 0) + 1
        deployment["metadata"]["generation"] = generation
        current = [where for where in mine if self.objects[where]["metadata"]["template"] == template]
        broken = self.unhealthy(name) and len(current) < replicas
        deployment["status"] = {
            "observedGeneration": generation,
            "updatedReplicas": 0 if broken else replicas,
            "replicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "late"}]
            if broken
            else [],
        }
        if broken or len(current) == replicas:
            return
        for where in mine:
            del self.objects[where]
            self.held.pop(where, None)
        for _number in range(replicas):
            self.start(namespace, name, spec["template"], template)

    def heal(self) -> None:
        """Let every workload be well again; its controller has been trying all the time."""
        self.unhealthy = lambda _name: False
        for path in [path for path in self.objects if "/deployments/" in path]:
            self._roll(path, self.objects[path])

    @staticmethod
    def _is_of(item: Object, name: str) -> bool:
        owners = item["metadata"].get("ownerReferences") or []
        return any(owner["kind"] == "Deployment" and owner["name"] == name for owner in owners)

    def start(self, namespace: str, owner: str, template: Mapping[str, Any], text: str) -> None:
        """Begin a pod: it gets what the Secrets hold now."""
        name = f"{owner}-{next(self._pods)}"
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        deployment = self.objects[f"/apis/apps/v1/namespaces/{namespace}/deployments/{owner}"]
        self._store(
            path,
            {
                "metadata": {
                    "name": name,
                    "annotations": dict((template.get("metadata") or {}).get("annotations") or {}),
                    "template": text,
                    "ownerReferences": [
                        {
                            "kind": "Deployment",
                            "name": owner,
                            "uid": deployment["metadata"]["uid"],
                            "controller": True,
                        }
                    ],
                },
                "spec": _copy(template["spec"]),
                "status": {
                    "phase": "Running",
                    "containerStatuses": [
                        {"name": container["name"], "state": {"running": {}}}
                        for container in template["spec"]["containers"]
                    ],
                },
            },
        )
        self.held[path] = {
            reference.secret: self.content(namespace, reference.secret)
            for reference in references(template["spec"])
        }

    def content(self, namespace: str, secret: str) -> dict[str, bytes]:
        """Return what a Secret holds."""
        found = self.objects[f"/api/v1/namespaces/{namespace}/secrets/{secret}"]
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    @staticmethod
    def _refuse(code: int, reason: str, target: str) -> status.ApiError:
        return status.error(
            "do", target, {"kind": "Status", "code": code, "reason": reason, "message": reason}
        )


class ShellModel:
    """Looks into the pods of a model."""

    def __init__(self, api: ApiModel) -> None:
        self._api = api

    def run(
        self,
        namespace: str,
        pod: str,
        _container: str,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
    ) -> Executed:
        """Hash what is at the places that are asked for."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        spec, held = self._api.objects[path]["spec"], self._api.held[path]
        names = frozenset(container["name"] for container in spec["containers"])
        found = {
            place.where: content[place.key]
            for secret, content in held.items()
            for place in places(spec, secret, content, running=names)
        }
        lines = []
        for place in argv[4:]:
            kind, _colon, where = place.partition(":")
            value = found.get(where, b"") + (b"" if kind == "file" else b"\n")
            lines.append(hashlib.sha256(stdin.strip() + value).hexdigest() + "  -")
        return Executed(0, "\n".join(lines).encode() + b"\n", b"")


def _copy(data: Any) -> Any:
    # A tenth of the time of copy.deepcopy, for what is JSON.
    return json.loads(json.dumps(data))


def _merged(live: Any, patch: Any) -> Any:
    """Merge as RFC 7386 says."""
    if not isinstance(patch, dict):
        return patch
    made = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merged(made.get(key), value)
    return made


def _patch(live: Any, step: Mapping[str, Any]) -> None:
    """Do one operation of RFC 6902."""
    *parts, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].strip("/").split("/")]
    for part in parts:
        live = live[int(part)] if isinstance(live, list) else live[part]
    key: Any = int(last) if isinstance(live, list) else last
    if step["op"] == "test":
        if live[key] != step["value"]:
            raise status.error(
                "change", step["path"], {"code": 422, "reason": "Invalid", "message": "test failed"}
            )
    elif step["op"] == "remove":
        del live[key]
    else:
        live[key] = step["value"]
