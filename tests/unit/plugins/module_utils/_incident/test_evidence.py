# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a pod, what is not, and that nobody changes it unseen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._incident import evidence
from ansible_collections.rampart.k8s.plugins.module_utils._incident.contain_operation import IncidentContain
from ansible_collections.rampart.k8s.plugins.module_utils._incident.folder import Folder
from ansible_collections.rampart.k8s.plugins.module_utils._incident.revoke import anew

KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIabc\n-----END RSA " + "PRIVATE KEY-----"
TOKEN = "eyJhbGciOiJIUzI1" + ".eyJzdWIiOiJ4eHh4" + ".c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"token {TOKEN} seen", "token ******** seen"),
        (f"a\n{KEY}\nb", "a\n********\nb"),
        ("postgresql://app:hunter22@db/app", "postgresql://********@db/app"),
        ("password=hunter22 user=app", "******** user=app"),
        ("the known-secret-value here", "the ******** here"),
        ("GET /health 200", "GET /health 200"),
    ],
)
def test_what_looks_like_a_credential_is_taken_out(text: str, kept: str) -> None:
    assert evidence.masked(text, Redactor(["known-secret-value"])) == kept


def test_the_environment_of_a_pod_is_left_out() -> None:
    live = {
        "metadata": {"name": "p", "managedFields": [], "annotations": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "env": [{"name": "K", "value": "hidden"}]}]},
    }
    kept = evidence.pod(live)
    assert "hidden" not in json.dumps(kept)
    assert kept["spec"]["containers"][0]["env"] == [{"name": "K", "value": "withheld"}]
    assert live["spec"]["containers"][0]["env"][0]["value"] == "hidden"  # type: ignore[index]


def test_processes_are_read_as_the_kernel_told_them() -> None:
    said = b"\0017\nName:\tsh\nPPid:\t1\nUid:\t10\t10\t10\t10\n\2sh\0-c\0nc\0\0019\n\2\3  sl  local\n 0: 00"
    found = evidence.processes(said)
    assert found["processes"] == [{"pid": "7", "ppid": "1", "uid": "10", "name": "sh", "command": "sh -c nc"}]
    assert found["connections"] == ["  sl  local", " 0: 00"]


def event(**more: Any) -> str:
    about = {"resource": "pods", "namespace": "dev", "name": "web-1"}
    return json.dumps({"verb": "get", "objectRef": about, "requestObject": {"data": "secret"}, **more})


def test_an_audit_slice_is_about_the_pod_or_its_token_and_holds_no_body() -> None:
    found = evidence.audit_line(event(), "dev", "web-1")
    assert found is not None
    assert "secret" not in json.dumps(found)
    assert evidence.audit_line(event(), "dev", "web-2") is None
    assert evidence.audit_line(event(), "prod", "web-1") is None
    assert evidence.audit_line("web-1 {", "dev", "web-1") is None
    user = {
        "username": "system:serviceaccount:dev:web",
        "extra": {"authentication.kubernetes.io/pod-name": ["web-1"]},
    }
    caused = event(objectRef={"resource": "secrets"}, user=user)
    assert evidence.audit_line(caused, "dev", "web-1") is not None
    assert evidence.audit_line(caused, "prod", "web-1") is None


def sealed(parent: Path) -> Folder:
    folder = Folder(str(parent / "incidents"), "i1")
    entry = folder.write("log.txt", "one\n")
    folder.seal({"incident": "i1"}, {"log.txt": entry}, {"audit.json": "not here"})
    return folder


def test_evidence_is_private_and_bound_to_its_manifest(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.path.iterdir()} == {0o600}
    manifest = folder.manifest()
    assert manifest is not None
    raw = (folder.path / "manifest.json").read_bytes()
    assert manifest["digest"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert manifest["files"]["log.txt"]["sha256"] == hashlib.sha256(b"one\n").hexdigest()


@pytest.mark.parametrize(
    ("name", "content"), [("log.txt", "two\n"), ("log.txt", None), ("manifest.json", "{}")]
)
def test_evidence_that_was_changed_is_told(tmp_path: Path, name: str, content: str | None) -> None:
    folder = sealed(tmp_path)
    if content is None:
        (folder.path / name).unlink()
    else:
        (folder.path / name).write_text(content)
    with pytest.raises(RampartError, match="not as it was taken"):
        folder.manifest()


def test_an_account_is_made_anew_as_it_was() -> None:
    account = {
        "metadata": {"name": "web", "namespace": "dev", "uid": "u", "labels": {"a": "b"}},
        "automountServiceAccountToken": False,
        "secrets": [{"name": "old"}],
    }
    assert anew(account) == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "dev", "labels": {"a": "b"}},
        "automountServiceAccountToken": False,
    }


def asked(tmp_path: Path, **more: Any) -> IncidentContain:
    one = {"id": "i1", "namespace": "dev", "pod": "p", "severity": "high", "title": ""}
    options = {
        "incidents": [{**one, **more.pop("incident", {})}],
        "folder": str(tmp_path),
        "image": "image",
        "ttl": 60,
        "detach": True,
        "scale_to_zero": False,
        "renew_account": False,
        "protected": ["monitoring"],
        "allow_protected": False,
        **more,
    }
    return IncidentContain(options, Redactor(), check_mode=False)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"incident": {"namespace": "kube-system"}}, "belongs to the platform"),
        ({"incident": {"namespace": "monitoring"}}, "belongs to the platform"),
        ({"incident": {"namespace": "rampart-incident"}}, "belongs to the platform"),
        ({"incident": {"id": "../x"}}, "cannot be the name of an incident"),
        ({"ttl": 0}, "is none"),
        ({"ttl": 40 * 24 * 3600}, "is none"),
    ],
)
def test_what_must_not_be_done_is_refused_before_the_cluster_is_asked(
    tmp_path: Path, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(RampartError, match=why) as error:
        asked(tmp_path, **more).plan()
    assert "Nothing was touched" in str(error.value)


def test_the_platform_may_be_cut_off_when_that_is_meant(tmp_path: Path) -> None:
    meant = asked(tmp_path, incident={"namespace": "kube-system"}, allow_protected=True)
    assert [one.namespace for one in meant.asks()] == ["kube-system"]
