# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges what is attached to one image by a policy."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._signing import policy as policies
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key, hint_id
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Demand, Policy
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import (
    SIGNATURE,
    Bundle,
    Statement,
    UnreadableBundleError,
    read_bundle,
    short_name,
)

# Verifies one bundle with one key and says why it does not hold; empty when it does.
Verifier = Callable[[Bundle, Key], str]

SHORT_ID = 19


def short(identity: str) -> str:
    """Shorten a digest as people quote it."""
    return identity[:SHORT_ID]


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement that an accepted key has really signed."""

    statement: Statement
    key: Key


@dataclass(slots=True)
class Judgement:
    """What holds of an image, and what does not."""

    digest: str
    signed: list[Signed] = field(default_factory=list)
    # Why a bundle does not count, by its type; they explain a violation, and are none by themselves.
    ignored: list[tuple[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "passed": not self.violations,
            "signatures": [
                {"type": short_name(each.statement.predicate_type), "key": each.key.id}
                for each in sorted(self.signed, key=lambda each: each.statement.predicate_type)
            ],
            "ignored": [f"{short_name(kind)}: {why}" for kind, why in self.ignored],
            "violations": self.violations,
        }


def collect(
    digest: str, raw_bundles: Sequence[bytes], policy: Policy, verify: Verifier, now: datetime.datetime
) -> Judgement:
    """Verify each bundle that could count and say of the others why they do not."""
    judgement = Judgement(digest)
    for raw in raw_bundles:
        try:
            bundle = read_bundle(raw)
        except UnreadableBundleError as error:
            judgement.ignored.append(("unreadable", str(error)))
            continue
        why, key = _verified(bundle, digest, policy, verify, now)
        if key is None:
            judgement.ignored.append((bundle.statement.predicate_type, why))
        else:
            judgement.signed.append(Signed(bundle.statement, key))
    return judgement


def _verified(
    bundle: Bundle, digest: str, policy: Policy, verify: Verifier, now: datetime.datetime
) -> tuple[str, Key | None]:
    if bundle.statement.digest != digest:
        return f"it is about {short(bundle.statement.digest)}, another image", None
    claimed = hint_id(bundle.hint)
    known = policy.key(claimed) if claimed else None
    if claimed and known is None:
        return f"it is signed by the unknown key {short(claimed)}", None
    candidates = [known] if known else list(policy.keys)
    reasons = []
    for key in candidates:
        why = key.refusal(now) or verify(bundle, key)
        if not why:
            return "", key
        reasons.append(why)
    return "; ".join(dict.fromkeys(reasons)) or "no key is accepted", None


def judge(judgement: Judgement, policy: Policy, now: datetime.datetime) -> Judgement:
    """Compare what was collected with what is demanded."""
    for demand in policy.demands:
        said = [
            each.statement
            for each in judgement.signed
            if each.statement.predicate_type == demand.predicate_type
        ]
        if not said:
            judgement.violations.append(_missing(demand, judgement))
            continue
        statement = policies.newest(said)
        judgement.violations += [
            f"the {demand.name} attestation does not hold: {failure}"
            for constraint in demand.constraints
            if (failure := constraint.failure(statement.predicate, now))
        ]
        if over := policies.ended(statement, now):
            judgement.violations.append(f"the {demand.name} attestation does not hold: {over}")
    return judgement


def _missing(demand: Demand, judgement: Judgement) -> str:
    reasons = [why for kind, why in judgement.ignored if kind in (demand.predicate_type, "unreadable")]
    if demand.predicate_type == SIGNATURE:
        what = "it is not signed by an accepted key" if reasons else "it is not signed"
    else:
        what = f"it has no {demand.name} attestation"
        what += " that counts" if reasons else ""
    return f"{what} ({'; '.join(dict.fromkeys(reasons))})" if reasons else what
