# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key is rotated on a real API server while its secrets are edited, and etcd itself says that it was."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.tests.support.encrypted import Editor, Encrypted
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.programs import tool

COUNT = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with Encrypted.started(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.fill(COUNT)
        yield cluster


def test_nothing_is_done_while_no_key_is_due(cluster: Encrypted) -> None:
    before, mark = cluster.rig.stored(), cluster.rig.mark()
    for check in (True, False):
        answer = cluster.rotate(check=check)
        assert not answer["changed"], answer["reason"]
    assert cluster.rig.stored() == before
    writing = {"create", "update", "patch", "delete"}
    written = [event["requestURI"] for event in cluster.rig.audit(mark) if event["verb"] in writing]
    assert [uri for uri in written if "selfsubjectaccessreviews?dryRun=All" not in uri] == []


def test_a_key_is_rotated_while_secrets_are_edited(cluster: Encrypted, tmp_path: Path) -> None:
    (old,) = cluster.names()
    wanted: dict[str, Any] = {
        # The key was made less than a second ago.
        "made_before": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)),
        "evidence_dir": str(tmp_path / "evidence"),
        "backup_dir": str(tmp_path / "backup"),
    }
    content, stored = cluster.path.read_bytes(), cluster.rig.stored()
    predicted = cluster.rotate(check=True, **wanted)
    assert [step["step"] for step in predicted["steps"]] == ["add", "promote", "rewrite", "retire"]
    assert (cluster.path.read_bytes(), cluster.rig.stored()) == (content, stored)
    assert not (tmp_path / "backup").exists()

    with Editor(cluster, COUNT) as editor:
        answer = cluster.rotate(**wanted)
        time.sleep(0.5)
    assert answer["changed"] is predicted["changed"] is True, answer
    assert [step["step"] for step in answer["steps"]] == ["add", "promote", "rewrite", "retire"]
    assert answer["diff"]["before"] == predicted["diff"]["before"]
    (new,) = cluster.names()
    assert new != old

    # etcd itself: nothing under the old key, and every edit is there.
    assert cluster.prefixes() == {f"k8s:enc:secretbox:v1:{new}": COUNT}
    assert set(cluster.prefixes("/registry/configmaps/")) == {f"k8s:enc:secretbox:v1:{new}"}
    assert sum(editor.edits.values()) > 10
    assert editor.lost() == {}
    assert editor.refused == []

    # The old key is in the backup, the census in the evidence.
    assert Path(answer["backup"]).stat().st_mode & 0o777 == 0o600
    assert old in Path(answer["backup"]).read_text()
    report = EvidenceStore(tmp_path / "evidence").verify()
    assert report.valid
    (record,) = report.records
    assert record.id == answer["evidence"]
    assert record.record.verdict == "passed"
    assert record.record.summary["under_other_keys"] == 0
    assert record.record.summary["counts"][f"secrets/secretbox/{new}"] == COUNT

    again = cluster.rotate(**wanted)
    assert not again["changed"], again
    assert cluster.names() == [new]


def test_a_second_rotation_is_told_who_the_first_is(cluster: Encrypted) -> None:
    lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/rampart-encryption"
    held = cluster.client.get(lease)
    held["spec"] |= {"holderIdentity": "somebody", "renewTime": "2026-11-22T10:15:30.000000Z"}
    cluster.client.call("PUT", lease, body=held)
    started = time.monotonic()
    answer = cluster.rotate(max_age_days=0, provider="aesgcm")
    assert answer["failed"]
    assert "held by somebody" in answer["msg"]
    assert time.monotonic() - started < 10
    held = cluster.client.get(lease)
    cluster.client.call("PUT", lease, body={**held, "spec": {**held["spec"], "holderIdentity": ""}})


def test_a_snapshot_says_the_same_as_the_living_etcd(cluster: Encrypted, tmp_path: Path) -> None:
    snapshot = tmp_path / "etcd.db"
    endpoint = f"--endpoints={cluster.rig.etcd_endpoint}"
    subprocess.run([tool("etcdctl"), endpoint, "snapshot", "save", snapshot], check=True, capture_output=True)
    asked = {"config_path": str(cluster.path), "resources": ["secrets", "configmaps"]}
    live = call("encryption_census_info", {"endpoint": cluster.rig.etcd_endpoint, **asked})
    kept = call("encryption_census_info", {"snapshot": str(snapshot), **asked})
    assert not kept.get("failed"), kept
    same = ("verdict", "live_values", "encrypted", "unencrypted", "history_values", "compacted_revision")
    assert {name: kept[name] for name in same} == {name: live[name] for name in same}
    assert [row for row in kept["counts"] if row["wanted"]] == [
        row for row in live["counts"] if row["wanted"]
    ]
    # etcd's own tool knows how many keys there are, deleted ones and old revisions included.
    status = subprocess.run(
        [tool("etcdutl"), "snapshot", "status", snapshot, "--write-out=fields"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f'"Revision" : {kept["revision"]}' in status

    content = bytearray(snapshot.read_bytes())
    for damage in (
        content[:-32],
        content[: len(content) // 2],
        bytes(64),
        content[:8192] + b"x" + content[8193:],
    ):
        snapshot.write_bytes(damage)
        broken = call("encryption_census_info", {"snapshot": str(snapshot), **asked})
        assert broken["failed"]
        assert "Could not read the etcd snapshot" in broken["msg"]
