# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Compares what is live with quotas and limits before they land."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live, quantity, usage
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Kind, responsible

QUOTA = Kind("ResourceQuota", "v1", "resourcequotas")
LIMITS = Kind("LimitRange", "v1", "limitranges")


def tighter(wanted: Mapping[str, Any], standing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that are new or lower than what stands: only they can break anything."""
    return {
        key: value
        for key, value in wanted.items()
        if key not in standing or quantity.parse(value) < quantity.parse(standing[key])
    }


class QuotaCheck(ClusterCheck):
    """Reads quotas, limits and workloads of the namespaces; changes nothing."""

    name = "quota_check"

    def judge(self, client: Client) -> Plan:
        """Judge what would tighten."""
        self._client = client
        self._wanted = {each["name"]: each for each in self.parameters["namespaces"]}
        # A namespace that is still to be made answers with empty lists.
        standing = live.read(self._client, self._wanted, (QUOTA, LIMITS))
        quotas = {name: self._tighter_quota(name, found) for name, found in standing.items()}
        limits = {name: self._tighter_limits(name, found) for name, found in standing.items()}
        judged = [name for name in self._wanted if quotas[name] or limits[name]]
        found = live.read(self._client, judged, (*KINDS, *live.COUNTED))
        breaks: list[dict[str, str]] = []
        unknown: list[str] = []
        for name in judged:
            measured = {
                key: value
                for item in standing[name][QUOTA.kind]
                if not (item["spec"].get("scopes") or item["spec"].get("scopeSelector"))
                for key, value in ((item.get("status") or {}).get("used") or {}).items()
            }
            over, cannot = usage.over_quota(quotas[name], found[name], measured)
            breaks += [{"namespace": name, **each} for each in over]
            unknown += [f"{name}: {key}" for key in cannot]
            if limits[name]:
                refused = usage.over_limit(limits[name], responsible(found[name]))
                breaks += [{"namespace": name, **each} for each in refused]
        if judged and self.ledger.writes:
            self.subject = self.cluster(client)
        return self._conclude(len(judged), breaks, unknown)

    def without_cluster(self) -> dict[str, Any]:
        """Where nothing is, nothing breaks."""
        return {"breaks": [], "violations": [], "not_judged": [], "passed": True}

    def _tighter_quota(self, name: str, found: live.Live) -> dict[str, Any]:
        own = [item for item in found[QUOTA.kind] if item["metadata"]["name"] == self._wanted[name]["object"]]
        return tighter(self._wanted[name]["quota"] or {}, own[0]["spec"].get("hard") or {} if own else {})

    def _tighter_limits(self, name: str, found: live.Live) -> dict[str, Any]:
        wanted = self._wanted[name]["limit_range"] or {}
        own = [
            item for item in found[LIMITS.kind] if item["metadata"]["name"] == self._wanted[name]["object"]
        ]
        standing = (own[0]["spec"].get("limits") or [{}])[0] if own else {}
        same = all(not tighter(wanted.get(key) or {}, standing.get(key) or {}) for key in ("max", "default"))
        return {} if same else wanted

    def _conclude(self, judged: int, breaks: list[dict[str, str]], unknown: list[str]) -> Plan:
        violations = [
            f"{each['namespace']}: {each['key']} is at {each['used']}, the quota would be {each['hard']}"
            if "key" in each
            else f"{each['namespace']}: {each['workload']} container {each['container']}: {each['reason']}"
            for each in breaks
        ]
        result = {
            "breaks": breaks,
            "violations": violations,
            "not_judged": unknown,
            "passed": not violations,
        }
        if violations and not (self.parameters["force"] or self.report_only):
            raise RampartError(
                f"The quotas and limits would break {len(violations)} things: {'; '.join(violations)}.",
                next_step="raise the quota, make them smaller, or set namespaces_quota_force to land it "
                "although their next restart will be refused",
                **result,
            )
        if not judged:
            return Plan(False, "no quota or limit gets tighter", result=result)
        return Plan(
            False, f"{len(violations)} things are above the new limits of {judged} namespaces", result=result
        )
