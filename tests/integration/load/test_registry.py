# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real registry with TLS and credentials: images are pushed with signatures, and old ones are deleted."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import parse_address
from ansible_collections.rampart.k8s.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.rampart.k8s.plugins.module_utils._registry.retain_operation import RegistryRetain
from ansible_collections.rampart.k8s.plugins.module_utils._registry.usage import Use

from tests.support import passwords
from tests.support.layouts import layout
from tests.support.modules import call
from tests.support.programs import tool
from tests.support.registries import REAL, free_port, real_registry
from tests.support.signing import COSIGN, House

PASSWORD = "a password for tests only"
BIG = 1_000_000


class Guarded:
    """A registry that lets one user in."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.authority = url.removeprefix("https://")
        self.options = {
            "registry_url": url,
            "registry_ca": str(folder / "pki/ca.crt"),
            "docker_config": str(folder / "client"),
        }

    def push(self, *images: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        tools = {"crane": str(tool("crane")), "cosign": COSIGN}
        given = {"signatures": False, **self.options, **tools, "images": list(images), **more}
        answer = call("registry_push", given, check=check, diff=True)
        assert PASSWORD not in json.dumps({**answer, "invocation": {}})
        return answer

    def crane(self, *arguments: str) -> str:
        """Ask the registry itself, past the module."""
        environment = {**os.environ, "SSL_CERT_FILE": self.options["registry_ca"]}
        environment["DOCKER_CONFIG"] = self.options["docker_config"]
        done = subprocess.run(
            [tool("crane"), *arguments], capture_output=True, text=True, env=environment, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else done.stderr


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[Guarded]:
    folder.mkdir()
    port = free_port()
    call(
        "cluster_pki",
        {
            "directory": str(folder / "pki"),
            "authorities": [{"name": "ca", "common_name": "test"}],
            "certificates": [
                {
                    "name": "registry",
                    "authority": "ca",
                    "common_name": "registry",
                    "usages": ["server"],
                    "addresses": ["127.0.0.1"],
                }
            ],
        },
    )
    passwords.htpasswd(folder / "htpasswd", "pusher", PASSWORD)
    passwords.docker_config(folder / "client", f"127.0.0.1:{port}", "pusher", PASSWORD)
    more = {
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {
                "certificate": str(folder / "pki/registry.crt"),
                "key": str(folder / "pki/registry.key"),
            },
        },
    }
    with real_registry(folder, port=port, more=more) as url:
        yield Guarded(folder, url)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Guarded]:
    if REAL is None:
        pytest.skip("the registry is not on PATH")
    with guarded(tmp_path / "registry") as made:
        yield made


@pytest.fixture
def image(tmp_path: Path) -> dict[str, Any]:
    layout(tmp_path / "image", [{"base": os.urandom(BIG)}, {"app": b"1"}], compress=True)
    return {"layout": str(tmp_path / "image"), "name": "test.local/team/app:1.0.0"}


def done(answer: dict[str, Any]) -> dict[str, Any]:
    assert not answer.get("failed"), answer["msg"]
    return answer


def test_check_do_check_do(registry: Guarded, image: dict[str, Any], tmp_path: Path) -> None:
    predicted = done(registry.push(image, check=True))
    assert predicted["changed"]
    assert "MANIFEST_UNKNOWN" in registry.crane("digest", f"{registry.authority}/team/app:1.0.0") or (
        "NAME_UNKNOWN" in registry.crane("digest", f"{registry.authority}/team/app:1.0.0")
    )
    answer = done(registry.push(image))
    assert answer["diff"] == predicted["diff"]
    assert answer["bytes"] == predicted["bytes"] > BIG
    [entry] = answer["images"]
    assert registry.crane("digest", f"{registry.authority}/team/app:1.0.0") == entry["digest"]
    assert registry.crane("validate", "--remote", entry["by_digest"]).startswith("PASS")
    for check in (True, False):
        assert not done(registry.push(image, check=check))["changed"]
    # Another version with the same base: only the top is sent.
    layout(tmp_path / "image", [{"base": os.urandom(BIG)}, {"app": b"1"}], compress=True)
    moved = registry.push(image)
    assert moved["failed"]
    assert "would mean another image" in moved["msg"]
    assert done(registry.push(image, move_tags=True))["changed"]


def test_nobody_else_is_let_in(registry: Guarded, image: dict[str, Any], tmp_path: Path) -> None:
    refused = registry.push(image, docker_config=str(tmp_path / "nobody"))
    assert refused["failed"]
    assert "with 401" in refused["msg"]
    assert "docker_config" in refused["next_step"]
    passwords.docker_config(tmp_path / "wrong", registry.authority, "pusher", "another password")
    assert registry.push(image, docker_config=str(tmp_path / "wrong"))["failed"]
    untrusted = registry.push(image, registry_ca=None)
    assert untrusted["failed"]
    assert "certificate" in untrusted["msg"].lower()


def test_signatures_go_with_the_image(registry: Guarded, tmp_path: Path) -> None:
    if not COSIGN:
        pytest.skip("cosign is not on PATH")
    house = House(tmp_path / "house")
    house.folder.mkdir()
    house.ring()
    signed = house.image("backend")
    house.sign(signed)
    wanted = {"layout": signed.removeprefix("oci:"), "name": "test.local/backend:1"}
    answer = done(registry.push(wanted, signatures=True))
    assert answer["images"][0]["signatures"] == 1
    trust: dict[str, Any] = {key: registry.options[key] for key in ("registry_ca", "docker_config")}
    verdict = house.verify(answer["images"][0]["by_digest"], **trust)
    assert verdict["passed"]
    assert not done(registry.push(wanted, signatures=True))["changed"]
    # A second signature, by a new key, is brought after.
    house.ring(replace=house.ring(check=True)["ring"][0]["id"])
    house.sign(signed)
    second = done(registry.push(wanted, signatures=True))
    assert second["changed"]
    assert "lacks a signature" in second["reason"]
    assert not done(registry.push(wanted, signatures=True))["changed"]
    unsigned = registry.push(
        {"layout": house.image("other", "other").removeprefix("oci:"), "name": "test.local/other:1"},
        keyring=str(house.keys / "keyring.json"),
    )
    assert unsigned["failed"]
    assert "it is not signed" in unsigned["msg"]


def test_a_damaged_layer_gives_no_name(registry: Guarded, image: dict[str, Any]) -> None:
    largest = max(Path(image["layout"], "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    answer = registry.push(image)
    assert answer["failed"]
    assert "rule" in answer["msg"]
    assert "UNKNOWN" in registry.crane("digest", f"{registry.authority}/team/app:1.0.0")


def test_what_nobody_needs_is_deleted_and_its_space_is_free(registry: Guarded, tmp_path: Path) -> None:
    for number in range(1, 5):
        folder = tmp_path / str(number)
        created = f"2026-01-0{number}T00:00:00Z"
        layout(folder, [{"a": os.urandom(BIG)}], created=created, compress=True)
        done(registry.push({"layout": str(folder), "name": f"test.local/app:{number}.0.0"}))
    if COSIGN:
        house = House(tmp_path / "house")
        house.folder.mkdir()
        house.ring()
        for number in (1, 2):
            house.sign(f"oci:{tmp_path / str(number)}")
            wanted = {"layout": str(tmp_path / str(number)), "name": f"test.local/app:{number}.0.0"}
            done(registry.push(wanted, signatures=True))
    credentials = Credentials(Path(registry.options["docker_config"]), Redactor())
    address = parse_address(registry.url, registry.options["registry_ca"], credentials)

    def retain(*needed: str) -> RegistryRetain:
        return RegistryRetain(address, 2, [lambda: [Use("app", reference, "x") for reference in needed]])

    operation = retain("2.0.0")
    plan = operation.plan()
    assert [name for name in plan.result["deleted"] if "sha256-" not in name] == ["app:1.0.0"]
    operation.apply(plan)
    assert not retain("2.0.0").plan().changed
    tags = registry.crane("ls", f"{registry.authority}/app").splitlines()
    assert [tag for tag in tags if not tag.startswith("sha256-")] == ["2.0.0", "3.0.0", "4.0.0"]
    if COSIGN:
        assert len([tag for tag in tags if tag.startswith("sha256-")]) == 1
    before = size(registry.folder / "data")
    collect = [str(REAL), "garbage-collect", str(registry.folder / "registry.yml")]
    subprocess.run(collect, check=True, capture_output=True, env={"OTEL_TRACES_EXPORTER": "none"})
    assert before - size(registry.folder / "data") > BIG
    for tag in ("2.0.0", "3.0.0", "4.0.0"):
        assert registry.crane("validate", "--remote", f"{registry.authority}/app:{tag}").startswith("PASS")


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("data"))
