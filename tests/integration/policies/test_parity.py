# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One definition, and the same verdicts by whoever enforces it: Kyverno, the API server itself, and OPA."""

from __future__ import annotations

import copy
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._admission import rendering, samples
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.integration.policies import engines
from tests.support.admission import ROLE, ROOT, admission, exceptions
from tests.support.programs import tool


def test_three_engines_give_the_same_verdicts(client: Client, tmp_path: Path) -> None:
    by_kyverno, by_server = admission(), admission(engine="kubernetes")
    environment = next(one for one in by_kyverno.environments if one.name == "prod")
    guards = by_kyverno.of(environment)
    resources = engines.tried(by_kyverno, environment)
    policies = [items[0] for items in rendering.judging(by_kyverno, environment, "Deny").values()]

    said, judgements = engines.kyverno(tmp_path, policies, resources.values(), environment)
    assert said == engines.kubernetes(client, by_server, environment, resources)
    in_rego = {guard.name for guard in guards if guard.policy.rego}
    assert len(in_rego) == 16
    both = {sample: names & in_rego for sample, names in said.items() if names & in_rego}
    assert both == engines.opa(tmp_path, by_kyverno, environment, resources)

    # And they are the right ones: each sample against its own policy, and the harmless against nobody's.
    for sample in resources:
        policy, kind, _number = sample.rsplit("-", 2)
        if kind == "refused":
            assert f"rampart-prod-{policy}" in said[sample], sample
        else:
            assert sample not in said, sample
    kinds = {"Ingress": 1, "Deployment": len(guards) - 1}
    assert judgements == sum(kinds[item["kind"]] for item in resources.values())


def test_an_exception_ends_for_all_of_them(client: Client, tmp_path: Path) -> None:
    """What was rendered while an exception held is still there when it has ended: no run has removed it."""
    now = datetime.now(UTC)
    ends = {"ended": now - timedelta(days=1), "lasting": now + timedelta(days=2)}
    entries = [
        {
            "scope": {"namespace": "staging", "application": application},
            "created": str((now - timedelta(days=5)).date()),
            "expires": str(end.date()),
        }
        for application, end in ends.items()
    ]
    before = now - timedelta(days=3)
    path = exceptions(tmp_path, *entries)
    by_kyverno, by_server = (
        admission(before, exceptions=path, engine=engine) for engine in ("kyverno", "kubernetes")
    )
    environment = next(one for one in by_kyverno.environments if one.name == "staging")
    [guard] = [one for one in by_kyverno.of(environment) if one.policy.name == "read-only-root"]
    refused = next(sample.object for sample in samples.samples(guard) if sample.refused)
    resources = {}
    for name in ("ended", "lasting", "other"):
        resources[name] = copy.deepcopy(refused)
        resources[name]["metadata"]["name"] = name
        resources[name]["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] = name
    policy, *excepted = rendering.judging(by_kyverno, environment, "Deny")["read-only-root"]
    assert len(excepted) == 2

    wanted = {name: {guard.name} for name in ("ended", "other")}
    said, _judgements = engines.kyverno(tmp_path, [policy], resources.values(), environment, excepted)
    assert said == wanted
    assert engines.kubernetes(client, by_server, environment, resources) == wanted
    assert engines.opa(tmp_path, by_kyverno, environment, resources) == wanted


def test_the_rego_is_tested_by_opa() -> None:
    command = [
        str(tool("opa")),
        "test",
        "--fail-on-empty",
        str(ROLE / "files/rego"),
        str(ROOT / "tests/rego"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
