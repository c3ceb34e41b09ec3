# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a rotation writes down before it acts: which secrets, which way, how far. It never holds a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Fate, Stage, content_at
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition

FORMAT = 1
ORDER = tuple(Stage)


class Direction(StrEnum):
    """Where a rotation is going."""

    FORWARD = "forward"
    RETURN = "return"


class Phase(StrEnum):
    """How far a rotation has come, for people; what is done next is decided from what is observed."""

    CREATE = "create"
    SET = "set"
    STAGE = "stage"
    ROLLOUT = "rollout"
    VERIFY = "verify"
    FINISH = "finish"
    RETURN = "return"
    MANUAL = "manual"


@dataclass(slots=True)
class Member:
    """One secret of a rotation."""

    definition: Definition
    # The live Secret when the rotation began; empty when there was none.
    before: str
    fates: Mapping[str, Fate]
    # Of each stage the fingerprint of the content, and the name of the Secret that holds it.
    prints: dict[Stage, str] = field(default_factory=dict)
    objects: dict[Stage, str] = field(default_factory=dict)
    # Only in memory, from the Secrets that hold them.
    old: dict[str, bytes] | None = field(default=None, repr=False)
    new: dict[str, bytes] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name that it is declared by."""
        return self.definition.name

    @property
    def is_versioned(self) -> bool:
        """Whether each content has a Secret of its own."""
        return self.definition.strategy == "versioned"

    def content(self, stage: Stage) -> dict[str, bytes]:
        """Return what it holds in a stage."""
        if self.new is None:
            raise ValueError(f"the new content of {self.definition} is not known")
        return content_at(self.fates, stage, self.old, self.new, str(self.definition))

    def changes(self, stage: Stage) -> bool:
        """Say whether it holds something else in a stage than in the one before."""
        if not self.prints:
            return False
        return self.prints[stage] != self.prints[ORDER[ORDER.index(stage) - 1]]

    def differs_from_old(self, stage: Stage) -> bool:
        """Say whether it holds something else in a stage than before the rotation."""
        return bool(self.prints) and self.prints[stage] != self.prints[Stage.OLD]

    def stages_of(self, held: str) -> list[Stage]:
        """Return the stages whose content has this fingerprint; none for what somebody else wrote."""
        return [stage for stage in ORDER if self.prints.get(stage) == held]

    def as_data(self) -> dict[str, Any]:
        return {
            "definition": self.definition.as_data(),
            "before": self.before,
            "fates": dict(self.fates),
            "prints": dict(self.prints),
            "objects": dict(self.objects),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Member:
        return cls(
            Definition.of(data["definition"]),
            data["before"],
            {key: Fate(fate) for key, fate in data["fates"].items()},
            {Stage(stage): text for stage, text in data["prints"].items()},
            {Stage(stage): text for stage, text in data["objects"].items()},
        )


@dataclass(slots=True)
class Group:
    """Secrets that go from old to new together, since they follow from or are used with each other."""

    members: list[Member]
    direction: Direction = Direction.FORWARD
    phase: Phase = Phase.CREATE
    # Why it is on its way back.
    cause: str = ""
    # What the pod templates said before: workload to annotation to value, None where there was none.
    templates: dict[str, dict[str, str | None]] = field(default_factory=dict)
    # Since when everybody uses the new one, and until when the old one stays valid at least.
    verified: str = ""
    until: str = ""
    # Whether the old one is refused: what is left is to remove the copies.
    revoked: bool = False
    # Only in memory: how it ended in this run, and who still holds the old one.
    error: RampartError | None = None
    holders: list[str] = field(default_factory=list)
    returned: bool = False
    finished: bool = False

    @property
    def title(self) -> str:
        """Its secrets, for people."""
        return ", ".join(str(member.definition) for member in self.members)

    def as_data(self) -> dict[str, Any]:
        return {
            "members": [member.as_data() for member in self.members],
            "direction": self.direction,
            "phase": self.phase,
            "cause": self.cause,
            "templates": self.templates,
            "verified": self.verified,
            "until": self.until,
            "revoked": self.revoked,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Group:
        return cls(
            [Member.of(member) for member in data["members"]],
            Direction(data["direction"]),
            Phase(data["phase"]),
            data["cause"],
            {name: dict(kept) for name, kept in data["templates"].items()},
            data["verified"],
            data["until"],
            data["revoked"],
        )


@dataclass(slots=True)
class Journal:
    """One rotation in one namespace."""

    id: str
    namespace: str
    reason: str
    started: str
    groups: list[Group]
    # What the API server calls the state that we know; another one means another writer.
    version: str = ""

    @property
    def is_incident(self) -> bool:
        """Whether the old ones are in foreign hands."""
        return self.reason == "incident"

    def open(self) -> Iterable[Group]:
        """Yield the groups that are not done with."""
        return (group for group in self.groups if not (group.finished or group.returned))

    def packed(self) -> bytes:
        """Return it as it is stored."""
        return json.dumps(
            {
                "format": FORMAT,
                "id": self.id,
                "reason": self.reason,
                "started": self.started,
                "groups": [group.as_data() for group in self.open()],
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def of(cls, namespace: str, packed: bytes, version: str) -> Journal:
        """Read it back; a newer format belongs to a newer collection."""
        try:
            data = json.loads(packed)
            if data["format"] != FORMAT:
                raise ValueError("format")
            groups = [Group.of(group) for group in data["groups"]]
            return cls(data["id"], namespace, data["reason"], data["started"], groups, version)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RampartError(
                f"The journal of a rotation in {namespace} cannot be read ({type(error).__name__}).",
                next_step="read it with the version of the collection that wrote it; old and new content lie "
                "in the Secrets labelled rampart.k8s/role=rotation-previous and rotation-pending",
            ) from error
