# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._cis import checks_host
from ansible_collections.rampart.k8s.plugins.module_utils._cis.api import Api
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Host, Process, components, running
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Status
from ansible_collections.rampart.k8s.plugins.module_utils._cis.registry import Facts
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def facts(
    *flags: str, component: str = "apiserver", census: dict[str, Any] | None = None, **api: Any
) -> Facts:
    process = Process(os.getpid(), (component, *flags))
    return Facts(Host({component: process}), Api({}, **api), census or {})


NOWHERE = Facts(None, Api({}))


def written(folder: Path, data: Any) -> str:
    path = folder / "file.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return str(path)


def status(finding: Any) -> str:
    return str(finding.status)


def proc(folder: Path, pid: int, *argv: str) -> None:
    (folder / str(pid)).mkdir(parents=True)
    (folder / str(pid) / "cmdline").write_bytes(b"\0".join(word.encode() for word in argv) + b"\0")


def test_two_clusters_of_a_machine_are_told_apart(tmp_path: Path) -> None:
    proc(tmp_path, 10, "/bin/kube-apiserver", "--client-ca-file=/c/one/pki/ca.crt")
    proc(tmp_path, 11, "/bin/kube-apiserver", "--client-ca-file=/c/one-more/pki/ca.crt")
    proc(tmp_path, 12, "/bin/etcd", "--data-dir", "/c/one/data")
    proc(tmp_path, 13, "vim", "/c/one/pki/ca.crt")
    proc(tmp_path, 14, "")
    (tmp_path / "15").mkdir()
    (tmp_path / "self").mkdir()
    found = components("/c/one/", running(tmp_path))
    assert {name: process.pid for name, process in found.items()} == {"apiserver": 10, "etcd": 12}


def test_two_processes_of_one_kind_are_refused(tmp_path: Path) -> None:
    for pid in (10, 11):
        proc(tmp_path, pid, "/bin/etcd", "--data-dir=/c/one/data")
    with pytest.raises(RampartError, match="Two processes of /c/one are a etcd"):
        components("/c/one", running(tmp_path))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--a=1",), "1"),
        (("--a", "1"), "1"),
        (("--a",), ""),
        (("--a", "--b"), ""),
        (("--ab=1",), None),
        (("--a=x=y",), "x=y"),
    ],
)
def test_flags(argv: tuple[str, ...], expected: str | None) -> None:
    assert Process(1, ("program", *argv)).flag("a") == expected


@pytest.mark.parametrize(
    ("flags", "settings", "expected"),
    [
        (("--anonymous-auth=false",), None, "PASS"),
        (("--anonymous-auth=true",), None, "FAIL"),
        ((), None, "FAIL"),
        ((), {"anonymous": {"enabled": False}}, "PASS"),
        ((), {"anonymous": {"enabled": True}}, "FAIL"),
        ((), {}, "FAIL"),
        ((), {"anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]}}, "WARN"),
    ],
)
def test_anonymous(flags: tuple[str, ...], settings: Any, expected: str, tmp_path: Path) -> None:
    file = (f"--authentication-config={written(tmp_path, settings)}",) if settings is not None else ()
    assert status(checks_host.anonymous(facts(*flags, *file))) == expected


@pytest.mark.parametrize(
    ("flag", "expected"), [("60s", "PASS"), ("5m0s", "PASS"), ("5m1s", "FAIL"), ("0s", "FAIL")]
)
def test_request_timeout(flag: str, expected: str) -> None:
    assert status(checks_host.request_timeout(facts(f"--request-timeout={flag}"))) == expected


def test_the_default_request_timeout_is_fine() -> None:
    assert status(checks_host.request_timeout(facts())) == "PASS"


@pytest.mark.parametrize(
    ("census", "expected"),
    [
        ({"encrypted_completely": True, "verdict": "encrypted"}, "PASS"),
        ({"encrypted_completely": False, "verdict": "plaintext"}, "FAIL"),
        ({"encrypted_completely": False, "verdict": "nothing_stored"}, "FAIL"),
        ({"encrypted_completely": False, "verdict": "plaintext_history"}, "WARN"),
        ({}, "FAIL"),
    ],
)
def test_encryption_is_judged_by_the_stored_bytes(census: dict[str, Any], expected: str) -> None:
    row = {"resource": "secrets", "count": 3, "provider": "secretbox", "key": "key-1", "wanted": True}
    found = checks_host.encryption(facts(census={**census, "counts": [row]} if census else {}))
    assert status(found) == expected
    assert not census or (found and found.evidence[1] == "secrets: 3 under secretbox key-1")


@pytest.mark.parametrize(("same", "expected"), [(True, "FAIL"), (False, "PASS")])
def test_etcd_has_an_authority_of_its_own(same: bool, expected: str, tmp_path: Path) -> None:
    for name, text in (("etcd", "one"), ("api", "one" if same else "two")):
        (tmp_path / name).write_text(text)
    processes = {
        "etcd": Process(1, ("etcd", f"--trusted-ca-file={tmp_path}/etcd")),
        "apiserver": Process(2, ("kube-apiserver", f"--client-ca-file={tmp_path}/api")),
    }
    assert status(checks_host.own_authority(Facts(Host(processes), Api({})))) == expected
    (tmp_path / "api").unlink()
    with pytest.raises(RampartError, match="Could not read the authority of the API server"):
        checks_host.own_authority(Facts(Host(processes), Api({})))


def test_tokens_that_never_end() -> None:
    assert status(checks_host.service_account_tokens(facts())) == "PASS"
    found = checks_host.service_account_tokens(facts(token_secrets=("kube-system/x",)))
    assert found is not None
    assert found.evidence == ("Secret kube-system/x holds a service account token without an end",)


def test_bootstrap_tokens() -> None:
    assert status(checks_host.bootstrap_tokens(facts())) == "PASS"
    on = "--enable-bootstrap-token-auth=true"
    assert status(checks_host.bootstrap_tokens(facts(on, bootstrap_secrets=("kube-system/b",)))) == "FAIL"
    assert checks_host.bootstrap_tokens(NOWHERE) is None


GOOD_RULES = [
    {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "configmaps"]}]},
    {"level": "Metadata", "resources": [{"group": "authentication.k8s.io", "resources": ["tokenreviews"]}]},
    {"level": "None", "users": ["system:kube-scheduler"], "verbs": ["get"]},
    {"level": "None", "nonResourceURLs": ["/healthz"]},
    {"level": "Request"},
]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (GOOD_RULES, "PASS"),
        ([], "FAIL"),
        ([{"level": "Request"}], "FAIL"),
        (
            [
                {"level": "RequestResponse", "resources": [{"group": "", "resources": ["secrets"]}]},
                *GOOD_RULES,
            ],
            "FAIL",
        ),
        ([{"level": "None", "resources": [{"group": "", "resources": ["pods/exec"]}]}, *GOOD_RULES], "FAIL"),
    ],
)
def test_audit_policy(rules: list[Any], expected: str, tmp_path: Path) -> None:
    path = written(tmp_path, {"rules": rules})
    assert status(checks_host.audit_policy(facts(f"--audit-policy-file={path}"))) == expected


def test_proxy(tmp_path: Path) -> None:
    assert status(checks_host.proxy_metrics(facts())) == str(Status.NOT_APPLICABLE)
    for address, expected in (("0.0.0.0:10249", "FAIL"), ("127.0.0.1:1", "PASS"), ("", "PASS")):
        path = written(tmp_path, {"metricsBindAddress": address})
        assert status(checks_host.proxy_metrics(facts(f"--config={path}", component="proxy"))) == expected


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="No such file"):
        Host({}).load(str(tmp_path / "none"))
    (tmp_path / "bad").write_text("{")
    with pytest.raises(RampartError, match="not valid YAML"):
        Host({}).load(str(tmp_path / "bad"))


@pytest.mark.parametrize(
    "check",
    [
        checks_host.anonymous,
        checks_host.encryption,
        checks_host.audit_policy,
        checks_host.own_authority,
        checks_host.proxy_metrics,
    ],
)
def test_without_the_machine_nothing_is_said(check: Any) -> None:
    assert check(NOWHERE) is None
