# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The whole of admission, read once, and rendered for whoever enforces it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._admission import (
    definition,
    exceptions,
    gatekeeper,
    images,
    kubernetes,
    kyverno,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import (
    Environment,
    Guard,
    Policy,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.exceptions import PolicyExemption
from ansible_collections.rampart.k8s.plugins.module_utils._admission.images import Trust
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._scan import exceptions as exemption_file
from ansible_collections.rampart.k8s.plugins.module_utils._signing import keyring, policy

ENGINES = ("kyverno", "kubernetes", "gatekeeper")
# By which the next run knows that what is enforced is what is wanted.
DIGEST = "rampart.k8s/digest"


@dataclass(frozen=True, slots=True)
class Admission:
    """What holds in all environments."""

    engine: str
    environments: tuple[Environment, ...]
    guards: tuple[Guard, ...]
    exemptions: tuple[PolicyExemption, ...] = ()
    # By environment; one without a ring has no say about signatures.
    trust: Mapping[str, Trust] = field(default_factory=dict)
    # Kyverno's other kinds, as the definition writes them.
    mutations: tuple[Mapping[str, Any], ...] = ()
    generations: tuple[Mapping[str, Any], ...] = ()
    # Where exceptions lie.
    namespace: str = "kyverno"
    rego: Mapping[str, str] = field(default_factory=dict)

    def of(self, environment: Environment) -> list[Guard]:
        return [guard for guard in self.guards if guard.environment.name == environment.name]

    def guard(self, environment: Environment, policy: str) -> Guard:
        return next(guard for guard in self.of(environment) if guard.policy.name == policy)

    def environment(self, name: str) -> Environment:
        return next(one for one in self.environments if one.name == name)

    def exempted(self, environment: Environment, policy: str) -> list[PolicyExemption]:
        return [
            one
            for one in self.exemptions
            if one.environment.name == environment.name and one.policy == policy
        ]

    def changed(self, change: Callable[[Environment], Environment]) -> Self:
        """Return the same with other environments."""
        own = {one.name: change(one) for one in self.environments}
        return replace(
            self,
            environments=tuple(own.values()),
            guards=tuple(replace(each, environment=own[each.environment.name]) for each in self.guards),
            exemptions=tuple(
                replace(each, environment=own[each.environment.name]) for each in self.exemptions
            ),
        )

    def as_candidates(self) -> Self:
        """Return the same under names of their own, so that it can be tried beside what is enforced."""
        return self.changed(lambda one: replace(one, prefix="rampart-candidate"))

    def with_signed(self, image: str) -> Self:
        """Return the same with an image that passes where signatures are asked for."""
        return self.changed(lambda one: replace(one, image=image if one.name in self.trust else ""))

    def unenforced(self) -> list[str]:
        """Say what the definition demands and nobody enforces."""
        said = []
        for environment in self.environments:
            if environment.signatures and environment.name not in self.trust:
                why = "there is no key ring yet" if self.engine == "kyverno" else f"{self.engine} cannot"
                said.append(f"{environment.name} does not ask for signatures: {why}")
        if self.engine == "gatekeeper":
            names = sorted({guard.policy.name for guard in self.guards if not guard.policy.rego})
            said.append(f"not written for Gatekeeper: {', '.join(names)}")
        return said


def _trust(data: Mapping[str, Any], environment: Environment, now: datetime) -> Trust | None:
    path = Path(data.get("keyring") or "")
    if not environment.signatures or data["engine"] != "kyverno" or not path.is_file():
        return None
    try:
        ring = keyring.read(json.loads(path.read_bytes()), str(path))
    except (OSError, ValueError) as error:
        raise RampartError(
            f"Could not read the key ring {path}: {error}.",
            next_step="restore it from a backup; without it no signature is accepted",
        ) from error
    keys = tuple(key for key in ring.keys if not key.refusal(now))
    if not keys:
        raise RampartError(
            f"No key of the ring {path} is accepted now, so nothing could start in {environment.namespace}.",
            next_step="make a new key and sign the images with it (playbooks/signing_key_rotate.yml)",
        )
    demands = policy.demands((data.get("attestations") or {}).get(environment.name) or [])
    return Trust(keys, demands, tuple(data.get("pull_secrets") or ()))


def read(data: Mapping[str, Any], now: datetime) -> Admission:
    """Read everything that the role hands over, and refuse what contradicts itself."""
    engine = data["engine"]
    if engine not in ENGINES:
        raise RampartError(f"{engine!r} is no policy engine.", next_step=f"use one of {', '.join(ENGINES)}")
    policies = definition.read(data["policies"])
    environments = tuple(
        definition.environment_of(entry, data.get("images") or ()) for entry in data["environments"]
    )
    guards = tuple(each for one in environments for each in definition.guards(policies, one))
    found = {one.name: _trust(data, one, now) for one in environments}
    trust = {name: each for name, each in found.items() if each is not None}
    path = data.get("exceptions")
    exemptions = exemption_file.read(Path(path), now) if path else ()
    exceptions.refuse_strangers(exemptions, environments)
    held: list[PolicyExemption] = []
    for one in environments:
        known = [guard.policy.name for guard in guards if guard.environment is one]
        known += [images.POLICY] if one.name in trust else []
        held += exceptions.of_environment(exemptions, one, known, now)
    folder = Path(data.get("rego") or "")
    rego = {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8")
        for file in (sorted(folder.rglob("*.rego")) if data.get("rego") else ())
    }
    return Admission(
        engine,
        environments,
        guards,
        tuple(held),
        trust,
        tuple(data.get("mutations") or ()),
        tuple(data.get("generations") or ()),
        data.get("namespace", "kyverno"),
        rego,
    )


def _sealed(made: dict[str, Any], exempted: Sequence[PolicyExemption]) -> dict[str, Any]:
    """Note on an object what it says, its exceptions included."""
    said = json.dumps([made["spec"], sorted(one.name for one in exempted)], sort_keys=True)
    notes = {**made["metadata"].get("annotations", {}), DIGEST: hashlib.sha256(said.encode()).hexdigest()}
    return {**made, "metadata": {**made["metadata"], "annotations": notes}}


def judging(admission: Admission, environment: Environment, action: str) -> dict[str, list[dict[str, Any]]]:
    """Render what judges objects of an environment, by policy; the first object of each carries the seal."""
    made: dict[str, list[dict[str, Any]]] = {}
    for guard in admission.of(environment):
        name = guard.policy.name
        exempted = admission.exempted(environment, name)
        if admission.engine == "kyverno":
            objects = [kyverno.validating(guard, action)]
        elif admission.engine == "kubernetes":
            objects = kubernetes.validating(guard, action, exempted)
        elif guard.policy.rego:
            objects = [gatekeeper.constraint(guard, action, exempted)]
        else:
            continue
        made[name] = [_sealed(objects[0], exempted), *objects[1:]]
    if admission.engine == "kyverno":
        for one in admission.exemptions:
            if one.environment.name == environment.name and one.policy in made:
                made[one.policy].append(exceptions.kyverno(one, admission.namespace))
    trust = admission.trust.get(environment.name)
    if trust is not None:
        exempted = admission.exempted(environment, images.POLICY)
        policy = images.image_policy(environment, trust, action, exempted)
        made[images.POLICY] = [_sealed(policy, exempted)]
    return made


def templates(admission: Admission) -> list[dict[str, Any]]:
    """Render what Gatekeeper has to know before its constraints."""
    if admission.engine != "gatekeeper":
        return []
    policies: dict[str, Policy] = {guard.policy.name: guard.policy for guard in admission.guards}
    libraries = [text for name, text in admission.rego.items() if name.startswith("lib/")]
    return [
        gatekeeper.template(one, admission.rego[f"{one.name}.rego"], libraries)
        for one in policies.values()
        if one.rego
    ]


def everything(admission: Admission) -> list[dict[str, Any]]:
    """Render all that is enforced."""
    made = templates(admission)
    for environment in admission.environments:
        judged = judging(admission, environment, environment.action)
        made += [each for objects in judged.values() for each in objects]
        if admission.engine == "kyverno":
            made += [kyverno.mutating(entry, environment) for entry in admission.mutations]
    if admission.engine == "kyverno":
        made += [kyverno.generating(entry) for entry in admission.generations]
    return made
