# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Case 26 of the fault plan: everything live is encrypted, and etcd still remembers plain text."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile, render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    Configuration,
    Entry,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.operation import EncryptionConfig
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.tests.support.modules import call

from tests.rig import Rig

CANARY = "canary-4f1d0c9b-plain"
SECRETS = "/api/v1/namespaces/default/secrets"


class Cluster:
    """A rig whose API server can be given other encryption entries."""

    def __init__(self, rig: Rig, path: Path, configuration: Configuration) -> None:
        self.rig, self._path, self._configuration = rig, path, configuration
        self.client = Client(Connection(str(rig.kubeconfig)), Redactor())

    def write_with(self, *, plaintext: bool) -> None:
        """Start the API server again, writing plain text or encrypted; it reads both."""
        (entry,) = self._configuration.entries
        (writer,) = (provider for provider in entry.providers if provider != IDENTITY)
        providers = (IDENTITY, writer) if plaintext else (writer, IDENTITY)
        self.rig.kill("kube-apiserver")
        self._path.write_bytes(render(Configuration((Entry(entry.resources, providers),))))
        self.rig.start("kube-apiserver")
        self.rig.wait_ready()

    def secret(self, name: str) -> dict[str, Any]:
        """Make a Secret that holds the canary."""
        data = {"key": base64.b64encode(CANARY.encode()).decode()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        return self.client.call("POST", SECRETS, body=body)

    def rewrite(self, name: str) -> None:
        """Write a Secret as it is: the API server stores it anew when its bytes are under an old key."""
        path = f"{SECRETS}/{name}"
        self.client.call("PUT", path, body=self.client.get(path))

    def census(self, **more: Any) -> dict[str, Any]:
        """Ask the module."""
        asked = {"endpoint": self.rig.etcd_endpoint, "resources": ["secrets"], "config_path": str(self._path)}
        answer = call("encryption_census_info", {**asked, **more})
        assert not answer.get("failed"), answer
        assert CANARY not in str(answer)
        return answer

    def compact(self) -> None:
        """Let etcd forget all revisions but the present one."""
        asked = {"revision": str(self.census()["revision"]), "physical": True}
        connection = http.client.HTTPConnection(self.rig.etcd_endpoint.removeprefix("http://"), timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", "/v3/kv/compaction", json.dumps(asked))
            assert connection.getresponse().status == 200


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    path = tmp_path / "config.yaml"
    operation = EncryptionConfig(str(path), Wanted(("secrets",), "secretbox", {}, True), None, Redactor())
    operation.apply(operation.plan())
    with Rig(api_flags=(f"--encryption-provider-config={path}",)) as rig:
        yield Cluster(rig, path, ConfigFile(path, Redactor()).require().configuration)


def test_26_plaintext_in_the_history_is_not_100_percent(cluster: Cluster) -> None:
    cluster.write_with(plaintext=True)
    cluster.secret("old")
    answer = cluster.census(canary=[CANARY])
    # The proof fails first: the canary is there to be found.
    assert answer["verdict"] == "canary_found"
    assert answer["canary_objects"] == ["/registry/secrets/default/old"]
    assert (answer["encrypted_percent"], answer["unencrypted"]) == (0.0, 1)

    cluster.write_with(plaintext=False)
    cluster.secret("new")
    answer = cluster.census()
    assert answer["verdict"] == "plaintext"
    assert answer["unencrypted_objects"] == ["/registry/secrets/default/old"]
    assert answer["encrypted_percent"] == 50.0

    cluster.rewrite("old")
    answer = cluster.census()
    assert answer["verdict"] == "plaintext_history"
    assert not answer["encrypted_completely"]
    assert answer["encrypted_percent"] == 100.0
    assert answer["history_unencrypted"] == 1
    assert cluster.census(canary=[CANARY])["verdict"] == "canary_found"

    cluster.compact()
    answer = cluster.census(canary=[CANARY])
    assert answer["verdict"] == "encrypted"
    assert answer["encrypted_completely"]
    assert answer["history_unencrypted"] == 0
    assert answer["under_other_keys"] == 0


def test_26_a_deleted_plaintext_object_is_remembered_too(cluster: Cluster) -> None:
    cluster.write_with(plaintext=True)
    cluster.secret("gone")
    cluster.client.delete(f"{SECRETS}/gone")
    cluster.write_with(plaintext=False)
    cluster.secret("new")
    assert cluster.census()["verdict"] == "plaintext_history"
    cluster.compact()
    assert cluster.census()["verdict"] == "encrypted"


def test_26_compaction_does_not_clean_the_files(cluster: Cluster) -> None:
    cluster.write_with(plaintext=True)
    cluster.secret("old")
    cluster.write_with(plaintext=False)
    cluster.rewrite("old")
    cluster.compact()
    data = cluster.rig.folder / "etcd"
    answer = cluster.census(canary=[CANARY], etcd_data_dir=str(data))
    assert answer["verdict"] == "canary_found"
    assert answer["canary_objects"] == []
    assert any(file.startswith(str(data)) for file in answer["canary_files"])
