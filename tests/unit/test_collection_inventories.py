# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories parse, say nothing that no role reads, and document what an operator may set."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.utils.vars import merge_hash
from ansible_collections.rampart.k8s.plugins.filter.declared_secrets import declared_secrets
from ansible_collections.rampart.k8s.plugins.filter.environments import environments
from ansible_collections.rampart.k8s.plugins.module_utils._preflight import variables

from tests.support.modules import call
from tests.unit.collection import ROOT, load

INVENTORIES = sorted(path.name for path in (ROOT / "inventories").iterdir())
# The roles that land in an existing cluster; the others work below the API.
ROLES = (
    "preflight",
    "tools",
    "environments",
    "namespaces",
    "rbac",
    "network_policies",
    "pod_security",
    "kyverno",
    "secrets",
    "evidence",
)
SHARED = {"cluster_driver", "cluster_name", "cluster_kubeconfig", "cluster_context", "expect_cluster_uid"}


def named(inventory: str) -> set[str]:
    """Collect the variables of an inventory, those in comments too."""
    files = (ROOT / f"inventories/{inventory}").rglob("*.yml")
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"^ *(?:# )?([a-z][a-z0-9_]*):", text, flags=re.MULTILINE))


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_every_inventory_parses_and_names_a_driver(inventory: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-inventory"), "--list", "-i", f"inventories/{inventory}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"cluster_driver"' in done.stdout


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_an_inventory_names_only_what_a_role_reads(inventory: str) -> None:
    assert variables.unknown(named(inventory), variables.declared(ROOT / "roles"), []) == {}


@pytest.mark.parametrize("inventory", ["staging", "production"])
def test_an_operator_finds_every_variable(inventory: str) -> None:
    declared = variables.declared(ROOT / "roles")
    wanted = SHARED.union(*(declared[role] for role in ROLES))
    assert sorted(wanted - named(inventory)) == []


@pytest.mark.parametrize("inventory", ["staging", "production"])
def test_a_variable_stands_in_the_file_of_its_role(inventory: str) -> None:
    declared = variables.declared(ROOT / "roles")
    folder = ROOT / f"inventories/{inventory}/group_vars/all"
    for role in ROLES:
        # How a role is verified stands with the other proofs.
        content = "".join((folder / f"{name}.yml").read_text(encoding="utf-8") for name in (role, "verify"))
        assert [name for name in sorted(declared[role]) if f"{name}:" not in content] == []


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_the_secrets_of_an_inventory_can_be_made(inventory: str, tmp_path: Path) -> None:
    """What is wrong with a declaration is told before a cluster is asked."""
    usual = load("roles/environments/defaults/main.yml")
    path = ROOT / f"inventories/{inventory}/group_vars/all/environments.yml"
    own = load(path) if path.is_file() else {}
    common = merge_hash(usual["environments_common"], own.get("rampart_environments_common", {}))
    tiers = own.get("rampart_environments", usual["environments_tiers"])
    declared = declared_secrets(environments(tiers, common))
    done = call("secret_rotate", {"kubeconfig": str(tmp_path / "none"), "secrets": declared}, check=True)
    assert "failed" not in done, done["msg"]
    assert {one["action"] for one in done["secrets"]} == {"created"}
    assert len(done["secrets"]) == len(declared) >= len(tiers) * 8
