# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that a failed return prints are those that the runbook explains."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._backends import (
    command,
    http,
    key_list,
    postgresql,
    service_account,
)
from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend, NoBackend, Turn
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Consumer, Graph
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import (
    NONE,
    RELOAD,
    RESTART,
    Hook,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Fate, Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import by_hand
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Journal, Member
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition, Key

from tests.unit.collection import ROOT

OLD, NEW = MappingProxyType({"username": b"app_a"}), MappingProxyType({"username": b"app_b"})
RUNBOOK = re.sub(r" \\\n *", " ", (ROOT / "docs/runbooks/rotation-by-hand.md").read_text(encoding="utf-8"))
TEMPLATES: dict[str, dict[str, str | None]] = {"Deployment/backend": {"secret.rampart.k8s/x": None}}
POD = {"metadata": {"name": "postgresql-0"}, "spec": {"containers": [{"name": "postgresql"}]}}


def made(
    name: str = "NAME",
    old: Mapping[str, bytes] | None = OLD,
    new: Mapping[str, bytes] | None = NEW,
    *,
    kind: str = "command",
    strategy: str = "overlap",
) -> Member:
    """Return a secret of a rotation that has written its new content."""
    keys = (Key("username", "password", {}),)
    definition = Definition("prod", name, "database", keys, strategy=strategy, backend=kind)
    before = name if old is not None else ""
    names = dict.fromkeys(Stage, f"{name}-2" if strategy == "versioned" else name)
    prints = {stage: "old" if stage is Stage.OLD else "new" for stage in Stage}
    return Member(
        definition,
        before,
        {"username": Fate.PLAIN},
        prints,
        {**names, Stage.OLD: before or name},
        None if old is None else dict(old),
        None if new is None else dict(new),
    )


def listed(
    backend: Backend,
    *members: Member,
    others: tuple[Group, ...] = (),
    graph: Graph | None = None,
    **more: Any,
) -> list[str]:
    """Return what is printed for some Secrets with their backend, without what psql takes for a comment."""
    group = Group(list(members), **more)
    space = SimpleNamespace(pods_of=lambda _kind, _name: [POD])
    shop: Any = SimpleNamespace(
        store=SimpleNamespace(namespace="prod"),
        journal=Journal("ID", "prod", "scheduled", "", [group, *others]),
        backend=lambda _definition: backend,
        turn=lambda member: Turn("ID", "prod", member.name, member.old, member.new),
        read=lambda: (space, graph or {}),
    )
    return [line.partition("  #")[0] for line in by_hand.commands(shop, group)]


def middle(backend: Backend, **given: Any) -> list[str]:
    """Return what is printed for the backend."""
    return listed(backend, made(**given))[1:-1]


def of_postgresql() -> Backend:
    options = {"host": "db", "port": 5432, "username_key": "username", "password_key": "password"}
    return postgresql.Postgresql(options, "overlap", SimpleNamespace())  # type: ignore[arg-type]


def user(kind: str, name: str, action: str, *pointers: str, hook: Hook | None = None) -> Consumer:
    return Consumer(kind, name, ("volume",), action, "", pointers, hook)


def test_the_runbook_has_every_command_in_order() -> None:
    reload = Hook(command=("sh", "-c", "kill -HUP 1"))
    found = listed(
        of_postgresql(),
        made("backend-database", new={**NEW, "KEY": b"more"}),
        templates=TEMPLATES,
        graph={"backend-database": [user("StatefulSet", "postgresql", RELOAD, hook=reload)]},
    )
    assert found[0].startswith("kubectl -n prod get secret backend-database-last-ID -o=jsonpath=")
    assert found[2].startswith('kubectl -n prod patch deployment/backend --type=merge -p \'{"spec":')
    assert [found[1], *found[3:]] == [
        'kubectl -n prod patch secret backend-database --type=merge -p \'{"data": {"KEY": null}}\'',
        "kubectl -n prod rollout status deployment/backend",
        "kubectl -n prod annotate pod postgresql-0 --overwrite rampart.k8s/refresh=by-hand",
        "kubectl -n prod exec postgresql-0 -c postgresql -- sh -c 'kill -HUP 1'",
        "psql -c 'ALTER ROLE \"app_b\" PASSWORD NULL' -c 'SELECT pg_terminate_backend(pid) "
        "FROM pg_stat_activity WHERE usename = $$app_b$$'",
        "kubectl -n prod delete secret --ignore-not-found backend-database-next-ID backend-database-last-ID "
        "rampart-rotation-ID",
    ]
    wanted = [*found[:2], "kubectl -n prod patch deployment/backend --type=merge", *found[3:]]
    places = [RUNBOOK.find(one) for one in wanted]
    assert -1 not in places, wanted[places.index(-1)]
    assert places == sorted(places)


def test_the_runbook_has_what_each_backend_prints() -> None:
    around: Any = SimpleNamespace(namespace="prod")
    redactor: Any = SimpleNamespace()
    claims = {"kubernetes.io": {"secret": {"name": "NAME-token-ID"}}}
    token = b"e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()) + b".x"
    lists = {"namespace": "LIST-NAMESPACE", "name": "LIST", "key": "username"}
    admin = {"username": b"postgres", "password": b"old"}
    printed = [
        *middle(http.HttpApi({"url": "URL", "revoke": {"path": "/"}}, around, redactor)),
        *middle(command.Command({"argv": ["PROGRAM"]}, around, redactor)),
        *middle(key_list.KeyList(lists, around, redactor)),
        *middle(
            service_account.ServiceAccountToken({"name": "a", "token_key": "username"}, around),
            new={"username": token},
        ),
        *middle(of_postgresql(), old=admin, new={**admin, "password": b"new"}),
    ]
    assert len(printed) == 5
    assert [one for one in printed if f"`{one}`" not in RUNBOOK] == []


def test_nothing_is_printed_for_a_backend_that_was_not_told() -> None:
    assert middle(NoBackend(), kind="") == []
    assert middle(of_postgresql(), new=OLD) == []
    assert middle(of_postgresql(), new=None) == []


def test_references_are_led_back_before_a_version_is_deleted() -> None:
    place = "/spec/template/spec/volumes/0/secret/secretName"
    graph = {
        "NAME-2": [user("Deployment", "web", RESTART, place), user("Ingress", "web", NONE, "/spec/tls/0")]
    }
    found = listed(NoBackend(), made(old=None, strategy="versioned", kind=""), graph=graph)
    back = '[{"op": "replace", "path": "%s", "value": "NAME"}]'
    assert found == [
        f"kubectl -n prod patch deployment/web --type=json -p '{back % place}'",
        "kubectl -n prod rollout status deployment/web",
        f"kubectl -n prod patch ingress/web --type=json -p '{back % '/spec/tls/0'}'",
        "kubectl -n prod delete secret --ignore-not-found NAME-2",
        "kubectl -n prod delete secret --ignore-not-found NAME-next-ID NAME-last-ID rampart-rotation-ID",
    ]


def test_a_journal_that_others_need_is_left_with_the_copies() -> None:
    found = listed(NoBackend(), made(kind=""), others=(Group([made("other")]),))
    assert found[-1].startswith("# run again: Secret rampart-rotation-ID is needed for other secrets too")
    assert not [line for line in found if "delete secret" in line]


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (
            Hook(method="POST", port=8080, path="/reload"),
            "kubectl create --raw /api/v1/namespaces/prod/pods/postgresql-0:8080/proxy/reload -f /dev/null",
        ),
        (
            Hook(method="GET", port=8080, path="/a?b=c d", scheme="https"),
            "kubectl get --raw '/api/v1/namespaces/prod/pods/https:postgresql-0:8080/proxy/a?b=c d'",
        ),
        (None, ""),
    ],
)
def test_a_hook_is_a_command_too(hook: Hook | None, expected: str) -> None:
    graph = {"NAME": [user("StatefulSet", "postgresql", RELOAD, hook=hook)]}
    found = listed(NoBackend(), made(kind=""), graph=graph)
    assert found[2:-1] == ([expected] if expected else [])


def test_what_cannot_be_read_is_said() -> None:
    def unreadable() -> Any:
        raise RampartError("there is no way.")

    group = Group([made(kind="")], templates=TEMPLATES)
    shop: Any = SimpleNamespace(
        store=SimpleNamespace(namespace="prod"),
        journal=Journal("ID", "prod", "scheduled", "", [group]),
        read=unreadable,
    )
    found = by_hand.commands(shop, group)
    assert found[1].startswith("# the namespace could not be read")
    assert found[3] == "kubectl -n prod rollout status deployment/backend"
