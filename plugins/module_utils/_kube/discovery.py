# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which kinds the cluster serves, asked only for the groups that are needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref


@dataclass(frozen=True, slots=True)
class Resource:
    """Where the objects of a kind are."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def collection(self, namespace: str | None = None) -> str:
        """Return the path of all objects, in one namespace or everywhere."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        if self.namespaced and namespace:
            return f"{root}/namespaces/{quote(namespace, safe='')}/{self.plural}"
        return f"{root}/{self.plural}"

    def path(self, ref: Ref) -> str:
        """Return the path of one object."""
        return f"{self.collection(ref.namespace)}/{quote(ref.name, safe='')}"


class Discovery:
    """Remembers what was asked, for as long as the task runs."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._served: dict[str, dict[str, Resource]] = {}
        self._plurals: dict[str, Resource | None] = {}

    def load(self, api_versions: Iterable[str]) -> None:
        """Ask for several groups at once."""
        wanted = sorted(set(api_versions) - self._served.keys())
        self._served.update(zip(wanted, self._client.map(self._fetch, wanted), strict=True))

    def forget(self, api_versions: Iterable[str]) -> None:
        """Ask again next time: a definition of new kinds was applied."""
        for api_version in api_versions:
            self._served.pop(api_version, None)

    def _fetch(self, api_version: str) -> dict[str, Resource]:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        answer = self._client.find(root, target=f"API group {api_version}") or {}
        return {
            entry["kind"]: Resource(api_version, entry["kind"], entry["name"], entry["namespaced"])
            for entry in answer.get("resources") or []
            # A subresource (pods/log) is no object.
            if "/" not in entry["name"]
        }

    def find(self, api_version: str, kind: str) -> Resource | None:
        """Return where a kind is, or None when the cluster does not serve it."""
        self.load([api_version])
        return self._served[api_version].get(kind)

    def path_of(self, resource: str, namespace: str, name: str) -> str | None:
        """Return the path of an object of ``resource`` or ``resource.group``; None when it is not served."""
        if resource not in self._plurals:
            self._plurals[resource] = self._find_plural(*resource.partition(".")[::2])
        found = self._plurals[resource]
        if found is None:
            return None
        return f"{found.collection(namespace or None)}/{quote(name, safe='')}"

    def _find_plural(self, plural: str, group: str) -> Resource | None:
        for api_version in self._versions(group):
            self.load([api_version])
            for resource in self._served[api_version].values():
                if resource.plural == plural:
                    return resource
        return None

    def _versions(self, group: str) -> list[str]:
        """Return the versions of a group that are served, the preferred one first."""
        if not group:
            return ["v1"]
        answer = self._client.find(f"/apis/{group}", target=f"API group {group}") or {}
        return [str(version["groupVersion"]) for version in answer.get("versions") or []]

    def require(self, api_version: str, kind: str) -> Resource:
        """Return where a kind is; one that is not served is an error."""
        found = self.find(api_version, kind)
        if found is None:
            known = ", ".join(sorted(self._served[api_version])) or "nothing"
            raise RampartError(
                f"The cluster does not serve {kind} in {api_version} (it serves there: {known}).",
                next_step="correct apiVersion and kind, or install what defines this kind first",
                api_version=api_version,
                kind=kind,
            )
        return found
