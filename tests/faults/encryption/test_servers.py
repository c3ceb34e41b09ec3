# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Case 22 of the fault plan: three API servers, each with a copy of the file; one does not follow."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile, render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    Configuration,
    Entry,
    Key,
    Provider,
)
from ansible_collections.rampart.k8s.tests.support.encrypted import RELOADING, SECRETS, Editor, Encrypted
from ansible_collections.rampart.k8s.tests.support.modules import call, run_apart

from tests.rig import Rig

COUNT = 24
NAMES = ("kube-apiserver", "kube-apiserver-2", "kube-apiserver-3")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="names of machines for API servers need root")


class Copies(Encrypted):
    """Three API servers, each with a copy of the file that it does not share."""

    def copy(self, name: str) -> Path:
        return self.path.parent.parent / "copies" / f"{name}.yaml"

    def servers(self, *, deaf: str = "", without: str = "") -> dict[str, Any]:
        """Tell the module how the copies are made; a deaf server never gets its own."""
        listed = []
        for name, url in self.rig.servers.items():
            copy = self.copy(name)
            put = f"cat > {copy}.new && mv {copy}.new {copy}" if name != deaf else "cat > /dev/null"
            listed.append(
                {"server": url, "publish": ["sh", "-c", put], "restart": self.rig.restart_command(name)}
            )
        return {"api_servers": [item for item in listed if item["server"] != self.rig.servers.get(without)]}

    def loaded(self) -> dict[str, list[str]]:
        """Return the providers of every copy."""
        return {
            name: ConfigFile(self.copy(name), Redactor()).require().configuration.shown()[0]["providers"]
            for name in NAMES
        }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    folder = tmp_path_factory.mktemp("cluster")
    path = folder / "encryption" / "config.yaml"
    assert call("encryption_config", {"path": str(path)})["changed"]
    (folder / "copies").mkdir()
    for name in NAMES:
        (folder / "copies" / f"{name}.yaml").write_bytes(path.read_bytes())
    flags = (f"--encryption-provider-config={folder}/copies/{{name}}.yaml", RELOADING)
    with Rig(api_flags=flags, servers=len(NAMES), kept=True) as rig:
        cluster = Copies(rig, path)
        cluster.fill(COUNT)
        yield cluster


def due() -> dict[str, Any]:
    return {"made_before": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))}


def finish(cluster: Copies, wanted: dict[str, Any]) -> None:
    answer = cluster.rotate(**wanted, **cluster.servers())
    assert not answer.get("failed"), answer["msg"]
    (name,) = cluster.names()
    assert cluster.prefixes() == {f"k8s:enc:secretbox:v1:{name}": COUNT}
    assert {str(shown) for shown in cluster.loaded().values()} == {str([f"secretbox({name})"])}
    assert not cluster.rotate(**wanted, **cluster.servers())["changed"]


def test_all_three_follow_while_each_is_written_to(cluster: Copies) -> None:
    with Editor(cluster, COUNT) as editor:
        finish(cluster, due())
    assert (editor.lost(), editor.refused) == ({}, [])


def test_22_one_that_does_not_follow_is_named_and_nothing_is_promoted(cluster: Copies) -> None:
    (old,) = cluster.names()
    wanted = due()
    deaf = cluster.rig.servers[NAMES[2]]
    answer = cluster.rotate(**wanted, **{**cluster.servers(deaf=NAMES[2]), "reload_timeout": 15})
    assert answer["failed"]
    assert f"1 of 3 API servers do not follow after 15 s: {deaf} works with sha256:" in answer["msg"]
    assert answer["servers"] == [deaf]
    # Nobody writes with a key that one of them cannot read.
    assert cluster.names() == [old]
    assert cluster.prefixes() == {f"k8s:enc:secretbox:v1:{old}": COUNT}
    finish(cluster, wanted)


def test_22_one_that_stays_behind_later_stops_the_rest(cluster: Copies) -> None:
    """A run was killed after the promotion was written and before it was told to anybody."""
    (old,) = cluster.names()
    wanted = due()
    arguments = cluster.arguments(**wanted, **cluster.servers())
    assert run_apart("encryption_rotate", arguments, point="written#2", folder=cluster.path.parent).killed
    new = next(name for name in cluster.names() if name != old)
    assert cluster.names() == [new, old]
    answer = cluster.rotate(**wanted, **{**cluster.servers(deaf=NAMES[1]), "reload_timeout": 15})
    assert answer["failed"]
    assert cluster.rig.servers[NAMES[1]] in answer["msg"]
    # The others may write with the new key by now, and the one behind reads it.
    assert cluster.names() == [new, old]
    for server in cluster.rig.servers.values():
        assert len(cluster.new_client(server).list_all(SECRETS)[0]) == COUNT
    finish(cluster, wanted)


def test_one_that_was_not_named_is_found_by_its_lease(cluster: Copies) -> None:
    mark, content = cluster.rig.mark(), cluster.path.read_bytes()
    answer = cluster.rotate(**due(), **cluster.servers(without=NAMES[1]))
    assert answer["failed"]
    assert "was not asked what it works with" in answer["msg"]
    assert f"host {NAMES[1]}" in answer["msg"]
    assert cluster.path.read_bytes() == content
    verbs = {event["verb"] for event in cluster.rig.audit(mark) if "dryRun=All" not in event["requestURI"]}
    assert not verbs & {"create", "update", "patch", "delete"}


def test_one_that_does_not_answer_is_named(cluster: Copies) -> None:
    content = cluster.path.read_bytes()
    cluster.rig.signal(NAMES[2], signal.SIGSTOP)
    try:
        answer = cluster.rotate(**due(), **cluster.servers())
    finally:
        cluster.rig.signal(NAMES[2], signal.SIGCONT)
    assert answer["failed"]
    assert cluster.rig.servers[NAMES[2]] in answer["msg"]
    assert cluster.path.read_bytes() == content
    finish(cluster, due())


def test_a_server_with_keys_of_its_own_does_not_get_our_file(cluster: Copies) -> None:
    """Its key could be the only one for what it has written."""
    name = NAMES[2]
    own = Key("by-hand", "b" * 43 + "=")
    other = Configuration((Entry(("secrets", "configmaps"), (Provider("secretbox", (own,)),)),))
    before = cluster.copy(name).read_bytes()
    cluster.copy(name).write_bytes(render(other))
    cluster.rig.restart(name)
    client = cluster.new_client(cluster.rig.servers[name])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "foreign"}, "data": {}}
        try:
            client.call("POST", SECRETS, body=body)
            break
        except RampartError:
            time.sleep(0.5)
    try:
        answer = cluster.rotate(**due(), **cluster.servers())
        assert answer["failed"]
        assert "secretbox(by-hand) (1 values)" in answer["msg"]
        assert cluster.copy(name).read_bytes() == render(other)
    finally:
        cluster.delete("/registry/secrets/default/foreign")
        cluster.copy(name).write_bytes(before)
        cluster.rig.restart(name)
        cluster.rig.wait_ready()
    finish(cluster, due())
