# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Case 21 of the fault plan and all around it: a rotation that is killed anywhere, and begun again.

Real API servers, real etcd, and clients that edit all the time. After each kill every secret can be read
and the file is one that an API server takes; the next run ends clean; the one after it changes nothing.
"""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile
from ansible_collections.rampart.k8s.tests.support.encrypted import MODULE, SECRETS, Editor, Encrypted
from ansible_collections.rampart.k8s.tests.support.modules import Ended, run_apart

COUNT = 24
# Of a run's steps on files, processes and the API, so many are tried besides the named ones.
STEPS = 12
SEQUENCES = 8


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with Encrypted.started(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.fill(COUNT)
        yield cluster


@pytest.fixture(scope="module", autouse=True)
def editor(cluster: Encrypted) -> Iterator[Editor]:
    with Editor(cluster, COUNT) as editor:
        yield editor
    assert sum(editor.edits.values()) > COUNT
    assert (editor.lost(), editor.refused) == ({}, [])


def due(**more: Any) -> dict[str, Any]:
    """Ask for keys that are made from now on."""
    return {"made_before": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)), **more}


def killed(cluster: Encrypted, wanted: dict[str, Any], point: int | str | None) -> Ended:
    return run_apart(MODULE, cluster.arguments(**wanted), point=point, folder=cluster.path.parent)


def check(cluster: Encrypted) -> None:
    """Every secret can be read, and the file is valid."""
    ConfigFile(cluster.path, Redactor()).require()
    cluster.rig.wait_ready()
    items, _version = cluster.client.list_all(SECRETS)
    assert len(items) == COUNT
    assert {base64.b64decode(item["data"]["value"]) for item in items} == {b"x" * 100}


def finish(cluster: Encrypted, wanted: dict[str, Any]) -> None:
    """The next run ends clean, and the one after it changes nothing."""
    answer = cluster.rotate(**wanted)
    assert not answer.get("failed"), answer["msg"]
    (name,) = cluster.names()
    provider = wanted.get("provider", "secretbox")
    assert cluster.prefixes() == {f"k8s:enc:{provider}:v1:{name}": COUNT}
    assert set(cluster.prefixes("/registry/configmaps/")) == {f"k8s:enc:{provider}:v1:{name}"}
    assert [file.name for file in cluster.path.parent.iterdir()] == [cluster.path.name]
    content = cluster.path.read_bytes()
    again = cluster.rotate(**wanted)
    assert not again.get("failed"), again["msg"]
    assert not again["changed"], again["reason"]
    assert cluster.path.read_bytes() == content


def test_killed_at_every_named_step(cluster: Encrypted, tmp_path: Path) -> None:
    backup = {"backup_dir": str(tmp_path / "backup")}
    whole = killed(cluster, due(**backup), None)
    assert whole.answer is not None
    assert not whole.answer.get("failed"), whole.answer["msg"]
    seen: dict[str, int] = {}
    points = []
    for name in whole.passed:
        seen[name] = seen.get(name, 0) + 1
        points.append(f"{name}#{seen[name]}")
    assert {"add", "promote", "rewrite", "retire", "write", "written", "backup", "census"} <= seen.keys()
    for point in points:
        wanted = due(**backup)
        ended = killed(cluster, wanted, point)
        assert ended.killed, f"{point}: {ended.answer}"
        check(cluster)
        finish(cluster, wanted)


def test_killed_at_steps_between_the_named_ones(cluster: Encrypted) -> None:
    rng = random.Random(20261122)  # noqa: S311
    died = 0
    for point in sorted(rng.sample(range(10, 200), STEPS)):
        wanted = due()
        died += killed(cluster, wanted, point).killed
        check(cluster)
        finish(cluster, wanted)
    assert died > STEPS / 2


def test_random_sequences_of_kills_and_all_that_goes_on(cluster: Encrypted) -> None:
    rng = random.Random(4)  # noqa: S311
    for _sequence in range(SEQUENCES):
        wanted = due(provider=rng.choice(("secretbox", "aesgcm", "aescbc")))
        for _event in range(rng.randint(2, 4)):
            event = rng.choice(("kill", "kill", "kill", "restart", "etcd", "change"))
            if event == "kill":
                killed(cluster, wanted, rng.randint(10, 220))
            elif event == "restart":
                cluster.rig.restart("kube-apiserver")
            elif event == "etcd":
                cluster.rig.restart("etcd")
            else:
                wanted = due(provider=rng.choice(("secretbox", "aesgcm")))
            check(cluster)
        finish(cluster, wanted)
