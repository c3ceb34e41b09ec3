# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A Secret whose entries are the keys that a service accepts: each entry's name says whose key it is.

Old and new stand side by side in it while the callers change over. A key counts as accepted when every
running pod of the service was seen to hold it, so the service must be one that loads the list by itself.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Content, Turn, Unremarkable
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._consumers import namespace as namespaces
from ansible_collections.rampart.k8s.plugins.module_utils._consumers import workloads
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import consumers
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace, read
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import places
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import RELOAD
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission, permissions
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import seen
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import content, names

PAUSE = 1.0


@dataclass(slots=True)
class KeyList(Unremarkable):
    """One list, for the key of one caller."""

    options: Mapping[str, Any]
    around: Surroundings
    shell: Shell

    @property
    def _namespace(self) -> str:
        return str(self.options.get("namespace") or self.around.namespace)

    @property
    def _collection(self) -> str:
        return f"/api/v1/namespaces/{self._namespace}/secrets"

    @property
    def _path(self) -> str:
        return f"{self._collection}/{self.options['name']}"

    @property
    def _target(self) -> str:
        return f"Secret {self._namespace}/{self.options['name']}"

    def _key(self, held: Content | None) -> bytes:
        return (held or {}).get(self.options["key"], b"")

    def _list(self) -> dict[str, bytes]:
        found = self.around.client.find(self._path, target=self._target)
        return content.of_secret(found) if found else {}

    def absent(self) -> str:
        """See whether there is a place for the list; it is made with its first key."""
        path = f"/api/v1/namespaces/{self._namespace}"
        found = self.around.client.find(path, target=f"Namespace {self._namespace}")
        return "" if found else f"there is no namespace {self._namespace} for {self._target}"

    def permissions(self) -> list[Permission]:
        """Return what the list takes, and a look into the pods that load it."""
        return [
            *namespaces.permissions(self._namespace),
            *permissions(
                self._namespace,
                ("", "namespaces", ("get",)),
                ("", "secrets", ("get", "create", "patch")),
                ("", "pods", ("patch",)),
                ("", "pods/exec", ("get", "create")),
            ),
        ]

    def credential(self, held: Content) -> Content:
        """Take the key for it."""
        return {self.options["key"]: self._key(held)}

    def check(self, turn: Turn) -> None:
        """See that the old key is in the list, and that the service will load a new one."""
        if turn.old is not None and not turn.is_incident and self._key(turn.old) not in self._list().values():
            raise RampartError(
                f"{self._target} does not hold the present key of Secret {turn}: one of them was changed.",
                next_step="settle which of them is right; with reason=incident the present key need not be",
            )
        deaf = [
            str(one)
            for one in consumers(self._space()).get(self.options["name"], [])
            if one.workload is not None and one.action != RELOAD
        ]
        if deaf:
            raise RampartError(
                f"{', '.join(deaf)} in {self._namespace} would not load a new key from {self._target}.",
                next_step=f"let it load the list by itself and say so by the annotation {names.RELOAD}",
            )

    def _space(self) -> Namespace:
        return read(self.around.client, self._namespace)

    def issue(self, turn: Turn) -> Content:
        """Issue nothing: the key is made here."""
        return {}

    def _entry(self, turn: Turn) -> str:
        return names.shortened(f"{turn.namespace}.{turn.name}.{turn.rotation}", names.LONGEST_NAME)

    def set(self, turn: Turn) -> None:
        """Put the new key into the list."""
        value = self._key(turn.new)
        if value in self._list().values():
            return
        data = {self._entry(turn): base64.b64encode(value).decode("ascii")}
        client = self.around.client
        if client.find(self._path, target=self._target) is None:
            metadata = {
                "name": self.options["name"],
                "labels": {"app.kubernetes.io/managed-by": "rampart", names.ROLE: names.KEY_LIST},
            }
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
            client.call("POST", self._collection, body=body, target=self._target, verb="create")
        else:
            self._merge({"data": data})

    def _merge(self, body: Mapping[str, Any]) -> None:
        self.around.client.call(
            "PATCH", self._path, body=body, content_type=MERGE, target=self._target, verb="change"
        )

    def test(self, turn: Turn) -> None:
        """Wait until every running pod of the service holds the new key."""
        held = self._list()
        wanted = [entry for entry, value in held.items() if value == self._key(turn.new)]
        if not wanted:
            raise RampartError(
                f"{self._target} does not hold the new key of Secret {turn}.",
                next_step="see who else writes to it, then run again",
            )
        self._await({entry: held[entry] for entry in wanted}, f"the new key of Secret {turn}")

    def _await(self, wanted: Content, what: str) -> None:
        deadline = time.monotonic() + self.options["timeout"]
        self.around.client.transport.extend(self.options["timeout"])
        refreshed: list[str] = []
        while late := [name for name in self._pods(refreshed) if not self._holds(name, wanted)]:
            if time.monotonic() > deadline:
                listed = ", ".join(pod["metadata"]["name"] for pod in late)
                raise RampartError(
                    f"{what} is not in all pods of {self._namespace} after {self.options['timeout']} s: "
                    f"{listed}.",
                    next_step="see whether the kubelets of their nodes are well, then run again",
                )
            time.sleep(PAUSE)

    def _pods(self, refreshed: list[str]) -> list[dict[str, Any]]:
        """Return the pods that the list is mounted in, each asked once to be looked at by its kubelet."""
        space = self._space()
        found = []
        for one in consumers(space).get(self.options["name"], []):
            for pod in space.pods_of(one.kind, one.name):
                if pod["metadata"].get("deletionTimestamp") or not workloads.running_containers(pod):
                    continue
                found.append(pod)
                self._refresh(pod, refreshed)
        return found

    def _refresh(self, pod: Mapping[str, Any], refreshed: list[str]) -> None:
        metadata = pod["metadata"]
        if metadata["uid"] in refreshed:
            return
        refreshed.append(metadata["uid"])
        body = {"metadata": {"annotations": {names.REFRESH: f"list-{time.time_ns()}"}}}
        path = f"/api/v1/namespaces/{self._namespace}/pods/{metadata['name']}"
        target = f"Pod {self._namespace}/{metadata['name']}"
        self.around.client.call("PATCH", path, body=body, content_type=MERGE, target=target, verb="refresh")

    def _holds(self, pod: Mapping[str, Any], wanted: Content) -> bool:
        running = workloads.running_containers(pod)
        found = places(pod["spec"], self.options["name"], wanted, running=running)
        name = pod["metadata"]["name"]
        for container in sorted({place.container for place in found}):
            listed = [place for place in found if place.container == container]
            looked = seen.look(self.shell, self._namespace, name, container, listed, wanted)
            if looked.blind:
                raise RampartError(
                    f"Container {container} of Pod {self._namespace}/{name} could not be looked into: "
                    f"{looked.blind}.",
                    next_step="use an image with a shell, or another backend",
                )
            if looked.wrong:
                return False
        return True

    def usage(self, turn: Turn) -> list[str]:
        """Know of nobody: a list does not count."""
        return []

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """Know of no such thing: it is revoked when the time is over."""

    def revoke(self, turn: Turn) -> None:
        """Take the old key out of the list."""
        self._remove(self._key(turn.old))

    def unset(self, turn: Turn) -> None:
        """Take the new key out of the list."""
        self._remove(self._key(turn.new))

    def _remove(self, value: bytes) -> None:
        gone = [entry for entry, held in self._list().items() if value and held == value]
        if gone:
            self._merge({"data": dict.fromkeys(gone)})

    def by_hand(self, turn: Turn) -> list[str]:
        """Name the command that takes the new key out."""
        entry = self._entry(turn)
        return [
            f"kubectl -n {self._namespace} patch secret {self.options['name']} --type=merge "
            f'-p \'{{"data":{{"{entry}":null}}}}\''
        ]
