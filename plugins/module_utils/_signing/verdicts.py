# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The verdicts of gates, taken from the evidence: what no gate has passed is neither signed nor loaded."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import moment
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import VERDICT, Statement

# What of a record is attested. The rest stays in the evidence.
ATTESTED = ("gate", "verdict", "tools", "policy", "time")
# What must be the same for an older attestation to say what a newer record says.
SAME = ("gate", "verdict", "tools", "policy", "until")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The evidence of one task."""

    evidence_dir: str | None
    max_age: datetime.timedelta
    now: datetime.datetime
    check_mode: bool
    # What is not done with an image that no gate has passed.
    act: str

    @classmethod
    def of(cls, parameters: Mapping[str, Any], now: datetime.datetime, *, check_mode: bool, act: str) -> Self:
        age = datetime.timedelta(hours=parameters["verdict_max_age_hours"])
        return cls(parameters["evidence_dir"], age, now, check_mode, act)

    def newest(self, gate: str, image: str, names: Sequence[str]) -> Record | None:
        """Return the newest record on any of an image's digests; one that is not passed is an error.

        In check mode a record may be missing: in a real run the gate comes before.
        """
        if not self.evidence_dir:
            raise RampartError(
                "Verdicts are required, but it is not said where the evidence is.",
                next_step="give evidence_dir",
            )
        store = EvidenceStore(self.evidence_dir)
        # A scanner judges the content, which the configuration names whatever the registry compressed.
        stored = [store.latest(gate, name, max_age=self.max_age) for name in names]
        records = [each.record for each in stored if each is not None]
        found = max(records, key=lambda record: record.time, default=None)
        if found is None and self.check_mode:
            return None
        verdict = found.verdict if found else "missing or too old"
        if found is None or verdict != "passed":
            raise RampartError(
                f"{image} is not {self.act}: the verdict of the gate {gate} on {names[0]} is {verdict}.",
                next_step=f"let the gate {gate} judge the image, repair what it finds, then run again",
                image=image,
                gate=gate,
                verdict=verdict,
            )
        return found

    def statement(self, gate: str, digest: str, record: Record | None) -> Statement:
        """Turn a record into what is attested."""
        data = record.as_data() if record else {"gate": gate}
        said = {key: data[key] for key in ATTESTED if key in data}
        # Until when it holds, where it rests on exceptions: whoever asks later has no evidence at hand.
        until = record.summary.get("until") if record else ""
        return Statement(digest, VERDICT + gate, {**said, "until": until} if until else said)

    def covered(self, wanted: Statement, done: Sequence[Statement]) -> bool:
        """Say whether an attestation says the same and is young enough: a new one for each run would pile up.

        Half of the age is left, so that what is verified before the next run still holds.
        """
        return wanted.predicate_type.startswith(VERDICT) and any(
            all(other.predicate.get(key) == wanted.predicate.get(key) for key in SAME)
            and self._young(str(other.predicate.get("time") or ""))
            for other in done
            if other.predicate_type == wanted.predicate_type
        )

    def _young(self, time: str) -> bool:
        try:
            age = self.now - moment(time)
        except ValueError:
            return False
        return age <= self.max_age / 2
