# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Signs images and what is known of them, where the active key has not done so yet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import parse
from ansible_collections.rampart.k8s.plugins.module_utils._signing import provenance
from ansible_collections.rampart.k8s.plugins.module_utils._signing.folder import KeyFolder
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key, Ring
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import (
    SIGNATURE,
    Statement,
    read_bundle,
    short_name,
    type_uri,
)
from ansible_collections.rampart.k8s.plugins.module_utils._signing.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._signing.verdicts import Verdicts
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop, beside, now


@dataclass(slots=True)
class Step:
    """What one image lacks."""

    image: str
    store: Store | None
    digest: str = ""
    missing: list[Statement] = field(default_factory=list)

    @property
    def reason(self) -> str:
        if self.store is None:
            return f"{self.image} cannot be looked at yet"
        kinds = ", ".join(short_name(statement.predicate_type) for statement in self.missing)
        return f"{self.image} lacks from the active key: {kinds}" if kinds else ""

    def entry(self) -> dict[str, Any]:
        return {
            "image": self.image,
            "digest": self.digest,
            "signed": [short_name(statement.predicate_type) for statement in self.missing],
        }


class ImageSign:
    """All images of one task."""

    def __init__(self, parameters: Mapping[str, Any], workshop: Workshop, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._workshop = workshop
        self._check_mode = check_mode
        self._folder = KeyFolder(Path(parameters["keys"]))
        self._now = now()
        self._ring = Ring()
        self._verdicts = Verdicts.of(parameters, self._now, check_mode=check_mode, act="signed")
        self._steps: list[Step] = []

    def plan(self) -> Plan:
        """Find what the active key has not signed yet."""
        self._ring = self._folder.ring()
        active = self._ring.active
        if active is None and not self._check_mode:
            raise RampartError(
                f"There is no active key in {self._folder.folder}.",
                next_step="make one first (rampart.k8s.signing_keys)",
            )
        if active is not None and (why := active.refusal(self._now)):
            raise RampartError(
                f"The active key {active.id} signs nothing that would be accepted: {why}.",
                next_step="replace it (rampart.k8s.signing_keys), then run again",
                key=active.id,
            )
        self._steps = beside(self._look, self._parameters["images"])
        changed = [step for step in self._steps if step.reason]
        return Plan(
            bool(changed),
            "; ".join(step.reason for step in changed) or "everything is signed",
            before={step.image: [] for step in changed},
            after={step.image: step.entry()["signed"] for step in changed},
            result={"images": [step.entry() for step in self._steps], "key": active.id if active else ""},
        )

    def apply(self, plan: Plan) -> Plan:
        """Sign; each bundle is verified before it is attached, so that no wrong key leaves a trace."""
        # Only one may write to a layout, so images that lie together are signed one after the other.
        places: dict[str, list[Step]] = {}
        for step in self._steps:
            places.setdefault(parse(step.image).location, []).append(step)
        beside(self._sign_all, list(places.values()))
        return plan

    def _look(self, entry: Mapping[str, Any]) -> Step:
        image = entry["image"]
        if self._check_mode and self._workshop.not_there_yet([image]):
            return Step(image, None)
        store = self._workshop.store(image)
        digest = store.digest()
        found = self._workshop.collect(store, digest, Policy(self._ring.keys), self._now)
        active = self._ring.active
        done = [each.statement for each in found.signed if active and each.key.id == active.id]
        wanted = self._wanted(entry, store, digest)
        if self._parameters["resign"]:
            wanted += [each.statement for each in found.signed]
        missing: list[Statement] = []
        for statement in wanted:
            said = any(statement.says_the_same(other) for other in (*done, *missing))
            if not said and not self._verdicts.covered(statement, done):
                missing.append(statement)
        return Step(image, store, digest, missing)

    def _wanted(self, entry: Mapping[str, Any], store: Store, digest: str) -> list[Statement]:
        wanted = [Statement(digest, SIGNATURE, {})]
        wanted += [
            Statement(digest, type_uri(each["type"]), _predicate(each))
            for each in entry.get("attestations") or []
        ]
        if entry.get("build"):
            uri = type_uri("provenance")
            wanted.append(Statement(digest, uri, provenance.predicate(entry["build"])))
        for gate in self._parameters["require_verdicts"]:
            found = self._verdicts.newest(gate, entry["image"], store.names(digest))
            wanted.append(self._verdicts.statement(gate, digest, found))
        return wanted

    def _sign_all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._sign(step)

    def _sign(self, step: Step) -> None:
        active = self._ring.active
        if step.store is None or active is None:
            raise RampartError(f"{step.image} does not exist.", next_step="make it first")
        for bundle in beside(lambda statement: self._bundle(statement, active), step.missing):
            step.store.attach(step.digest, bundle)

    def _bundle(self, statement: Statement, key: Key) -> bytes:
        cosign = self._workshop.cosign
        bundle = cosign.sign(statement, self._workshop.signer(self._folder, key))
        why = cosign.refusal(bundle, key.public_key, statement)
        if why or not read_bundle(bundle).statement.says_the_same(statement):
            raise RampartError(
                f"What was signed with {key.source.partition('?')[0]} cannot be verified with the key "
                f"{key.id} of the ring: {why or 'it says something else'}.",
                next_step="the ring and the private key do not belong together; restore one of them",
                key=key.id,
            )
        return bundle


def _predicate(entry: Mapping[str, Any]) -> dict[str, Any]:
    if entry.get("predicate") is not None:
        return dict(entry["predicate"])
    try:
        content = json.loads(Path(entry["file"]).read_bytes())
    except (OSError, ValueError) as error:
        raise RampartError(
            f"Could not read the predicate {entry['file']}: {error}.",
            next_step="make it first, or correct the path",
            path=entry["file"],
        ) from error
    if not isinstance(content, dict):
        raise RampartError(f"The predicate {entry['file']} is not an object.", next_step="correct the file")
    return content
