# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.config_versions does with its arguments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import ACCOUNT, INGRESS
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import TYPE as RELEASE_TYPE
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access, options
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Kind
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, names
from ansible_collections.rampart.k8s.plugins.module_utils._versions import needed

CONFIG_MAP = Kind("ConfigMap", "v1", "configmaps")
SECRET = Kind("Secret", "v1", "secrets")
REVISION = Kind("ControllerRevision", "apps/v1", "controllerrevisions")
ROLE = "config-version"
SUFFIX_LENGTH = 10
FIELD_MANAGER = "rampart"

SPEC = (
    ArgumentSpec(
        {
            "configs": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "namespace": {"type": "str", "required": True},
                    "name": {"type": "str", "required": True},
                    "data": {"type": "dict", "required": True},
                },
            },
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "prune": {"type": "bool", "default": True},
        }
    )
    | options.CONNECTION
)


def build(module: AnsibleModule, redactor: Redactor) -> ConfigVersions:
    """Take over the arguments."""
    return ConfigVersions(module, redactor)


@dataclass(slots=True)
class Version:
    """One content of one ConfigMap."""

    namespace: str
    name: str
    data: Mapping[str, str]
    exists: bool = False

    @property
    def object_name(self) -> str:
        """The name of the object: the same content has the same one everywhere."""
        text = json.dumps(dict(self.data), sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:SUFFIX_LENGTH]}"

    def body(self) -> dict[str, Any]:
        """The object."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.object_name,
                "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": "rampart", names.ROLE: ROLE},
                "annotations": {names.VERSION_OF: self.name},
            },
            "data": dict(self.data),
            "immutable": True,
        }


@dataclass(slots=True)
class Garbage:
    """An old version, and who keeps it."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    kept_by: list[str] = field(default_factory=list)

    def as_result(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind.kind,
            "namespace": self.namespace,
            "name": self.name,
            "kept_by": self.kept_by,
        }


class ConfigVersions:
    """Makes the versions that are wanted, and removes those that nobody needs."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params
        self._versions = [_version(entry) for entry in module.params["configs"]]
        self._garbage: list[Garbage] = []
        self._client: Client | None = None

    def plan(self) -> Plan:
        """Compare with what is there."""
        try:
            self._client = Client(Connection.of(self._parameters), self._redactor)
            self._look(self._client)
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            self._module.warn(f"There is no cluster to look at yet: {error.message}")
        made = [one for one in self._versions if not one.exists]
        pruned = [one for one in self._garbage if not one.kept_by]
        return Plan(
            bool(made or pruned),
            f"{len(made)} versions to make, {len(pruned)} to remove, "
            f"{len(self._garbage) - len(pruned)} old ones kept",
            before={f"{one.kind.kind} {one.namespace}/{one.name}": "present" for one in pruned},
            after={f"ConfigMap {one.namespace}/{one.object_name}": "present" for one in made},
            result={
                "configs": [
                    {
                        "namespace": one.namespace,
                        "name": one.name,
                        "object": one.object_name,
                        "action": "unchanged" if one.exists else "created",
                    }
                    for one in self._versions
                ],
                "pruned": [one.as_result() for one in pruned],
                "kept": [one.as_result() for one in self._garbage if one.kept_by],
                **(self._client.counts if self._client else {"requests": 0, "retries": 0}),
            },
        )

    def _look(self, client: Client) -> None:
        def find(one: Version) -> None:
            path = CONFIG_MAP.path(one.namespace, one.object_name)
            one.exists = client.find(path, target=f"ConfigMap {one.namespace}/{one.object_name}") is not None

        client.map(find, self._versions)
        if self._parameters["prune"]:
            spaces = {*self._parameters["namespaces"], *(one.namespace for one in self._versions)}
            for namespace in sorted(spaces):
                self._garbage += self._old(client, namespace)
        wanted = [
            *(
                Permission("create", "", "configmaps", one.namespace)
                for one in self._versions
                if not one.exists
            ),
            *(
                Permission("delete", "", one.kind.plural, one.namespace)
                for one in self._garbage
                if not one.kept_by
            ),
        ]
        access.require(client, wanted)

    def _old(self, client: Client, namespace: str) -> list[Garbage]:
        roles = ((CONFIG_MAP, ROLE), (SECRET, names.VERSION))
        listed = client.map(
            lambda one: client.list_all(
                one[0].path(namespace),
                query={"labelSelector": f"{names.ROLE}={one[1]}"},
                target=one[0].plural,
            )[0],
            roles,
        )
        current = {one.object_name for one in self._versions if one.namespace == namespace}
        now = classes.now()
        found = []
        for (kind, _role), items in zip(roles, listed, strict=True):
            newest = _newest(items)
            for item in items:
                name = item["metadata"]["name"]
                if name in current or name in newest or needed.is_young(item, now):
                    continue
                found.append(Garbage(kind, namespace, name, item["metadata"]["uid"]))
        if found:
            self._note_users(client, namespace, found)
        return found

    @staticmethod
    def _note_users(client: Client, namespace: str, found: Sequence[Garbage]) -> None:
        kinds = (*KINDS, ACCOUNT, INGRESS, REVISION)
        listed = client.map(
            lambda kind: client.list_all(kind.path(namespace), target=f"every {kind.kind}")[0], kinds
        )
        live = {kind.kind: items for kind, items in zip(kinds, listed, strict=True)}
        query = {"fieldSelector": f"type={RELEASE_TYPE}"}
        kept = client.list_all(SECRET.path(namespace), query=query, target=f"releases in {namespace}")[0]
        wanted = [one.name for one in found]
        by_live, by_release = needed.users(live, wanted), needed.releases(kept, wanted)
        for one in found:
            one.kept_by = by_live.get(one.name, []) + by_release.get(one.name, [])

    def apply(self, plan: Plan) -> Plan:
        """Make first, remove then."""
        if self._client is None:
            raise ValueError("the plan was made without a cluster")
        client = self._client

        def make(one: Version) -> None:
            failpoint("create config version")
            path = CONFIG_MAP.path(one.namespace, one.object_name)
            client.apply(
                path,
                one.body(),
                field_manager=FIELD_MANAGER,
                target=f"ConfigMap {one.namespace}/{one.object_name}",
            )

        def remove(one: Garbage) -> None:
            failpoint("remove version")
            target = f"{one.kind.kind} {one.namespace}/{one.name}"
            client.delete(one.kind.path(one.namespace, one.name), uid=one.uid, target=target)

        client.map(make, [one for one in self._versions if not one.exists])
        client.map(remove, [one for one in self._garbage if not one.kept_by])
        return plan


def _newest(items: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return of each versioned Secret the version that was made last: it is in use even before it is used."""
    found: dict[str, tuple[str, str]] = {}
    for item in items:
        said = item["metadata"].get("annotations") or {}
        if names.ROTATED_AT in said:
            place = (str(said[names.ROTATED_AT]), item["metadata"]["name"])
            of = str(said.get(names.VERSION_OF))
            found[of] = max(found.get(of, ("", "")), place)
    return {name for _when, name in found.values()}


def _version(entry: Mapping[str, Any]) -> Version:
    data = entry["data"]
    if not data or not all(isinstance(value, str) for value in data.values()):
        raise RampartError(
            f"The data of ConfigMap {entry['namespace']}/{entry['name']} is empty or no mapping to texts.",
            next_step="quote numbers and booleans",
        )
    return Version(entry["namespace"], entry["name"], data)
