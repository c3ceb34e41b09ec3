# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a quota would break is kept as evidence, and a run in which nothing tightens leaves none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.quota import QuotaCheck
from ansible_collections.rampart.k8s.tests.support.cluster import FakeCluster

QUOTAS = "/api/v1/namespaces/dev/resourcequotas"


class OneQuota(FakeCluster):
    """A cluster whose namespace dev has a quota that is nearly used up."""

    def list_all(
        self, path: str, *, query: Mapping[str, Any] | None = None, target: str = ""
    ) -> tuple[list[dict[str, Any]], str]:
        quota = {
            "metadata": {"name": "rampart", "namespace": "dev"},
            "spec": {"hard": {"pods": "10"}},
            "status": {"used": {"pods": "8"}},
        }
        return ([quota] if path == QUOTAS else []), "1"


def check(folder: Path, pods: str, *, check_mode: bool = False) -> Plan:
    parameters = {
        "namespaces": [{"name": "dev", "object": "rampart", "quota": {"pods": pods}, "limit_range": {}}],
        "force": False,
        "report_only": False,
        "evidence_dir": str(folder),
        "evidence_play": {},
    }
    made = QuotaCheck(parameters, Redactor(), check_mode=check_mode)
    return made._recorded(cast(Client, OneQuota()))


def test_where_nothing_tightens_nothing_is_judged(tmp_path: Path) -> None:
    assert check(tmp_path / "evidence", "10").result["evidence"] == ""
    assert not (tmp_path / "evidence").exists()


def test_a_verdict_is_kept_for_two_years(tmp_path: Path) -> None:
    assert check(tmp_path / "evidence", "9").result["evidence"] == "operations_2y:1"


def test_what_would_break_is_kept_before_the_task_fails(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="would break 1 things"):
        check(tmp_path / "evidence", "5")
    (stored,) = EvidenceStore(tmp_path / "evidence").verify().records
    assert stored.record.verdict == "failed"
    assert stored.record.summary["found"] == ["dev: pods is at 8, the quota would be 5"]


def test_check_mode_judges_and_keeps_nothing(tmp_path: Path) -> None:
    assert check(tmp_path / "evidence", "9", check_mode=True).result["evidence"] == ""
    assert not (tmp_path / "evidence").exists()
