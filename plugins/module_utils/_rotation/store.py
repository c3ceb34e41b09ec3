# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads and writes of a rotation in one namespace. Every write is guarded by the lease and named for tests.

A write is either bound to the state that was read (by its resourceVersion) or harmless when it is
repeated. So a writer that was stopped and woke up again changes nothing, and a repeated request
neither.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Journal
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import content, names

KEY_BYTES = 32
# Somebody who edits the same object all the time is in the way; this often is nobody's chance.
MOST_CONFLICTS = 5
# Of what the API server keeps of a Secret, this much may be a journal.
MOST_JOURNAL_BYTES = 1024 * 1024

Secret = dict[str, Any]


def fingerprint_key(secret: Mapping[str, Any] | None) -> bytes:
    """Return the key of a namespace's fingerprints; without one a key for this run only."""
    if secret is None:
        return secrets.token_bytes(KEY_BYTES)
    key = content.of_secret(secret).get("key", b"")
    if len(key) < KEY_BYTES:
        namespace = secret["metadata"].get("namespace", "")
        raise RampartError(
            f"Secret {namespace}/{names.KEY_NAME} holds no key of {KEY_BYTES} bytes.",
            next_step="restore it, or delete it; without it every workload counts as not rolled out yet",
        )
    return key


def _annotations(live: Mapping[str, Any]) -> Mapping[str, Any]:
    return live["metadata"].get("annotations") or {}


class Store:
    """One namespace, as a rotation reads and writes it."""

    def __init__(self, client: Client, namespace: str, lease: Lease | None = None) -> None:
        self.client = client
        self.namespace = namespace
        self._lease = lease
        self._key: bytes | None = None

    @property
    def collection(self) -> str:
        """Where the Secrets are."""
        return f"/api/v1/namespaces/{quote(self.namespace, safe='')}/secrets"

    def path(self, name: str) -> str:
        """Where one Secret is."""
        return f"{self.collection}/{quote(name, safe='')}"

    def target(self, name: str) -> str:
        """Name a Secret for people."""
        return f"Secret {self.namespace}/{name}"

    def write(self, name: str, act: Callable[[], Any]) -> Any:
        """Do one write as the only writer."""
        if self._lease is not None:
            self._lease.check()
        failpoint(f"before {name}")
        done = act()
        failpoint(f"after {name}")
        return done

    @property
    def fencing(self) -> str:
        """The number of this holding of the lease, as it is noted on what is written."""
        return str(self._lease.fencing if self._lease else 0)

    def find(self, name: str) -> Secret | None:
        """Read a Secret that may not be there."""
        return self.client.find(self.path(name), target=self.target(name))

    def labelled(self, role: str) -> list[Secret]:
        """Read all Secrets with one role."""
        query = {"labelSelector": f"{names.ROLE}={role}"}
        return self.client.list_all(self.collection, query=query, target=f"{role} in {self.namespace}")[0]

    def read_key(self) -> bytes:
        """Return the key of the fingerprints, for reading only."""
        if self._key is None:
            self._key = fingerprint_key(self.find(names.KEY_NAME))
        return self._key

    def make_key(self) -> bytes:
        """Return the key of the fingerprints, and keep one in the cluster when there is none."""
        found = self.find(names.KEY_NAME)
        if found is None:
            body = self._secret(
                names.KEY_NAME, names.FINGERPRINT_KEY, {"key": secrets.token_bytes(KEY_BYTES)}
            )
            found = self.write("create fingerprint key", lambda: self._create(body))
        self._key = fingerprint_key(found)
        return self._key

    def print_of(self, held: Mapping[str, bytes]) -> str:
        """Return the fingerprint of a content."""
        return content.print_of(self.read_key(), held)

    def _secret(
        self,
        name: str,
        role: str,
        held: Mapping[str, bytes],
        *,
        kind: str = "Opaque",
        annotations: Mapping[str, str] | None = None,
        immutable: bool = False,
    ) -> Secret:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": "rampart", names.ROLE: role},
                "annotations": {names.FENCING: self.fencing, **(annotations or {})},
            },
            "data": content.as_data(held),
            **({"immutable": True} if immutable else {}),
        }

    def _create(self, body: Secret) -> Secret:
        """Create a Secret; one of the same content that is already there is a repeated request."""
        name = body["metadata"]["name"]
        query = {"fieldManager": names.FIELD_MANAGER}
        try:
            return self.client.call(
                "POST", self.collection, query=query, body=body, target=self.target(name), verb="create"
            )
        except ApiError as error:
            found = self.find(name) if error.reason == "AlreadyExists" else None
            if found is None or (found.get("data") or {}) != body["data"]:
                raise
            return found

    def create(
        self,
        step: str,
        name: str,
        role: str,
        held: Mapping[str, bytes],
        *,
        kind: str = "Opaque",
        annotations: Mapping[str, str] | None = None,
        immutable: bool = False,
    ) -> Secret:
        """Create a Secret as one named step."""
        body = self._secret(name, role, held, kind=kind, annotations=annotations, immutable=immutable)
        made: Secret = self.write(step, lambda: self._create(body))
        return made

    def replace(
        self,
        step: str,
        name: str,
        held: Mapping[str, bytes],
        annotations: Mapping[str, str | None],
        expected: Callable[[Mapping[str, bytes]], bool],
    ) -> Secret | None:
        """Write the content of a live Secret, and nothing else of it; None when there is none.

        ``expected`` judges what is there. What somebody else changed meanwhile beside the content stays
        changed; a content that is not expected is never overwritten.
        """
        for _attempt in range(MOST_CONFLICTS):
            live = self.find(name)
            if live is None:
                return None
            found = content.of_secret(live)
            said = _annotations(live)
            if found == held and all(said.get(key) == value for key, value in annotations.items()):
                # Our own write was answered by a broken connection, or is that of a killed run.
                return live
            if not expected(found):
                raise RampartError(
                    f"{self.target(name)} holds what neither the rotation nor anybody before it wrote.",
                    next_step="find out who writes to it, settle the content, and run again",
                )
            gone = dict.fromkeys(found.keys() - held.keys())
            body = {
                "metadata": {
                    "resourceVersion": live["metadata"]["resourceVersion"],
                    "annotations": {names.FENCING: self.fencing, **annotations},
                },
                "data": {**content.as_data(held), **gone},
            }
            try:
                return self.patch(step, self.path(name), body, self.target(name))
            except ApiError as error:
                if error.code not in (404, 409):
                    raise
        raise RampartError(
            f"Could not write {self.target(name)}: somebody else changed it {MOST_CONFLICTS} times.",
            next_step="find out who writes to it all the time, and run again",
        )

    def patch(
        self, step: str, path: str, body: Any, target: str, content_type: str = MERGE
    ) -> dict[str, Any]:
        """Change some fields of an object as one named step."""
        query = {"fieldManager": names.FIELD_MANAGER}
        done: dict[str, Any] = self.write(
            step,
            lambda: self.client.call(
                "PATCH", path, query=query, body=body, content_type=content_type, target=target, verb="change"
            ),
        )
        return done

    def delete(self, step: str, found: Iterable[str]) -> None:
        """Delete Secrets; those that are gone are none to delete."""
        for name in found:
            self.write(step, partial(self.client.delete, self.path(name), target=self.target(name)))

    def journals(self) -> list[Journal]:
        """Read the rotations that are not done with, the oldest first."""
        found = []
        for secret in self.labelled(names.JOURNAL):
            packed = content.of_secret(secret).get("journal", b"")
            found.append(Journal.of(self.namespace, packed, secret["metadata"]["resourceVersion"]))
        return sorted(found, key=lambda journal: (journal.started, journal.id))

    def save(self, journal: Journal, step: str) -> None:
        """Write a journal, and only over the state of it that we know."""
        name, packed = names.journal(journal.id), journal.packed()
        if len(packed) > MOST_JOURNAL_BYTES:
            raise RampartError(
                f"The rotation {journal.id} is of too many secrets for one journal ({len(packed)} bytes).",
                next_step="give the secrets in several tasks",
            )
        if not journal.version:
            made = self.create(
                f"journal {step}", name, names.JOURNAL, {"journal": packed}, kind=names.JOURNAL_TYPE
            )
        elif not list(journal.open()):
            self.delete(f"journal {step}", [name])
            return
        else:
            body = {
                "metadata": {
                    "resourceVersion": journal.version,
                    "annotations": {names.FENCING: self.fencing},
                },
                "data": {"journal": base64.b64encode(packed).decode("ascii")},
            }
            made = self._save_over(f"journal {step}", name, body)
        journal.version = made["metadata"]["resourceVersion"]

    def _save_over(self, step: str, name: str, body: Mapping[str, Any]) -> Secret:
        try:
            return self.patch(step, self.path(name), body, self.target(name))
        except ApiError as error:
            found = self.find(name) if error.code == 409 else None
            if found is not None and (found.get("data") or {}) == body["data"]:
                # Our own write was answered by a broken connection and sent again.
                return found
            raise
