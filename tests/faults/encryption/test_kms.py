# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migration to a KMS and within it: a real plugin behind a unix socket, real API servers, raw etcd."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import classify
from ansible_collections.rampart.k8s.tests.support.encrypted import Editor, Encrypted
from ansible_collections.rampart.k8s.tests.support.kms import Kms
from ansible_collections.rampart.k8s.tests.support.modules import call

COUNT = 30


@pytest.fixture
def kms(tmp_path: Path) -> Iterator[Kms]:
    with Kms(tmp_path) as kms:
        yield kms


def wanted(kms: Kms, name: str = "vault") -> dict[str, Any]:
    return {"provider": "kms", "kms": {"name": name, "endpoint": f"unix://{kms.socket}"}}


def key_ids(cluster: Encrypted) -> Counter[tuple[str, str, str]]:
    """Count the secrets in etcd by provider, key and key of the KMS."""
    found = (classify(value) for value in cluster.raw().values())
    return Counter((envelope.provider, envelope.key, envelope.key_id) for envelope in found)


def test_to_a_kms_its_next_key_and_back(kms: Kms, tmp_path: Path) -> None:
    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(COUNT)
        with Editor(cluster, COUNT) as editor:
            answer = cluster.rotate(**wanted(kms))
        assert answer["changed"], answer
        assert cluster.shown() == [["kms(vault)"]]
        assert key_ids(cluster) == {("kms", "vault", "kek-1"): COUNT}
        assert (editor.lost(), editor.refused) == ({}, [])
        assert not cluster.rotate(**wanted(kms))["changed"]

        # The KMS makes a new key. API servers ask for it once a minute, or when they start.
        kms.add_key("kek-2")
        deadline = time.monotonic() + 120
        while not (answer := cluster.rotate(check=True, **wanted(kms)))["changed"]:
            assert time.monotonic() < deadline, "the API server did not notice the new key"
            time.sleep(2)
        assert [step["step"] for step in answer["steps"]] == ["rewrite"]
        with Editor(cluster, COUNT) as editor:
            answer = cluster.rotate(**wanted(kms))
        assert answer["changed"], answer
        assert key_ids(cluster) == {("kms", "vault", "kek-2"): COUNT}
        assert editor.lost() == {}
        rows = [row for row in answer["census"]["counts"] if row["resource"] == "secrets"]
        assert [(row["key"], row["key_id"], row["count"]) for row in rows] == [("vault", "kek-2", COUNT)]
        assert not cluster.rotate(**wanted(kms))["changed"]

        answer = cluster.rotate(provider="secretbox")
        assert answer["changed"], answer
        (name,) = cluster.names()
        assert cluster.prefixes() == {f"k8s:enc:secretbox:v1:{name}": COUNT}


def test_a_kms_that_does_not_answer_is_taken_out_again(kms: Kms, tmp_path: Path) -> None:
    """The file on the disk is what an API server starts with; a dead plugin must not stay in it."""
    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(3)
        before = cluster.path.read_bytes()
        kms.stop()
        # The automatic reload refuses the file and goes on with what it has.
        answer = cluster.rotate(**{**wanted(kms), "reload": "automatic", "reload_timeout": 150})
        assert answer["failed"]
        assert "could not load the encryption configuration" in answer["msg"]
        assert "taken out again" in answer["msg"]
        assert cluster.path.read_bytes() == before
        # Started with it, the API server serves and is not ready; it gets the old file back.
        answer = cluster.rotate(**{**wanted(kms), "reload_timeout": 15})
        assert "is not ready" in answer["msg"]
        assert "taken out again" in answer["msg"]
        assert cluster.path.read_bytes() == before
        assert cluster.client.transport.send("GET", "/readyz").status == 200
        kms.start()
        cluster.rotated(**wanted(kms))
        assert cluster.shown() == [["kms(vault)"]]


def test_a_socket_without_a_plugin_is_refused_before_a_write(kms: Kms, tmp_path: Path) -> None:
    with Encrypted.started(tmp_path) as cluster:
        before, mark = cluster.path.read_bytes(), cluster.rig.mark()
        kms.stop()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(kms.socket))
        answer = cluster.rotate(**wanted(kms))
        assert "does not answer at" in answer["msg"]
        assert cluster.path.read_bytes() == before
        verbs = {
            event["verb"] for event in cluster.rig.audit(mark) if "dryRun=All" not in event["requestURI"]
        }
        assert not verbs & {"create", "update", "patch", "delete"}


def test_resources_of_several_entries_move_together(kms: Kms, tmp_path: Path) -> None:
    with Encrypted.started(tmp_path, config={"resources": ["secrets"]}) as cluster:
        cluster.fill(3)
        more = {"path": str(cluster.path), "resources": ["secrets", "configmaps"]}
        assert call("encryption_config", more)["changed"]
        assert cluster.shown() == [
            [f"secretbox({cluster.names()[0]})"],
            [f"secretbox({cluster.names()[0]})", "identity"],
        ]
        answer = cluster.rotate(**wanted(kms))
        assert answer["changed"], answer
        assert answer["entries"] == [{"resources": ["secrets", "configmaps"], "providers": ["kms(vault)"]}]
        assert set(key_ids(cluster)) == {("kms", "vault", "kek-1")}
        assert answer["census"]["unencrypted"] == 0
