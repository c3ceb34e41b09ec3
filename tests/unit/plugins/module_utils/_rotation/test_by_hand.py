# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that a failed return prints are those that the runbook explains."""

from __future__ import annotations

import base64
import json
import re
from types import SimpleNamespace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._backends import (
    command,
    http,
    key_list,
    postgresql,
    service_account,
)
from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend, NoBackend, Turn
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Fate
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import by_hand
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition, Key

from tests.unit.collection import ROOT

OLD, NEW = {"username": b"app_a"}, {"username": b"app_b"}
RUNBOOK = re.sub(r" \\\n *", " ", (ROOT / "docs/runbooks/rotation-by-hand.md").read_text(encoding="utf-8"))


def listed(
    backend: Backend, name: str = "NAME", old: dict[str, bytes] = OLD, new: dict[str, bytes] = NEW
) -> list[str]:
    """Return what is printed for one Secret with its backend, without what psql takes for a comment."""
    definition = Definition("prod", name, "database", (Key("password", "password", {}),))
    member = Member(definition, name, {"password": Fate.PLAIN}, old=old, new=new)
    group = Group([member], templates={"Deployment/backend": {"secret.rampart.k8s/x": None}})
    shop: Any = SimpleNamespace(
        store=SimpleNamespace(namespace="prod"),
        journal=SimpleNamespace(id="ID"),
        backends=lambda _group: [(member, backend)],
        turn=lambda _member: Turn("ID", "prod", name, old, new),
    )
    return [line.partition("  #")[0] for line in by_hand.commands(shop, group)]


def of_postgresql() -> Backend:
    options = {"host": "db", "port": 5432, "username_key": "username", "password_key": "password"}
    return postgresql.Postgresql(options, "overlap", SimpleNamespace())  # type: ignore[arg-type]


def test_the_runbook_has_every_command_in_order() -> None:
    found = listed(of_postgresql(), "backend-database")
    assert found[0].startswith("kubectl -n prod get secret backend-database-last-ID ")
    assert found[1].startswith('kubectl -n prod patch deployment/backend --type=merge -p \'{"spec":')
    assert found[2:] == [
        "kubectl -n prod rollout status deployment/backend",
        "psql -c 'ALTER ROLE \"app_b\" PASSWORD NULL'",
        "kubectl -n prod delete secret --ignore-not-found backend-database-next-ID backend-database-last-ID "
        "rampart-rotation-ID",
    ]
    places = [RUNBOOK.find(one) for one in (found[0], "kubectl -n prod patch deployment/backend", *found[2:])]
    assert -1 not in places
    assert places == sorted(places)


def test_the_runbook_has_what_each_backend_prints() -> None:
    around: Any = SimpleNamespace(namespace="prod")
    redactor: Any = SimpleNamespace()
    claims = {"kubernetes.io": {"secret": {"name": "NAME-token-ID"}}}
    token = b"e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()) + b".x"
    lists = {"namespace": "LIST-NAMESPACE", "name": "LIST", "key": "api-key"}
    admin = {"username": b"postgres"}
    printed = [
        *listed(http.HttpApi({"url": "URL", "revoke": {"path": "/"}}, around, redactor))[3:-1],
        *listed(command.Command({"argv": ["PROGRAM"]}, around, redactor))[3:-1],
        *listed(key_list.KeyList(lists, around, redactor))[3:-1],
        *listed(
            service_account.ServiceAccountToken({"name": "a", "token_key": "token"}, around),
            new={"token": token},
        )[3:-1],
        *listed(of_postgresql(), old=admin, new=admin)[3:-1],
    ]
    assert len(printed) == 5
    assert [one for one in printed if f"`{one}`" not in RUNBOOK] == []


def test_nothing_is_printed_for_a_secret_without_a_backend() -> None:
    assert listed(NoBackend())[3:-1] == []
