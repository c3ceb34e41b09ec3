# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a whole, over its sources: PATH, cache, mirror, release server and Go toolchain."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._tools import download, go
from ansible_collections.rampart.k8s.tests.support.file_server import FileServer, serving
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.tools import (
    entry,
    go_entry,
    go_module,
    script,
    sha256,
    tarball,
    write_mirror,
)

ARCHIVE = "hello-1.2.3-linux-{}.tar.gz"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    go_module(tmp_path / "modules")
    return {
        "tools": [go_entry()],
        "prefix": str(tmp_path / "prefix"),
        "cache_dir": str(tmp_path / "cache"),
        "go_modules_dir": str(tmp_path / "modules"),
    }


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(download, "BACKOFF", (0.0, 0.0, 0.0))
    with serving(tmp_path, tls=True) as (running, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield running


def released(server: FileServer, content: bytes, *, served: bytes | None = None) -> dict[str, Any]:
    server.files["/hello"] = content if served is None else served
    file = {"url": f"{server.url}/hello", "sha256": sha256(content), "place": "bin/hello"}
    return go_entry() | {"release": {ARCHITECTURE: [file]}}


def mirrored(tmp_path: Path, content: bytes) -> str:
    write_mirror(tmp_path / "mirror", {ARCHIVE.format(ARCHITECTURE): tarball({"bin/hello": content})})
    return str(tmp_path / "mirror")


def run(
    arguments: dict[str, Any], *, check: bool = False, failed: bool = False, **more: Any
) -> dict[str, Any]:
    answer = call("tool_install", {**arguments, **more}, check=check, diff=True)
    assert bool(answer.get("failed")) is failed, answer
    return answer


def listing(tmp_path: Path) -> list[str]:
    return sorted(
        str(path.relative_to(tmp_path))
        for name in ("prefix", "cache")
        for path in (tmp_path / name).rglob("*")
    )


def source(answer: dict[str, Any]) -> str:
    return str(answer["tools"][0]["source"])


def test_a_build_from_check_to_second_run(base: dict[str, Any], tmp_path: Path) -> None:
    predicted = run(base, check=True)
    assert predicted["changed"]
    assert source(predicted) == "build"
    assert "not in the cache; no tools_mirror is set" in predicted["tools"][0]["reason"]
    assert "would" not in predicted["tools"][0]["reason"]
    assert listing(tmp_path) == []

    done = run(base)
    assert done["changed"]
    assert source(done) == "build"
    program = tmp_path / "prefix/bin/hello"
    assert os.popen(str(program)).read() == "hello 1.2.3\n"  # noqa: S605
    file = done["tools"][0]["files"]["bin/hello"]
    assert file == {
        "path": str(program),
        "target": str(program.resolve()),
        "sha256": sha256(program.read_bytes()),
    }
    assert done["diff"]["after"] == {"hello": {"bin/hello": str(program.resolve())}}
    assert done["bin_dir"] == str(tmp_path / "prefix/bin")

    before = listing(tmp_path)
    again = run(base)
    assert not again["changed"]
    assert source(again) == "cache"
    assert again["reason"] == "all 1 tools are here, verified and linked"
    assert again["tools"][0]["files"] == done["tools"][0]["files"]
    assert set(listing(tmp_path)) - set(before) <= {"cache/verified.json"}
    assert not [name for name in listing(tmp_path) if "unfinished" in name]


def test_the_path_comes_first(base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "path/hello"
    installed.parent.mkdir()
    installed.write_bytes(script("1.2.3"))
    installed.chmod(0o755)
    monkeypatch.setenv("PATH", str(installed.parent), prepend=":")
    done = run(base, mirror=mirrored(tmp_path, script("1.2.3")))
    assert source(done) == "path"
    assert (tmp_path / "prefix/bin/hello").readlink() == installed
    assert not run(base)["changed"]
    # The installed one changes under us: it no longer serves.
    installed.write_bytes(script("2.0.0"))
    assert source(run(base, check=True)) == "build"


def test_the_mirror_comes_before_the_release(
    base: dict[str, Any], tmp_path: Path, server: FileServer
) -> None:
    tools = [released(server, script("1.2.3"))]
    done = run(base, tools=tools, mirror=mirrored(tmp_path, script("1.2.3")))
    assert source(done) == "mirror"
    assert server.requests == []
    assert not run(base, tools=tools)["changed"]


def test_a_tool_that_the_mirror_does_not_list_comes_from_the_next_source(
    base: dict[str, Any], tmp_path: Path
) -> None:
    write_mirror(tmp_path / "mirror", {"other.tar.gz": b""})
    answer = run(base, mirror=str(tmp_path / "mirror"), check=True)
    assert source(answer) == "build"
    assert f"the mirror does not list {ARCHIVE.format(ARCHITECTURE)}" in answer["tools"][0]["reason"]


def test_a_tampered_mirror_is_an_error_and_no_other_source_is_tried(
    base: dict[str, Any], tmp_path: Path
) -> None:
    mirror = Path(mirrored(tmp_path, script("1.2.3")))
    archive = mirror / ARCHIVE.format(ARCHITECTURE)
    good, evil = archive.read_bytes(), tarball({"bin/hello": b"evil"})
    archive.write_bytes(evil)
    answer = run(base, mirror=str(mirror), failed=True)
    assert sha256(good) in answer["msg"]
    assert sha256(evil) in answer["msg"]
    assert not (tmp_path / "prefix/bin/hello").exists()


def test_a_mirrored_program_that_is_another_version_is_refused(base: dict[str, Any], tmp_path: Path) -> None:
    answer = run(base, mirror=mirrored(tmp_path, script("6.6.6")), failed=True)
    assert "says that it is 6.6.6" in answer["msg"]


def test_a_missing_mirror_is_an_error(base: dict[str, Any], tmp_path: Path) -> None:
    assert "Could not read SHA256SUMS" in run(base, mirror=str(tmp_path / "none"), failed=True)["msg"]


def test_the_release_comes_before_the_build(base: dict[str, Any], tmp_path: Path, server: FileServer) -> None:
    tools = [released(server, script("1.2.3"))]
    predicted = run(base, tools=tools, check=True)
    assert source(predicted) == "release"
    assert f"{server.url}/hello" in predicted["tools"][0]["reason"]
    assert [method for method, _path, _asked in server.requests] == ["HEAD"]
    assert listing(tmp_path) == []
    assert source(run(base, tools=tools)) == "release"
    server.requests.clear()
    assert not run(base, tools=tools)["changed"]
    assert server.requests == []


def test_a_release_as_an_archive(base: dict[str, Any], tmp_path: Path, server: FileServer) -> None:
    content = tarball({"v1/hello": script("1.2.3"), "../evil": b"x"})
    server.files["/hello.tgz"] = content
    file = {"url": f"{server.url}/hello.tgz", "sha256": sha256(content), "members": {"bin/hello": "v1/hello"}}
    assert source(run(base, tools=[entry(release={ARCHITECTURE: [file]})])) == "release"
    assert (tmp_path / "prefix/bin/hello").read_bytes() == script("1.2.3")


def test_a_tampered_release_is_an_error_and_nothing_is_built_instead(
    base: dict[str, Any], tmp_path: Path, server: FileServer
) -> None:
    answer = run(base, tools=[released(server, script("1.2.3"), served=b"evil")], failed=True)
    assert sha256(script("1.2.3")) in answer["msg"]
    assert sha256(b"evil") in answer["msg"]
    assert not (tmp_path / "prefix/bin/hello").exists()
    assert [name for name in listing(tmp_path) if "lock" not in name and name != "cache/verified.json"] == []


def test_a_release_that_cannot_be_reached_is_built_instead(base: dict[str, Any], server: FileServer) -> None:
    tools = [released(server, script("1.2.3"))]
    del server.files["/hello"]
    answer = run(base, tools=tools, check=True)
    assert source(answer) == "build"
    assert "answers 404" in answer["tools"][0]["reason"]


@pytest.mark.parametrize("verify", ["fast", "full"])
def test_a_tampered_cache_is_refused(
    base: dict[str, Any], tmp_path: Path, server: FileServer, verify: str
) -> None:
    tools = [released(server, script("1.2.3"))]
    run(base, tools=tools)
    program = (tmp_path / "prefix/bin/hello").resolve()
    program.chmod(0o755)
    program.write_bytes(b"evil")
    answer = run(base, tools=tools, verify=verify, failed=True)
    for part in (sha256(script("1.2.3")), sha256(b"evil"), str(program)):
        assert part in answer["msg"]
    assert f"rm -r {program.parents[1]}" in answer["next_step"]
    # What it says to do helps.
    os.system(f"rm -r {program.parents[1]}")  # noqa: S605
    assert run(base, tools=tools)["changed"]


def test_sources_can_be_left_out(base: dict[str, Any], tmp_path: Path) -> None:
    answer = run(base, sources=["cache", "mirror"], failed=True)
    assert "No source can give hello 1.2.3" in answer["msg"]
    assert "(path, release, build)" in answer["next_step"]
    assert listing(tmp_path) == []


def test_a_missing_toolchain_says_what_to_do(
    base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(go, "_USUAL", str(tmp_path / "none"))
    answer = run(base, failed=True)
    assert "no Go toolchain is here to build it (Go 1.21 or newer)" in answer["msg"]
    assert "tools_mirror" in answer["next_step"]


def test_without_a_toolchain_a_cached_build_serves(
    base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(base)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(go, "_USUAL", str(tmp_path / "none"))
    assert source(run(base)) == "cache"


def test_a_package_is_announced_in_check_mode_and_asked_for_otherwise(base: dict[str, Any]) -> None:
    tools = [entry(system={"package": "hello-static", "programs": {"bin/hello": "no-such-program"}})]
    answer = run(base, tools=tools, check=True)
    assert source(answer) == "package"
    assert "hello-static" in answer["tools"][0]["reason"]
    assert "hello-static" in run(base, tools=tools, failed=True)["next_step"]


def test_a_link_that_was_moved_is_set_again(base: dict[str, Any], tmp_path: Path) -> None:
    run(base)
    link = tmp_path / "prefix/bin/hello"
    link.unlink()
    link.symlink_to("/bin/false")
    answer = run(base)
    assert answer["changed"]
    assert answer["diff"]["before"] == {"hello": {"bin/hello": "/bin/false"}}
    assert link.resolve() != Path("/bin/false")


def test_a_file_in_the_way_is_not_replaced(base: dict[str, Any], tmp_path: Path) -> None:
    own = tmp_path / "prefix/bin/hello"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    assert "is in the way" in run(base, failed=True)["msg"]
    assert own.read_bytes() == b"mine"


def test_a_change_of_the_module_is_a_new_build(base: dict[str, Any], tmp_path: Path) -> None:
    run(base)
    with (tmp_path / "modules/hello/main.go").open("a") as stream:
        stream.write("// more\n")
    answer = run(base, check=True)
    assert source(answer) == "build"


def test_two_tools_for_one_place_are_refused(base: dict[str, Any]) -> None:
    other = go_entry() | {"name": "other"}
    assert "both want bin/hello" in run(base, tools=[go_entry(), other], failed=True)["msg"]


def test_a_full_disk_is_seen_before_the_build(base: dict[str, Any], tmp_path: Path) -> None:
    answer = run(base, tools=[go_entry(disk_mb=10**9)], failed=True)
    assert answer["needed_mb"] == 10**9
    assert answer["free_mb"] < 10**9
    assert not list((tmp_path / "cache").iterdir())


def test_one_failure_does_not_cost_what_the_others_got(base: dict[str, Any], tmp_path: Path) -> None:
    mirror = Path(mirrored(tmp_path, script("1.2.3")))
    listed = (mirror / "SHA256SUMS").read_text()
    name = f"other-1.2.3-linux-{ARCHITECTURE}.tar.gz"
    (mirror / name).write_bytes(b"evil")
    (mirror / "SHA256SUMS").write_text(f"{listed}{'0' * 64}  {name}\n")
    other = entry(system=None) | {"name": "other", "provides": ["bin/other"]}
    answer = run(base, tools=[entry(), other], mirror=str(mirror), failed=True)
    assert "0" * 64 in answer["msg"]
    assert source(run(base, tools=[entry()], sources=["cache"])) == "cache"


def test_data_comes_from_the_module_that_the_build_pins(base: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "modules/hello/cfg/deep").mkdir(parents=True)
    (tmp_path / "modules/hello/cfg/deep/a.yml").write_text("a: b\n")
    tools = [go_entry() | {"data": {"share/hello/cfg": {"module": "example.test/hello", "path": "cfg"}}}]
    answer = run(base, tools=tools)
    assert (tmp_path / "prefix/share/hello/cfg/deep/a.yml").read_text() == "a: b\n"
    assert not run(base, tools=tools)["changed"]
    target = Path(answer["tools"][0]["files"]["share/hello/cfg"]["target"])
    (target / "deep/a.yml").chmod(0o644)
    (target / "deep/a.yml").write_text("a: c\n")
    assert "was changed after it was made" in run(base, tools=tools, failed=True)["msg"]


def test_a_mirror_can_be_made_from_the_cache(base: dict[str, Any], tmp_path: Path) -> None:
    """As docs/guides/add-a-tool.md tells it: an archive of an artifact's folder is a mirror's archive."""
    artifact = Path(run(base)["tools"][0]["files"]["bin/hello"]["target"]).parents[1]
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    archive = mirror / ARCHIVE.format(ARCHITECTURE)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(artifact / "bin", "bin")
    (mirror / "SHA256SUMS").write_text(f"{sha256(archive.read_bytes())}  {archive.name}\n")
    elsewhere = {**base, "cache_dir": str(tmp_path / "cache2"), "prefix": str(tmp_path / "prefix2")}
    answer = run(elsewhere, mirror=str(mirror), sources=["mirror"])
    assert json.dumps(answer["tools"][0]["files"]).count(sha256((artifact / "bin/hello").read_bytes())) == 1
