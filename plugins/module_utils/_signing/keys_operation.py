# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Keeps the signing keys: makes the first, replaces it in time, and retires the old when nothing needs it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import only_writer
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._signing.folder import FILE, KeyFolder
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import (
    Key,
    Ring,
    State,
    key_id,
    moment,
    stamp,
)
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import SIGNATURE, short_name
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop, beside, now


class SigningKeys:
    """One ring."""

    def __init__(self, parameters: Mapping[str, Any], workshop: Workshop) -> None:
        self._parameters = parameters
        self._workshop = workshop
        self._folder = KeyFolder(Path(parameters["directory"]))
        self._now = now()
        self._ring = Ring()
        self._why_new = ""
        self._retire: list[str] = []

    def plan(self) -> Plan:
        """Decide from the ring and from what is attached to the images."""
        self._ring = self._folder.ring()
        self._retire = self._revoked()
        self._why_new = self._new_reason()
        if self._parameters["retire"]:
            self._retire += self._superseded()
        reasons = [self._why_new] if self._why_new else []
        reasons += [f"{identity} is retired" for identity in self._retire]
        stray = self._folder.leftovers(self._ring)
        reasons += [f"{path.name} was left by a killed run" for path in stray]
        planned = self._ring.retire(self._retire, self._now)
        return Plan(
            bool(reasons),
            "; ".join(reasons) or "the keys are as they should be",
            before={key.id: key.state.value for key in self._ring.keys},
            after={
                **{key.id: key.state.value for key in planned.keys},
                **({"a new key": "active"} if self._why_new else {}),
            },
            result=self._result(planned),
        )

    def apply(self, plan: Plan) -> Plan:
        """Write the private key first and the ring last: until the ring names it, a key does not count."""
        self._folder.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with only_writer(self._folder.folder):
            if self._folder.ring() != self._ring:
                raise RampartError(
                    f"The ring in {self._folder.folder} was changed by somebody else meanwhile.",
                    next_step="run again",
                )
            self._folder.sweep(self._ring)
            ring = self._ring
            if self._why_new:
                ring = ring.succeed(self._new_key())
            ring = ring.retire(self._retire, self._now)
            if ring != self._ring:
                self._folder.write(ring)
        return replace(plan, after={key.id: key.state.value for key in ring.keys}, result=self._result(ring))

    def _result(self, ring: Ring) -> dict[str, Any]:
        active = ring.active
        return {
            "ring": [key.public() for key in ring.keys],
            "active": active.id if active else "",
            "keyring": str(self._folder.path),
        }

    def _revoked(self) -> list[str]:
        """Keys that are accepted no more at once, whatever still needs them: they may be in foreign hands."""
        found = []
        for identity in self._parameters["revoke"]:
            key = self._ring.find(identity)
            if key is None:
                raise RampartError(
                    f"There is no key {identity} in the ring.",
                    next_step=f"name one of {', '.join(each.id for each in self._ring.keys) or 'none'}",
                )
            if key.state is not State.RETIRED:
                found.append(identity)
        return found

    def _new_reason(self) -> str:
        active = self._ring.active
        if active is None:
            return "there is no active key"
        if active.id in self._retire:
            return f"the active key {active.id} is revoked"
        if self._parameters["reference"]:
            return "" if active.source == self._parameters["reference"] else "another key is to sign"
        if not active.source.startswith(FILE):
            return "a key in a file is to sign"
        if self._parameters["replace"] == active.id:
            return f"the key {active.id} is to be replaced"
        if self._parameters["replace"] and self._ring.find(self._parameters["replace"]) is None:
            raise RampartError(
                f"There is no key {self._parameters['replace']} in the ring, so it cannot be replaced.",
                next_step=f"name the active one, {active.id}",
            )
        due = moment(active.expires) - datetime.timedelta(days=self._parameters["renew_before_days"])
        return f"the active key expires on {active.expires}" if due <= self._now else ""

    def _superseded(self) -> list[str]:
        """Return accepted keys that no image needs any more; raise while one does."""
        old = [key.id for key in self._ring.in_state(State.ACCEPTED)]
        if not old:
            return []
        active = self._ring.active
        if active is None or self._why_new:
            raise RampartError(
                "No key can be retired now: its successor does not sign yet.",
                next_step="run without retire, sign the images again (image_sign with resign), then retire",
            )
        inventory = self._parameters["inventory"]
        if not inventory:
            raise RampartError(
                "Without an inventory of images nobody knows what the old keys still protect.",
                next_step="name every image that is deployed or can be, then retire",
            )
        missing = [sentence for found in beside(self._unsigned, inventory) for sentence in found]
        if missing:
            raise RampartError(
                f"{len(old)} old key(s) cannot be retired: {'; '.join(missing)}.",
                next_step="sign these images again (image_sign with resign), then retire",
                not_under_active=missing,
                ring=[key.public() for key in self._ring.keys],
            )
        return old

    def _unsigned(self, image: str) -> list[str]:
        """Say what an image has from an old key and not from the active one."""
        store = self._workshop.store(image)
        digest = store.digest()
        found = self._workshop.collect(store, digest, Policy(self._ring.keys), self._now)
        active = self._ring.active
        fresh = [each.statement for each in found.signed if active and each.key.id == active.id]
        if not any(statement.predicate_type == SIGNATURE for statement in fresh):
            return [f"{image} is not signed by the active key"]
        return [
            f"the {short_name(each.statement.predicate_type)} attestation of {image} "
            "is not signed by the active key"
            for each in found.signed
            if not any(each.statement.says_the_same(statement) for statement in fresh)
        ]

    def _new_key(self) -> Key:
        lifetime = datetime.timedelta(days=self._parameters["lifetime_days"])
        reference = self._parameters["reference"]
        if reference:
            public = self._workshop.cosign.public_key(self._workshop.external(reference))
            source = reference
        else:
            private, public = self._workshop.cosign.generate(
                self._folder.folder, self._workshop.passphrase(make=True)
            )
            source = self._folder.keep(private, key_id(public))
        return Key(
            key_id(public), public, source, stamp(self._now), stamp(self._now + lifetime), State.ACTIVE
        )
