# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed while keys and certificates are written."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call, run_killed


def wanted(folder: Path) -> dict[str, Any]:
    return {
        "directory": str(folder / "pki"),
        "authorities": [{"name": "ca", "common_name": "demo-ca"}],
        "certificates": [
            {
                "name": "etcd/server",
                "authority": "ca",
                "common_name": "etcd",
                "usages": ["server"],
                "dns": ["localhost"],
            }
        ],
        "key_pairs": [{"name": "sa", "algorithm": "ecdsa"}],
        "kubeconfigs": [
            {
                "path": str(folder / "kubeconfig"),
                "cluster": "demo",
                "server": "https://localhost",
                "authority": "ca",
                "certificate": "etcd/server",
                "user": "admin",
            }
        ],
    }


def test_a_run_killed_at_any_point_is_finished_by_the_next(tmp_path: Path) -> None:
    point = 0
    killed = True
    while killed:
        folder = tmp_path / str(point)
        folder.mkdir()
        arguments = wanted(folder)
        killed = run_killed("cluster_pki", arguments, point=point, folder=folder)
        authority = folder / "pki/ca.crt"
        before = authority.read_bytes() if authority.exists() else None
        answer = call("cluster_pki", arguments)
        assert not answer.get("failed"), answer["msg"]
        # Somebody may already trust it.
        assert before in (None, authority.read_bytes())
        assert not call("cluster_pki", arguments)["changed"]
        assert not list(folder.rglob(".rampart-*"))
        subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", authority, folder / "pki/etcd/server.crt"],
            check=True,
            capture_output=True,
        )
        point += 1
    assert point > 20


def trusted_by(authority: Path, certificate: Path) -> bool:
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(authority), str(certificate)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", ["ca", "sa"])
@pytest.mark.parametrize("step", ["trust", "switch", "drop"])
def test_a_rotation_killed_at_any_point_is_finished_by_the_next(name: str, step: str, tmp_path: Path) -> None:
    """What is signed is trusted at every moment, and a run without a step keeps what is there."""
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    due = {"made_before": f"{soon:%Y-%m-%dT%H:%M:%SZ}"}
    order = ["trust", "switch", "drop"]
    point = 0
    killed = True
    while killed:
        folder = tmp_path / f"{point}"
        folder.mkdir()
        arguments = wanted(folder)
        assert call("cluster_pki", arguments)["changed"]
        for before in order[: order.index(step)]:
            rotate = [{"names": [name], "step": before, **(due if before == "trust" else {})}]
            assert call("cluster_pki", {**arguments, "rotate": rotate})["changed"]
        rotate = [{"names": [name], "step": step, **(due if step == "trust" else {})}]
        killed = run_killed("cluster_pki", {**arguments, "rotate": rotate}, point=point, folder=folder)
        authority, leaf = folder / "pki/ca.crt", folder / "pki/etcd/server.crt"
        assert trusted_by(authority, leaf)
        # Somebody runs the ordinary playbook before the rotation goes on.
        answer = call("cluster_pki", arguments)
        assert not answer.get("failed"), answer["msg"]
        assert trusted_by(authority, leaf)
        for following in order[order.index(step) :]:
            rotate = [
                {
                    "names": [name],
                    "step": following,
                    **(due if following == "trust" and step == "trust" else {}),
                }
            ]
            answer = call("cluster_pki", {**arguments, "rotate": rotate})
            assert not answer.get("failed"), answer["msg"]
            assert trusted_by(authority, leaf)
        assert answer["stages"] == {"ca": "settled", "sa": "settled"}
        assert authority.read_bytes().count(b"BEGIN CERTIFICATE") == 1
        assert (folder / "pki/sa.pub").read_bytes().count(b"BEGIN PUBLIC KEY") == 1
        assert not call("cluster_pki", arguments)["changed"]
        assert not list(folder.rglob("*.next.*"))
        point += 1
    # Dropping writes no more than one file.
    assert point > 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_is_said_and_healed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
    try:
        filler = disk / "filler"
        filler.write_bytes(b"x" * 8192)
        answer = call("cluster_pki", wanted(disk))
        assert answer["failed"]
        assert "No space left on device" in answer["msg"]
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
        assert call("cluster_pki", wanted(disk))["changed"]
        assert not call("cluster_pki", wanted(disk))["changed"]
    finally:
        subprocess.run(["umount", disk], check=True)
