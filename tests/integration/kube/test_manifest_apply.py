# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every verdict is checked against the audit log, all keys of etcd and a read of our own."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.rig import Rig
from tests.rig.modules import run_module

CANARY = "correct-horse-battery-staple"


def bundle(name: str, *, level: str = "info", password: str = CANARY) -> list[dict[str, Any]]:
    """Return objects that need each other, in an order that would fail."""
    place = {"namespace": name}
    return [
        {
            "apiVersion": f"{name}.example.com/v1",
            "kind": "Widget",
            "metadata": {"name": "w", **place},
            "spec": {"size": 3},
        },
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{name}.example.com"},
            "spec": {
                "group": f"{name}.example.com",
                "scope": "Namespaced",
                "names": {
                    "kind": "Widget",
                    "plural": "widgets",
                    "singular": "widget",
                    "listKind": "WidgetList",
                },
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {
                            "openAPIV3Schema": {
                                "type": "object",
                                "properties": {
                                    "spec": {"type": "object", "properties": {"size": {"type": "integer"}}}
                                },
                            }
                        },
                    }
                ],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", **place},
            "stringData": {"password": password, "pin": "1234"},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "c", **place},
            "data": {"level": level},
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "q", **place},
            "spec": {"hard": {"cpu": "1000m"}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "deny", **place},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        },
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
    ]


def arguments(rig: Rig, definitions: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"kubeconfig": str(rig.kubeconfig), "definitions": definitions, **more}


def writes(rig: Rig, since: int) -> list[str]:
    """Return the requests that could have changed something."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in rig.audit(since)
        if event["verb"] not in ("get", "list", "watch") and "dryRun=All" not in event["requestURI"]
    ]


def actions(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found["kind"], found["action"]) for found in result["objects"]]


def test_check_do_check_do(rig: Rig, client: Client, name: str) -> None:
    given = arguments(rig, bundle(name))
    mark, stored = rig.mark(), rig.stored()

    would = run_module("manifest_apply", given, check=True)
    assert would["changed"] is True
    assert would["counts"]["created"] == 7
    assert writes(rig, mark) == []
    assert rig.stored() == stored
    assert client.find(f"/api/v1/namespaces/{name}") is None

    did = run_module("manifest_apply", given)
    assert actions(did) == actions(would), "the prediction was right"
    found = client.get(f"/api/v1/namespaces/{name}/secrets/s")
    assert base64.b64decode(found["data"]["password"]).decode() == CANARY
    assert client.get(f"/apis/{name}.example.com/v1/namespaces/{name}/widgets/w")["spec"] == {"size": 3}
    assert writes(rig, mark), "the audit log sees writes, so that its silence above means something"

    mark, stored = rig.mark(), rig.stored()
    for check in (True, False):
        again = run_module("manifest_apply", given, check=check)
        assert again["changed"] is False
        assert again["counts"]["unchanged"] == 7
    assert rig.stored() == stored
    assert writes(rig, mark) == []


def test_drift_is_found_and_repaired(rig: Rig, client: Client, name: str) -> None:
    given = arguments(rig, bundle(name))
    run_module("manifest_apply", given)
    path = f"/api/v1/namespaces/{name}/configmaps/c"
    client.call("PATCH", path, body={"data": {"level": "debug"}}, content_type="application/merge-patch+json")
    # The other one owns the field now: taking it back needs a word.
    refused = run_module("manifest_apply", given)
    assert "data.level is owned by" in refused["msg"]
    forced = {**given, "force_conflicts": True}
    would = run_module("manifest_apply", forced, check=True)
    assert client.get(path)["data"] == {"level": "debug"}
    did = run_module("manifest_apply", forced)
    for result in (would, did):
        assert result["counts"]["updated"] == 1
        assert result["diff"] == {
            "before": {f"ConfigMap {name}/c": {"data": {"level": "debug"}}},
            "after": {f"ConfigMap {name}/c": {"data": {"level": "info"}}},
        }
    assert client.get(path)["data"] == {"level": "info"}


def test_a_field_that_is_taken_out_goes(rig: Rig, client: Client, name: str) -> None:
    definition = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"a": "1", "b": "2"},
    }
    run_module("manifest_apply", arguments(rig, [definition]))
    del definition["data"]["b"]  # type: ignore[attr-defined]
    assert run_module("manifest_apply", arguments(rig, [definition]))["changed"] is True
    assert client.get(f"/api/v1/namespaces/default/configmaps/{name}")["data"] == {"a": "1"}


def test_no_secret_comes_out_in_any_mode(rig: Rig, name: str) -> None:
    after = CANARY + "-2"
    results = [
        run_module("manifest_apply", arguments(rig, bundle(name)), check=True),
        run_module("manifest_apply", arguments(rig, bundle(name))),
        run_module("manifest_apply", arguments(rig, bundle(name, password=after)), check=True),
        run_module("manifest_apply", arguments(rig, bundle(name, password=after))),
        run_module("manifest_apply", arguments(rig, [*bundle(name), {"kind": "broken"}])),
    ]
    changed = results[3]["diff"]["before"][f"Secret {name}/s"]["data"]
    assert changed["password"].startswith("hmac:")
    assert changed.keys() == {"password"}
    for result in results:
        for text in (
            CANARY,
            base64.b64encode(CANARY.encode()).decode()[:24],
            '"1234"',
            CANARY.encode().hex(),
        ):
            assert text not in result["_text"]


def test_fingerprints_of_two_runs_cannot_be_compared(rig: Rig, name: str) -> None:
    prints = {
        run_module("manifest_apply", arguments(rig, bundle(name)), check=True)["diff"]["after"][
            f"Secret {name}/s"
        ]["data"]["password"]
        for _unused in range(2)
    }
    assert len(prints) == 2


def test_an_empty_machine_completes_in_check_mode(rig: Rig, name: str) -> None:
    given = {"definitions": bundle(name), "kubeconfig": f"/nonexistent/{name}"}
    would = run_module("manifest_apply", given, check=True)
    assert would["counts"]["created"] == 7
    assert "There is no cluster to compare with yet" in str(would["warnings"])
    assert run_module("manifest_apply", {**given, "state": "absent"}, check=True)["changed"] is False
    assert "There is no kubeconfig" in run_module("manifest_apply", given)["msg"]


def test_missing_parents_are_no_error_in_check_mode_only(rig: Rig, name: str) -> None:
    children = [found for found in bundle(name) if found["kind"] in ("Widget", "ConfigMap")]
    would = run_module("manifest_apply", arguments(rig, children), check=True)
    assert actions(would) == [("Widget", "created"), ("ConfigMap", "created")]
    reasons = [found["reason"] for found in would["objects"]]
    assert "does not serve Widget yet" in reasons[0]
    assert f"nor does its namespace {name} yet" in reasons[1]
    assert "does not serve Widget" in run_module("manifest_apply", arguments(rig, children[:1]))["msg"]
    assert (
        f'namespaces "{name}" not found' in run_module("manifest_apply", arguments(rig, children[1:]))["msg"]
    )


def test_one_refusal_stops_everything_before_the_first_write(rig: Rig, name: str) -> None:
    good = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-a"}, "data": {"x": "1"}}
    typo = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-b"}, "dota": {"x": "1"}}
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not_A_Name"}}
    mark, stored = rig.mark(), rig.stored()
    result = run_module("manifest_apply", arguments(rig, [good, typo, wrong]))
    assert result["failed"]
    assert "2 objects would be refused" in result["msg"]
    assert ".dota" in result["msg"]
    assert "Not_A_Name" in result["msg"]
    assert rig.stored() == stored
    assert writes(rig, mark) == []


@pytest.mark.parametrize("twice", ["same", "default namespace"])
def test_a_list_that_contradicts_itself_is_refused(rig: Rig, name: str, twice: str) -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    other = {**one, "metadata": {"name": name, **({} if twice == "same" else {"namespace": "default"})}}
    assert "defined more than once" in run_module("manifest_apply", arguments(rig, [one, other]))["msg"]


def test_only_what_is_ours_is_pruned(rig: Rig, client: Client, name: str) -> None:
    def labelled(key: str) -> dict[str, Any]:
        metadata = {"name": f"{name}-{key}", "labels": {"set": name}}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    foreign = labelled("foreign")
    client.call("POST", "/api/v1/namespaces/default/configmaps", body=foreign)
    prune = {
        "label_selector": f"set={name}",
        "kinds": [{"api_version": "v1", "kind": "ConfigMap"}],
        "namespaces": ["default"],
    }
    run_module("manifest_apply", arguments(rig, [labelled("a"), labelled("b")]))
    given = arguments(rig, [labelled("a")], prune=prune)
    would = run_module("manifest_apply", given, check=True)
    did = run_module("manifest_apply", given)
    again = run_module("manifest_apply", given)
    assert (would["counts"]["deleted"], did["counts"]["deleted"], again["changed"]) == (1, 1, False)
    left = client.list_all("/api/v1/namespaces/default/configmaps", query={"labelSelector": f"set={name}"})[0]
    assert {found["metadata"]["name"] for found in left} == {f"{name}-a", f"{name}-foreign"}


def test_absent_deletes_once(rig: Rig, client: Client, name: str) -> None:
    definitions = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{number}"}} for number in "12"
    ]
    given = arguments(rig, definitions, state="absent", wait=True)
    run_module("manifest_apply", arguments(rig, definitions))
    results = [run_module("manifest_apply", given, check=check) for check in (True, False, True, False)]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert [result["counts"]["deleted"] for result in results] == [2, 2, 0, 0]
    assert client.find(f"/api/v1/namespaces/default/configmaps/{name}-1") is None


def test_in_list_order_one_comes_after_the_other(rig: Rig, name: str) -> None:
    definitions = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{name}-{number}"},
            "data": {"x": "1"},
        }
        for number in range(5)
    ]
    mark = rig.mark()
    run_module("manifest_apply", arguments(rig, definitions[::-1], order="list"))
    written = [uri.split("?")[0].rpartition("-")[2] for uri in writes(rig, mark)]
    assert written == ["4", "3", "2", "1", "0"]


def test_the_wrong_cluster_is_not_touched(rig: Rig, name: str) -> None:
    definition = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    mark = rig.mark()
    result = run_module("manifest_apply", arguments(rig, [definition], expect_cluster_uid="another"))
    assert "but another is expected. Nothing was written" in result["msg"]
    assert writes(rig, mark) == []
    assert len(rig.audit(mark)) == 1
