# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What clusters need of a registry: what runs, what a controller may start again, what Helm may return to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import TYPE, decode
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import in_full, repository_of

# Whatever has a pod template, or had one: a ReplicaSet or a ControllerRevision is what a rollback returns to.
OBJECTS = (
    "/api/v1/pods",
    "/api/v1/replicationcontrollers",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/controllerrevisions",
    "/apis/batch/v1/jobs",
    "/apis/batch/v1/cronjobs",
)
SECRETS = "/api/v1/secrets"


@dataclass(frozen=True, slots=True)
class Use:
    """One image that somebody needs; hosts are left out, since a registry has several names."""

    repository: str
    # A tag or a digest.
    reference: str
    by: str


def used(client: Client) -> list[Use]:
    """Ask one cluster; whatever cannot be asked or read is an error, since nothing may then be deleted."""
    found: list[Use] = []
    for path in OBJECTS:
        kind = path.rpartition("/")[2]
        for item in client.list_all(path)[0]:
            found += uses(item, f"{kind} {_name(item)}")
    for secret in client.list_all(SECRETS, query={"fieldSelector": f"type={TYPE}"})[0]:
        found += of_release(decode(secret), f"release {_name(secret)}")
    return list(dict.fromkeys(found))


def of_release(release: Mapping[str, Any], by: str) -> Iterator[Use]:
    """Yield what one revision of a release names, hooks and tests included."""
    texts = [str(release.get("manifest") or "")]
    texts += [str(hook.get("manifest") or "") for hook in release.get("hooks") or ()]
    try:
        for text in texts:
            for document in yaml.safe_load_all(text):
                yield from uses(document, by)
    except yaml.YAMLError as error:
        raise RampartError(
            f"The manifest of the {by} cannot be read, so it is not known what it needs.",
            next_step="remove the revision if nobody returns to it (helm history shows it), then run again",
        ) from error


def uses(value: Any, by: str) -> Iterator[Use]:
    """Yield every image that an object names, wherever in it; custom resources name theirs as pods do."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("image", "imageID", "reference") and isinstance(inner, str):
                yield from _read(inner, by)
            else:
                yield from uses(inner, by)
    elif isinstance(value, list):
        for inner in value:
            yield from uses(inner, by)


def _read(image: str, by: str) -> Iterator[Use]:
    name = image.rpartition("://")[2]
    head, _at, digest = name.partition("@")
    if not head or head.startswith("sha256:"):
        # A node's own id of an image says nothing of a registry.
        return
    whole = in_full(head)
    repository = repository_of(whole).partition("/")[2]
    if digest:
        yield Use(repository, digest, by)
    else:
        yield Use(repository, whole.rpartition(":")[2], by)


def _name(item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata") or {}
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
