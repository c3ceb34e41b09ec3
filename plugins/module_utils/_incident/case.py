# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One pod of an incident: what is asked for, what stands, and what is still to be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import references, secrets
from ansible_collections.rampart.k8s.plugins.module_utils._incident import containment, severity, undo
from ansible_collections.rampart.k8s.plugins.module_utils._incident.undo import Record

Live = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for."""

    incident: str
    namespace: str
    pod: str
    severity: str
    title: str
    detach: bool
    scale_to_zero: bool
    renew_account: bool
    ttl: int
    image: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in the cluster and on the disk."""

    now: int
    pod: Live | None
    # What made the pod, the topmost of them, as Kind/name with its object.
    workload: str = ""
    workload_item: Live | None = None
    services: Sequence[Live] = ()
    policies: Sequence[Live] = ()
    quarantine: Live | None = None
    job: Live | None = None
    account: Live | None = None
    denying: Live | None = None
    cilium: bool = False
    # What Cilium says of the pod; None where it keeps no such object.
    endpoint: Live | None = None
    manifest: Live | None = None
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Both, and what follows."""

    ask: Ask
    seen: Seen

    @property
    def name(self) -> str:
        """The pod, for people."""
        return f"Pod {self.ask.namespace}/{self.ask.pod}"

    @property
    def gone(self) -> bool:
        """Whether there is no such pod."""
        return self.seen.pod is None

    @property
    def contains(self) -> bool:
        """Whether the pod is to be cut off."""
        return severity.contains(self.ask.severity) and not self.gone

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the pod has."""
        return containment.labels_of(self.seen.pod or {})

    @property
    def wanted(self) -> dict[str, str]:
        """The labels that it gets."""
        return containment.wanted_labels(self.labels, self.ask.incident, detach=self.detach)

    @property
    def account(self) -> str:
        """The service account that the pod names."""
        return str(((self.seen.pod or {}).get("spec") or {}).get("serviceAccountName") or "")

    @property
    def detach(self) -> bool:
        """Whether it leaves its Services and its workload, which would end it when it is scaled to none."""
        return self.ask.detach or self.ask.scale_to_zero

    @property
    def standing(self) -> Record | None:
        """What an earlier run noted for the same pod."""
        if self.seen.quarantine is None or self.seen.pod is None:
            return None
        found = Record.of(self.seen.quarantine)
        return found if found.uid == self.seen.pod["metadata"]["uid"] else None

    @property
    def replicas(self) -> int:
        """How many replicas its workload has; -1 where it has none."""
        spec = (self.seen.workload_item or {}).get("spec") or {}
        return int(spec.get("replicas", 1)) if undo.scalable(self.seen.workload) else -1

    def record(self) -> Record:
        """Return all that leads back; what an earlier run noted was nearer to the beginning."""
        pod = self.seen.pod or {}
        made = Record(
            self.ask.incident,
            self.ask.namespace,
            self.ask.pod,
            str(pod["metadata"]["uid"]),
            self.seen.now + self.ask.ttl,
            containment.back(self.labels, self.wanted),
            self.seen.workload,
            self.replicas if self.ask.scale_to_zero and self.replicas > 0 else -1,
        )
        before = self.standing
        if before is None:
            return made
        return replace(
            made,
            ends=before.ends if before.ends > self.seen.now else made.ends,
            labels={**made.labels, **before.labels},
            workload=before.workload or made.workload,
            replicas=before.replicas if before.replicas >= 0 else made.replicas,
        )

    def todo(self) -> list[str]:
        """Return what is to be done, by the names of the phases."""
        if self.gone:
            return []
        if not severity.investigates(self.ask.severity):
            return [] if self.seen.noted else ["note"]
        found = [] if self.seen.manifest else ["evidence"]
        if self.contains:
            found += [] if self._contained() else ["contain"]
            if self.ask.scale_to_zero and self.replicas > 0:
                found.append("scale")
            if self.ask.renew_account and not self._revoked():
                found.append("revoke")
        return found

    def _contained(self) -> bool:
        standing = self.standing
        return (
            standing is not None
            and standing == self.record()
            and self.seen.job is not None
            and (self.seen.denying is not None or not self.seen.cilium)
            and self.labels == self.wanted
            and (self.seen.endpoint is None or containment.is_cut(self.seen.endpoint, self.ask.incident))
        )

    def _revoked(self) -> bool:
        """Say whether its account is younger than the quarantine: it was made anew then."""
        if self.seen.account is None:
            return True
        if self.seen.quarantine is None:
            return False
        account, quarantine = self.seen.account["metadata"], self.seen.quarantine["metadata"]
        return bool(account["creationTimestamp"] >= quarantine["creationTimestamp"])

    def left_open(self) -> list[str]:
        """Return the policies that still let something through when all is done."""
        if not self.contains:
            return []
        if ((self.seen.pod or {}).get("spec") or {}).get("hostNetwork"):
            return ["(none holds for a pod in the network of its node)"]
        if self.seen.cilium:
            return []
        return containment.still_open(self.seen.policies, self.wanted)

    def result(self) -> dict[str, Any]:
        """Return what can be said before anything is done."""
        pod = self.seen.pod or {}
        exposed = sorted(secrets(references(pod.get("spec") or {})))
        record = self.record() if self.contains else None
        workload = record.workload if record else self.seen.workload
        return {
            "id": self.ask.incident,
            "namespace": self.ask.namespace,
            "pod": self.ask.pod,
            "severity": self.ask.severity,
            "title": self.ask.title,
            "state": self._state(),
            "phases": self.todo(),
            "workload": workload,
            "account": self.account,
            "secrets": [f"{self.ask.namespace}/{name}" for name in exposed],
            "services": containment.in_services(self.seen.services, self.labels),
            "open": self.left_open(),
            "ends": record.ends if record else 0,
            "undo": undo.told(record, self._irreversible()) if record else [],
        }

    def _state(self) -> str:
        if self.gone:
            return "gone"
        if self.contains:
            return "contained"
        return "investigated" if severity.investigates(self.ask.severity) else "noted"

    def _irreversible(self) -> list[str]:
        if not self.ask.renew_account:
            return []
        return [f"every token of ServiceAccount {self.ask.namespace}/{self.account} was revoked"]
