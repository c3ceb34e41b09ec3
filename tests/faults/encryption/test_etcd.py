# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases 19, 20, 23, 25 and 53 of the fault plan for a rotation, and values that nobody can decrypt."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import rotate_operation
from ansible_collections.rampart.k8s.tests.support.encrypted import SECRETS, Editor, Encrypted
from ansible_collections.rampart.k8s.tests.support.programs import tool

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def due(**more: Any) -> dict[str, Any]:
    return {"made_before": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)), **more}


def etcdctl(cluster: Encrypted, *arguments: str) -> None:
    endpoint = f"--endpoints={cluster.rig.etcd_endpoint}"
    subprocess.run([tool("etcdctl"), endpoint, *arguments], check=True, capture_output=True)


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def test_19_etcd_is_restarted_while_10k_values_are_rewritten(tmp_path: Path) -> None:
    count = int(os.environ.get("RAMPART_FAULT_SECRETS", "10000"))
    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(count)
        answers: list[dict[str, Any]] = []
        run = threading.Thread(target=lambda: answers.append(cluster.rotate(**due())))
        (old,) = cluster.names()
        with Editor(cluster, 200) as editor:
            run.start()
            until(lambda: cluster.names()[0] != old)
            restarts = 0
            for share in (0.1, 0.4, 0.7):
                until(partial(has_come, cluster, count * share))
                cluster.rig.kill("etcd")
                time.sleep(2)
                cluster.rig.start("etcd")
                restarts += 1
                until(partial(with_etcd, cluster))
            run.join()
        (answer,) = answers
        assert not answer.get("failed"), answer["msg"]
        (new,) = cluster.names()
        assert restarts == 3
        assert cluster.prefixes() == {f"k8s:enc:secretbox:v1:{new}": count}
        assert sum(editor.edits.values()) > 20
        assert editor.lost() == {}
        assert not cluster.rotate()["changed"]


def has_come(cluster: Encrypted, wanted: float) -> bool:
    return cluster.prefixes()[f"k8s:enc:secretbox:v1:{cluster.names()[0]}"] > wanted


def with_etcd(cluster: Encrypted) -> bool:
    with contextlib.suppress(Exception):
        return bool(cluster.raw("/registry/namespaces/"))
    return False


def test_20_a_full_etcd_stops_it_at_once(tmp_path: Path) -> None:
    with Encrypted.started(tmp_path, etcd_flags=("--quota-backend-bytes=16777216",)) as cluster:
        (old,) = cluster.names()
        # Written anew, they do not fit any more.
        cluster.fill(220, size=50_000)
        answer = cluster.rotate(**due())
        assert answer["failed"]
        assert "etcd has reached its quota" in answer["msg"]
        new, kept = cluster.names()
        assert kept == old
        assert cluster.prefixes()[f"k8s:enc:secretbox:v1:{old}"] > 0
        content = cluster.path.read_bytes()
        started = time.monotonic()
        answer = cluster.rotate(**due())
        assert "etcd has reached its quota" in answer["msg"]
        assert time.monotonic() - started < 20
        assert cluster.path.read_bytes() == content

        revision = str(cluster.census()["revision"])
        etcdctl(cluster, "compact", "--physical", revision)
        etcdctl(cluster, "defrag")
        etcdctl(cluster, "alarm", "disarm")
        cluster.rig.wait_ready()
        for _round in range(5):
            # It goes on where it was; the space suffices for a part each time. A full etcd does not take
            # back the lease either, and the process that held it is this one.
            answer = cluster.rotate(compact_history=True, lock_timeout=90)
            if not answer.get("failed"):
                break
            assert "etcd has reached its quota" in answer["msg"]
            etcdctl(cluster, "compact", "--physical", str(cluster.census()["revision"]))
            etcdctl(cluster, "defrag")
            etcdctl(cluster, "alarm", "disarm")
        assert not answer.get("failed"), answer["msg"]
        assert cluster.prefixes() == {f"k8s:enc:secretbox:v1:{new}": 220}


def test_a_value_that_nobody_can_decrypt_is_named_and_the_others_are_finished(tmp_path: Path) -> None:
    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(20)
        (old,) = cluster.names()
        lost, garbage = "/registry/secrets/default/lost", "/registry/secrets/default/garbage"
        value = cluster.raw()["/registry/secrets/default/s-0"]
        cluster.put(lost, value.replace(old.encode(), b"key-of-yesterday"))
        cluster.put(garbage, value[:60] + b"0" * 60)
        answer = cluster.rotate(**due())
        assert answer["failed"]
        assert set(answer["failed_values"]) == {lost, garbage}
        assert "no matching key was found" in answer["failed_values"][lost]
        assert lost in answer["msg"]
        assert "No key was dropped" in answer["msg"]
        assert any(
            f"etcdctl get --print-value-only {lost}" in step or garbage in step for step in answer["steps"]
        )
        new, kept = cluster.names()
        assert kept == old
        assert cluster.prefixes() == {
            f"k8s:enc:secretbox:v1:{new}": 20,
            f"k8s:enc:secretbox:v1:{old}": 1,
            "k8s:enc:secretbox:v1:key-of-yesterday": 1,
        }
        census = cluster.census()
        assert census["under_other_keys"] == 2
        # It stays so until a person decides.
        again = cluster.rotate()
        assert set(again["failed_values"]) == {lost, garbage}
        cluster.delete(lost)
        cluster.delete(garbage)
        answer = cluster.rotate()
        assert not answer.get("failed"), answer["msg"]
        assert cluster.names() == [new]


def test_a_key_that_another_resource_still_carries_is_not_dropped(tmp_path: Path) -> None:
    """Values of a resource that no entry covers cannot be read; their key is kept all the same."""
    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(3)
        (old,) = cluster.names()
        value = cluster.raw()["/registry/secrets/default/s-0"]
        cluster.put("/registry/example.org/widgets/default/a", value)
        answer = cluster.rotate(**due())
        assert answer["failed"]
        assert f"secretbox({old}) by 1 widgets.example.org" in answer["msg"]
        new, kept = cluster.names()
        assert kept == old
        cluster.delete("/registry/example.org/widgets/default/a")
        cluster.rotated()
        assert cluster.names() == [new]


BREAKS: dict[str, Callable[[str], str]] = {
    "yaml": lambda text: text.replace("resources:", "resources: [", 1),
    "wrong key length": lambda text: text.replace("secret: ", "secret: AAAA", 1),
    "emptied": lambda _text: "",
    "name twice": lambda text: text.replace(
        "      - name:", "      - {name: twice, secret: " + "A" * 43 + "=}\n      - name:", 1
    ).replace("- name: key", "- name: twice #", 1),
}


def test_23_a_broken_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with Encrypted.started(tmp_path) as cluster:
        good = cluster.path.read_text()
        (key,) = cluster.keys()
        pid = (cluster.rig.folder / "kube-apiserver.pid").read_text()
        for damage in BREAKS.values():
            cluster.path.write_text(damage(good))
            broken, mark = cluster.path.read_bytes(), cluster.rig.mark()
            for check in (True, False):
                answer = cluster.rotate_blindly(check=check, **due())
                assert answer["failed"]
                assert "is not valid" in answer["msg"]
                assert answer["problems"]
                assert key[:12] not in str(answer)
            assert cluster.path.read_bytes() == broken
            assert not [event for event in cluster.rig.audit(mark) if event["verb"] in ("update", "patch")]
        assert (cluster.rig.folder / "kube-apiserver.pid").read_text() == pid
        cluster.path.write_text(good)
        cluster.rotated(**due())


@needs_root
def test_25_a_full_or_read_only_disk_stops_every_step(tmp_path: Path) -> None:
    disk = tmp_path / "encryption"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
    try:
        with Encrypted.started(tmp_path) as cluster:
            cluster.fill(3)
            before = cluster.path.read_bytes()
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(b"x" * 512)
            answer = cluster.rotate(**due())
            assert "No space left on device" in answer["msg"]
            assert cluster.path.read_bytes() == before
            filler.unlink()
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            answer = cluster.rotate(**due())
            assert "Read-only file system" in answer["msg"]
            subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
            assert cluster.path.read_bytes() == before
            # A backup that cannot be written keeps the old key.
            answer = cluster.rotate(**due(backup_dir="/proc/nowhere"))
            assert "Could not back up" in answer["msg"]
            assert len(cluster.names()) == 2
            answer = cluster.rotate(backup_dir=str(tmp_path / "encryption" / "backup"))
            assert "be lost with it" in answer["msg"]
            cluster.rotated(backup_dir=str(tmp_path / "backup"))
            assert len(cluster.names()) == 1
    finally:
        subprocess.run(["umount", disk], check=True)


def test_53_large_and_odd_values_come_through_byte_by_byte(tmp_path: Path) -> None:
    odd = {
        "nul": b"\0\1\0",
        "no-utf8": b"\xff\xfe\x80",
        "lines": b"a\r\nb\n",
        "umlauts": "ÄÖÜ ☃".encode(),
        "empty": b"",
        "large": os.urandom(1024 * 1024 - 200),
    }
    with Encrypted.started(tmp_path) as cluster:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "odd"},
            "data": {name: base64.b64encode(value).decode() for name, value in odd.items()},
            "immutable": True,
        }
        made = cluster.client.call("POST", SECRETS, body=body)
        cluster.rotated(**due())
        found = cluster.client.get(f"{SECRETS}/odd")
        assert {name: base64.b64decode(found["data"].get(name, "")) for name in odd} == odd
        # Nothing but the revision changed: no time, no manager, no annotation.
        for thing in (made, found):
            del thing["metadata"]["resourceVersion"]
        assert made == found


def test_53_a_clock_that_jumps_back_an_hour_loses_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            moment = datetime.now(tz) - timedelta(hours=1)
            return cls.combine(moment.date(), moment.timetz())

    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(3)
        cluster.rotated(**due())
        (first,) = cluster.names()
        monkeypatch.setattr(rotate_operation, "datetime", Earlier)
        cluster.rotated(**due())
        (second,) = cluster.names()
        assert second > first
        assert not cluster.rotate(max_age_days=1)["changed"]


def test_26_history_under_an_old_key_is_told_and_forgotten_on_request(tmp_path: Path) -> None:
    with Encrypted.started(tmp_path, config={"allow_plaintext_read": True}) as cluster:
        cluster.fill(5)
        cluster.put("/registry/secrets/default/plain", b"k8s\0old and in plain text")
        cluster.delete("/registry/secrets/default/plain")
        answer = cluster.rotated(**due())
        assert answer["census"]["verdict"] == "plaintext_history"
        assert answer["census"]["history_unencrypted"] == 1
        assert answer["census"]["history_under_other_keys"] >= 5
        answer = cluster.rotate(**due(compact_history=True))
        assert answer["census"]["verdict"] == "encrypted"
        assert answer["census"]["history_under_other_keys"] == 0


def test_plain_text_is_encrypted_and_its_reader_closed(tmp_path: Path) -> None:
    """What encryption_config leaves open, since values may be stored in plain text, a rotation closes."""
    with Encrypted.started(tmp_path, config={"resources": ["secrets"]}) as cluster:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}, "data": {"a": "b"}}
        cluster.client.call("POST", CONFIGMAPS, body=body)
        assert "plain" in cluster.prefixes("/registry/configmaps/")
        cluster.config(resources=["secrets", "configmaps"])
        key = f"secretbox({cluster.names()[0]})"
        assert cluster.shown() == [[key], [key, "identity"]]
        answer = cluster.rotate()
        assert [step["step"] for step in answer["steps"]] == ["rewrite", "retire"]
        assert cluster.shown() == [[key], [key]]
        assert "plain" not in cluster.prefixes("/registry/configmaps/")
        assert not cluster.rotate()["changed"]


def test_what_the_user_may_not_do_is_said_before_a_write(tmp_path: Path) -> None:
    with Encrypted.started(tmp_path) as cluster:
        before = cluster.path.read_bytes()
        answer = cluster.rotate(**due(kubeconfig=str(cluster.rig.kubeconfig_for("eve", "guests"))))
        assert answer["failed"]
        assert "lacks" in answer["msg"]
        assert cluster.path.read_bytes() == before


@pytest.fixture(autouse=True)
def _no_rest() -> Iterator[None]:
    yield
    assert not [
        line for line in Path("/proc/mounts").read_text().splitlines() if "pytest" in line and "tmpfs" in line
    ]


def test_conflicts_of_the_api_server_are_tried_again(tmp_path: Path) -> None:
    """One object that is edited as fast as can be is rewritten all the same."""
    with Encrypted.started(tmp_path) as cluster:
        cluster.fill(1)
        with Editor(cluster, 1, rate=500) as editor:
            answer = cluster.rotate(**due())
        assert not answer.get("failed"), answer["msg"]
        assert sum(editor.edits.values()) > 100
        assert editor.lost() == {}
