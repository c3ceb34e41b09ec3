# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Tokens of a ServiceAccount, for those outside of the cluster that cannot get one by themselves.

Each token is bound to a Secret of its own: while that exists the API server accepts the token, and deleting
it is the revocation, long before the token's own end.
"""

from __future__ import annotations

import base64
import datetime
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Content, Turn, Unremarkable
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission, permissions
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

# An API server remembers for ten seconds that it has accepted a token.
REMEMBERED = 20.0
PAUSE = 0.5

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


@dataclass(slots=True)
class ServiceAccountToken(Unremarkable):
    """The API server itself, for the token of one secret."""

    options: Mapping[str, Any]
    around: Surroundings

    @property
    def _account(self) -> str:
        return str(self.options["name"])

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.around.namespace}"

    @property
    def _audiences(self) -> dict[str, list[str]]:
        wanted = list(self.options.get("audiences") or ())
        return {"audiences": wanted} if wanted else {}

    def permissions(self) -> list[Permission]:
        """Return what asking for a token and trying it takes."""
        asked = permissions(
            self.around.namespace,
            ("", "serviceaccounts", ("get",)),
            ("", "serviceaccounts/token", ("create",)),
        )
        return [*asked, Permission("create", "authentication.k8s.io", "tokenreviews")]

    def credential(self, held: Content) -> Content:
        """Take the token for it."""
        return {key: value for key, value in held.items() if key == self.options["token_key"]}

    def check(self, turn: Turn) -> None:
        """See that the account is there and may be asked for; an old token may have ended by itself."""
        self.around.client.get(
            f"{self._path}/serviceaccounts/{self._account}",
            target=f"ServiceAccount {self.around.namespace}/{self._account}",
        )

    def issue(self, turn: Turn) -> Content:
        """Ask for a token that is bound to a Secret of its own."""
        anchor = self._anchor(turn)
        spec = {
            "expirationSeconds": self.options["expiration_seconds"],
            "boundObjectRef": {
                "apiVersion": "v1",
                "kind": "Secret",
                "name": anchor["metadata"]["name"],
                "uid": anchor["metadata"]["uid"],
            },
            **self._audiences,
        }
        answer = self.around.client.call(
            "POST",
            f"{self._path}/serviceaccounts/{self._account}/token",
            body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
            target=f"a token of ServiceAccount {self.around.namespace}/{self._account}",
            verb="request",
        )
        return {self.options["token_key"]: str(answer["status"]["token"]).encode()}

    def discard(self, turn: Turn) -> None:
        """Delete what a token was bound to that nobody has."""
        self._delete(self._anchor_name(turn))

    @staticmethod
    def _anchor_name(turn: Turn) -> str:
        return names.shortened(f"{turn.name}-token-{turn.rotation}", names.LONGEST_NAME)

    def _delete(self, anchor: str) -> None:
        target = f"Secret {self.around.namespace}/{anchor}"
        self.around.client.delete(f"{self._path}/secrets/{anchor}", target=target)

    def _anchor(self, turn: Turn) -> dict[str, Any]:
        """Make the Secret that a token lives as long as; there is nothing in it."""
        name = self._anchor_name(turn)
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "labels": {"app.kubernetes.io/managed-by": "rampart", names.ROLE: names.ANCHOR},
            },
            "type": "Opaque",
        }
        client, target = self.around.client, f"Secret {self.around.namespace}/{name}"
        try:
            return client.call("POST", f"{self._path}/secrets", body=body, target=target, verb="create")
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            return client.get(f"{self._path}/secrets/{name}", target=target)

    def set(self, turn: Turn) -> None:
        """It is accepted from its beginning."""

    def test(self, turn: Turn) -> None:
        """Have the API server review the token."""
        if self._accepted(turn.new) is not True:
            raise RampartError(
                f"The API server does not accept the new token of Secret {turn}.",
                next_step="see the audiences of the backend, and whether the ServiceAccount was made anew",
            )

    def _accepted(self, held: Content | None) -> bool:
        token = (held or {}).get(self.options["token_key"], b"").decode(errors="replace")
        spec = {"token": token, **self._audiences}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        answer = self.around.client.call("POST", REVIEWS, body=body, target="a token", verb="review")
        return bool((answer.get("status") or {}).get("authenticated"))

    def usage(self, turn: Turn) -> list[str]:
        """Know of nobody: the API server does not count by token."""
        return []

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """It has an end of its own."""

    def revoke(self, turn: Turn) -> None:
        """Delete what the old token is bound to, and see that it is refused."""
        self._end(turn.old, turn)

    def unset(self, turn: Turn) -> None:
        """Delete what the new token is bound to."""
        self._end(turn.new, turn)

    def _end(self, held: Content | None, turn: Turn) -> None:
        anchor = self._bound_to(held)
        if not anchor:
            return
        self._delete(anchor)
        deadline = time.monotonic() + REMEMBERED
        while self._accepted(held):
            if time.monotonic() > deadline:
                raise RampartError(
                    f"A token of Secret {turn} is accepted although what it is bound to is deleted.",
                    next_step="see whether all API servers are in touch with etcd, then run again",
                )
            time.sleep(PAUSE)

    def _bound_to(self, held: Content | None) -> str:
        """Read from a token which Secret it is bound to; one that is bound to none ends by itself."""
        try:
            middle = (held or {})[self.options["token_key"]].split(b".")[1]
            claims = json.loads(base64.urlsafe_b64decode(middle + b"=" * (-len(middle) % 4)))
            return str(claims["kubernetes.io"]["secret"]["name"])
        except (KeyError, IndexError, ValueError, TypeError):
            return ""

    def by_hand(self, turn: Turn) -> list[str]:
        """Name the command that ends the new token."""
        anchor = self._bound_to(turn.new)
        return [f"kubectl -n {self.around.namespace} delete secret {anchor}"] if anchor else []
