# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds our rules for an EncryptionConfiguration against those of a real kube-apiserver.

The API server reads the file before it sets up any storage. So a file is refused when the process
ends with its reason, and accepted when it says that it goes on to storage; etcd is not needed.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.document import read
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.operation import EncryptionConfig
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate
from cryptography.hazmat.primitives import serialization

from tests.rig import pki
from tests.rig.rig import HOST, _free_ports, _tool
from tests.unit.plugins.module_utils._encryption.test_validation import CASES, content

DEADLINE = 30.0

# The first storage that is set up, right after the transformers are built.
NEXT_STEP = "storing apiServerPeerIPInfo"

Judge = Callable[[Path], str]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Return a function that gives the API server's reason for refusing a file, or an empty text."""
    program = _tool("kube-apiserver")
    folder = tmp_path_factory.mktemp("apiserver")
    key = pki.new_key()
    (folder / "sa.key").write_bytes(pki.key_pem(key))
    (folder / "sa.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    command = [
        program,
        "-v=3",
        # Nobody listens there.
        f"--etcd-servers=http://{HOST}:1",
        f"--bind-address={HOST}",
        f"--secure-port={_free_ports(1)[0]}",
        f"--cert-dir={folder}",
        "--service-account-issuer=https://nowhere",
        f"--service-account-signing-key-file={folder}/sa.key",
        f"--service-account-key-file={folder}/sa.pub",
    ]

    def ask(path: Path) -> str:
        flags = [*command, f"--encryption-provider-config={path}"]
        child = subprocess.Popen(flags, stderr=subprocess.PIPE, text=True)
        assert child.stderr
        limit = threading.Timer(DEADLINE, child.kill)
        limit.start()
        said = []
        try:
            for line in child.stderr:
                said.append(line)
                if NEXT_STEP in line:
                    return ""
                if '"command failed"' in line:
                    # A reason of several lines stands on the lines after this one.
                    return line + child.stderr.read()
        finally:
            limit.cancel()
            child.kill()
            child.communicate()
        raise AssertionError(f"the API server neither refused nor went on: {''.join(said)[-2000:]}")

    return ask


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_api_server_says_what_the_table_says(case: dict[str, Any], judge: Judge, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content(case))
    reason = judge(file)
    assert ("rejected" if reason else "accepted") == case["api_server"], reason
    if reason:
        assert re.search("error while (parsing file|building transformers)", reason)
    # Stricter than the API server is allowed with a reason; laxer is not.
    assert case["ours"] == case["api_server"] or (case["ours"] == "rejected" and case["why"])


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(("secrets", "configmaps"), "secretbox"),
        Wanted(("*.",), "aesgcm", {}, True),
        Wanted(("secrets", "*.apps", "*.example.com"), "aescbc", {}, True),
        Wanted(("secrets",), "kms", {"name": "v", "endpoint": "unix:///v.sock", "timeout": "3s"}),
    ],
    ids=lambda wanted: wanted.provider,
)
def test_the_api_server_accepts_what_we_write(wanted: Wanted, judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for step in (
        wanted,
        Wanted((*wanted.resources, "zebras.example.org"), wanted.provider, wanted.kms, True),
    ):
        operation = EncryptionConfig(str(path), step, None, Redactor())
        operation.apply(operation.plan())
        assert validate(read(path.read_bytes())) == []
        assert judge(path) == ""
