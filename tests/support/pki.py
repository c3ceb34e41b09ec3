# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small hierarchy of certificates for tests, and ways to look at what was made of it."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.modules import cluster_pki

Arguments = dict[str, Any]


def example(pki: Path, kubeconfigs: Path) -> Arguments:
    """Two authorities, three certificates, a key pair and a kubeconfig."""
    return {
        "directory": str(pki),
        "authorities": [
            {"name": "ca", "common_name": "demo-ca"},
            {"name": "etcd/ca", "common_name": "etcd-ca"},
        ],
        "certificates": [
            {
                "name": "apiserver",
                "authority": "ca",
                "common_name": "kube-apiserver",
                "usages": ["server"],
                "dns": ["kubernetes", "localhost"],
                "addresses": ["127.0.0.1", "::1"],
            },
            {
                "name": "admin",
                "authority": "ca",
                "common_name": "kubernetes-admin",
                "organizations": ["system:masters", "operators"],
                "usages": ["client"],
            },
            {
                "name": "etcd/server",
                "authority": "etcd/ca",
                "common_name": "etcd",
                "usages": ["client", "server"],
                "addresses": ["127.0.0.1"],
            },
        ],
        "key_pairs": [{"name": "sa", "algorithm": "ecdsa"}],
        "kubeconfigs": [
            {
                "path": str(kubeconfigs / "admin.kubeconfig"),
                "cluster": "demo",
                "server": "https://127.0.0.1:6443",
                "authority": "ca",
                "certificate": "admin",
                "user": "admin",
            }
        ],
    }


def travel(monkeypatch: pytest.MonkeyPatch, *, days: int) -> None:
    """Let the module believe that more time has passed."""
    later = cluster_pki.now() + datetime.timedelta(days=days)
    monkeypatch.setattr(cluster_pki, "now", lambda: later)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def actions(answer: dict[str, Any]) -> dict[str, str]:
    assert not answer.get("failed"), answer["msg"]
    kinds = ("authorities", "certificates", "key_pairs", "kubeconfigs")
    return {
        entry["name"].rpartition("/pki/")[2]: entry["reason"]
        for kind in kinds
        for entry in answer[kind]
        if entry["action"] != "unchanged"
    }


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
