# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import kubeconfig, tls

from tests.rig.pki import Authority

Write = Callable[..., Path]
SERVER = "https://192.0.2.1:6443"


def load(path: Path | str, **options: bool) -> kubeconfig.Credentials:
    return kubeconfig.load(str(path), None, Redactor(), **options)


def test_a_token_is_read_and_masked(write_kubeconfig: Write) -> None:
    redactor = Redactor()
    found = kubeconfig.load(str(write_kubeconfig(SERVER, {"token": "abcdefghijkl"})), None, redactor)
    assert found.authorization == "Bearer abcdefghijkl"
    assert found.namespace == "home"
    assert "abcdefghijkl" not in redactor.text("token abcdefghijkl")
    assert "abcdefghijkl" not in repr(found)


def test_a_token_file_is_relative_to_the_kubeconfig(write_kubeconfig: Write, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file-token\n")
    found = load(write_kubeconfig(SERVER, {"tokenFile": "token"}))
    assert found.authorization == "Bearer from-a-file-token"


def test_a_password_becomes_basic_authentication(write_kubeconfig: Write) -> None:
    found = load(write_kubeconfig(SERVER, {"username": "eve", "password": "correct-horse"}))
    assert found.authorization == "Basic " + base64.b64encode(b"eve:correct-horse").decode()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_kubeconfig_that_others_can_write_is_refused(write_kubeconfig: Write, mode: int) -> None:
    with pytest.raises(RampartError, match="can be written by others") as caught:
        load(write_kubeconfig(SERVER, mode=mode))
    assert caught.value.next_step.startswith("run: chmod 600")


@pytest.mark.parametrize("server", ["http://192.0.2.1:8080", "ftp://x", "192.0.2.1", ""])
def test_a_server_without_tls_is_refused(write_kubeconfig: Write, server: str) -> None:
    with pytest.raises(RampartError, match="only https is safe"):
        load(write_kubeconfig(server))


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"])
def test_on_this_machine_plain_http_is_allowed(write_kubeconfig: Write, server: str) -> None:
    assert load(write_kubeconfig(server)).server == server


def test_a_missing_file_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(kubeconfig.MissingKubeconfigError, match="There is no kubeconfig"):
        load(tmp_path / "none")


def test_an_unknown_context_lists_the_known_ones(write_kubeconfig: Write) -> None:
    with pytest.raises(RampartError, match=r"no context 'there'; it has: here"):
        kubeconfig.load(str(write_kubeconfig(SERVER)), "there", Redactor())


def test_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_text("users: [{token: correct-horse")
    path.chmod(0o600)
    with pytest.raises(RampartError, match="cannot be read") as caught:
        load(path)
    assert "correct-horse" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_first_of_several_files_wins(write_kubeconfig: Write, tmp_path: Path) -> None:
    one = write_kubeconfig(SERVER, {"token": "token-of-the-first"}, name="one")
    two = write_kubeconfig("https://192.0.2.9", {"token": "token-of-the-second"}, name="two")
    found = load(f"{tmp_path}/absent{os.pathsep}{one}{os.pathsep}{two}")
    assert (found.server, found.authorization) == (SERVER, "Bearer token-of-the-first")


def test_a_context_without_its_cluster_is_an_error(write_kubeconfig: Write) -> None:
    path = write_kubeconfig(SERVER)
    document = json.loads(path.read_text())
    document["clusters"] = []
    path.write_text(json.dumps(document))
    with pytest.raises(RampartError, match="names 'c', which the file does not hold"):
        load(path)


def test_an_old_auth_provider_is_refused(write_kubeconfig: Write) -> None:
    with pytest.raises(RampartError, match="auth-provider"):
        load(write_kubeconfig(SERVER, {"auth-provider": {"name": "gcp"}}))


def plugin(tmp_path: Path, script: str) -> dict[str, object]:
    path = tmp_path / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {
        "exec": {
            "command": "./login",
            "apiVersion": "client.authentication.k8s.io/v1",
            "args": ["one two"],
            "env": [{"name": "PROFILE", "value": "p"}],
            "provideClusterInfo": True,
        }
    }


def test_a_plugin_gives_a_token(write_kubeconfig: Write, tmp_path: Path) -> None:
    script = (
        'printf \'{"status": {"token": "%s-%s-%s"}}\' "$1" "$PROFILE" '
        '"$(echo "$KUBERNETES_EXEC_INFO" | grep -c 192.0.2.1)"'
    )
    found = load(write_kubeconfig(SERVER, plugin(tmp_path, script)))
    assert found.authorization == "Bearer one two-p-1"


def test_a_forbidden_plugin_is_not_run(write_kubeconfig: Write, tmp_path: Path) -> None:
    path = write_kubeconfig(SERVER, plugin(tmp_path, f"touch {tmp_path}/ran"))
    with pytest.raises(RampartError, match="running programs is forbidden"):
        load(path, allow_exec_plugins=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "script",
    ["echo correct-horse-token", "echo '{\"status\": {}}'", "echo '[\"correct-horse-token\"]'", "echo '{}'"],
)
def test_a_plugin_without_a_credential_is_an_error_that_shows_nothing(
    write_kubeconfig: Write, tmp_path: Path, script: str
) -> None:
    with pytest.raises(RampartError, match="credential plugin") as caught:
        load(write_kubeconfig(SERVER, plugin(tmp_path, script)))
    assert "correct-horse" not in f"{caught.value} {caught.value.details}"


def test_a_failing_plugin_is_told_with_its_words(write_kubeconfig: Write, tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="session ended, log in again"):
        load(write_kubeconfig(SERVER, plugin(tmp_path, "echo session ended, log in again >&2; exit 1")))


def test_an_unknown_plugin_version_is_refused(write_kubeconfig: Write, tmp_path: Path) -> None:
    user = plugin(tmp_path, "true")
    user["exec"]["apiVersion"] = "client.authentication.k8s.io/v1alpha1"  # type: ignore[index]
    with pytest.raises(RampartError, match="exec entry is not known"):
        load(write_kubeconfig(SERVER, user))


def test_a_client_key_is_never_in_a_file(
    write_kubeconfig: Write, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.user("eve")
    user = {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
    path = write_kubeconfig(
        SERVER, user, {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    )
    watched = tmp_path / "watched"
    watched.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(watched))
    handles = set(os.listdir("/proc/self/fd"))

    found = load(path)
    tls.context(found)

    assert found.key == key.decode()
    assert list(watched.iterdir()) == []
    assert {name for name in os.listdir("/proc/self/fd") if name not in handles} <= {
        str(max(map(int, handles)) + 1)
    }


def test_a_key_of_another_certificate_is_an_error(write_kubeconfig: Write, authority: Authority) -> None:
    certificate, _unused = authority.user("eve")
    _unused, key = authority.user("mallory")
    user = {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
    with pytest.raises(RampartError, match="cannot be used"):
        tls.context(load(write_kubeconfig(SERVER, user)))


def test_data_that_is_not_base64_is_an_error(write_kubeconfig: Write) -> None:
    with pytest.raises(RampartError, match="client-key-data"):
        load(write_kubeconfig(SERVER, {"client-key-data": "?"}))


def test_yaml_is_loaded_safely(tmp_path: Path) -> None:
    assert issubclass(kubeconfig.loader(), (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    path = tmp_path / "evil"
    path.write_text(f"a: !!python/object/apply:os.system ['touch {tmp_path}/ran']")
    path.chmod(0o600)
    with pytest.raises(RampartError, match="cannot be read"):
        load(path)
    assert not (tmp_path / "ran").exists()
