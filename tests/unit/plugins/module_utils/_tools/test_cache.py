# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import memory as memory_module
from ansible_collections.rampart.k8s.plugins.module_utils._tools.cache import MANIFEST, Cache
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import parse
from ansible_collections.rampart.k8s.plugins.module_utils._tools.memory import Memory
from ansible_collections.rampart.k8s.tests.support.tools import entry, sha256

TOOL = parse(entry(data={"share/hello/cfg": {"module": "m", "path": "cfg"}}), "amd64")
RECIPE = {"kind": "test"}


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    # A file is remembered even when it is a moment old; the rule itself has a test of its own.
    monkeypatch.setattr(memory_module, "RACY_SECONDS", -1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir(mode=0o755)
    return folder


def new_cache(root: Path, *, full: bool = False) -> tuple[Cache, Memory]:
    memory = Memory(root / "verified.json", full=full)
    return Cache(root, memory), memory


@pytest.fixture
def artifact(root: Path) -> Path:
    cache, _memory = new_cache(root)
    with cache.unfinished(TOOL) as work:
        for place, content, mode in (
            ("bin/hello", b"program", 0o755),
            ("share/hello/cfg/a.yml", b"a: b", 0o644),
        ):
            (work / place).parent.mkdir(parents=True)
            (work / place).write_bytes(content)
            (work / place).chmod(mode)
        final = cache.folder(TOOL, "test", RECIPE)
        cache.commit(work, final, "a test", RECIPE)
    return final


def test_what_was_committed_is_found_and_verified(root: Path, artifact: Path) -> None:
    cache, memory = new_cache(root)
    assert cache.find(TOOL, "test", RECIPE) == artifact
    assert cache.find(TOOL, "test") == artifact
    assert cache.find(TOOL, "test", {"kind": "other"}) is None
    assert cache.find(TOOL, "other") is None
    opened = cache.open(artifact, TOOL)
    assert opened.origin == "a test"
    assert opened.sums == {"bin/hello": sha256(b"program")}
    assert opened.files(TOOL)["share/hello/cfg"] == str(artifact / "share/hello/cfg")
    memory.save()
    assert (artifact / "bin/hello").stat().st_mode & 0o777 == 0o555
    assert (artifact / "share/hello/cfg/a.yml").stat().st_mode & 0o777 == 0o444


def rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize("content", [b"progrbm", b"another size", b""])
def test_a_changed_program_is_refused_with_both_sums(
    root: Path, artifact: Path, content: bytes, remembered: bool
) -> None:
    cache, memory = new_cache(root)
    if remembered:
        cache.open(artifact, TOOL)
        memory.save()
    program = artifact / "bin/hello"
    before = program.stat()
    rewrite(program, content)
    # Whoever changes a file can put its times back, but not the inode's.
    os.utime(program, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(RampartError) as raised:
        new_cache(root)[0].open(artifact, TOOL)
    assert sha256(b"program") in raised.value.message
    assert sha256(content) in raised.value.message
    assert str(program) in raised.value.message
    assert f"rm -r {artifact}" in raised.value.next_step
    assert raised.value.details["expected_sha256"] == sha256(b"program")
    assert raised.value.details["actual_sha256"] == sha256(content)


def test_a_program_that_was_replaced_by_a_rename_is_refused(root: Path, artifact: Path) -> None:
    cache, memory = new_cache(root)
    cache.open(artifact, TOOL)
    memory.save()
    other = artifact.parent / "other"
    other.write_bytes(b"progrbm")
    os.replace(other, artifact / "bin/hello")
    with pytest.raises(RampartError, match="was changed after it was made"):
        new_cache(root)[0].open(artifact, TOOL)


def test_a_data_file_counts_as_much_as_a_program(root: Path, artifact: Path) -> None:
    rewrite(artifact / "share/hello/cfg/a.yml", b"a: c")
    with pytest.raises(RampartError, match=r"a\.yml should have"):
        new_cache(root)[0].open(artifact, TOOL)


def test_a_missing_an_added_and_a_linked_file_are_refused(root: Path, artifact: Path) -> None:
    cache, _memory = new_cache(root)
    added = artifact / "share/hello/cfg/evil.yml"
    added.write_bytes(b"")
    with pytest.raises(RampartError, match=r"evil\.yml was added"):
        cache.open(artifact, TOOL)
    added.unlink()
    (artifact / "share/hello/cfg/a.yml").rename(artifact.parent / "a.yml")
    with pytest.raises(RampartError, match=r"a\.yml is missing"):
        cache.open(artifact, TOOL)
    (artifact / "share/hello/cfg/a.yml").symlink_to(artifact.parent / "a.yml")
    with pytest.raises(RampartError, match="not a plain file"):
        cache.open(artifact, TOOL)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{",
        b"[]",
        b'{"origin": 1, "recipe": {"kind": "test"}, "files": {}}',
        b'{"origin": "x", "recipe": {"kind": "test"}, "files": {"bin/hello": 1}}',
        b'{"origin": "x", "recipe": {"kind": "of another artifact"}, "files": {}}',
    ],
)
def test_a_manifest_that_is_not_the_artifacts_is_refused(root: Path, artifact: Path, manifest: bytes) -> None:
    rewrite(artifact / MANIFEST, manifest)
    with pytest.raises(RampartError, match="manifest cannot be used"):
        new_cache(root)[0].open(artifact, TOOL)


def test_an_emptied_manifest_does_not_pass_for_an_artifact_without_files(root: Path, artifact: Path) -> None:
    rewrite(artifact / MANIFEST, json.dumps({"origin": "x", "recipe": RECIPE, "files": {}}).encode())
    with pytest.raises(RampartError, match="bin/hello was added"):
        new_cache(root)[0].open(artifact, TOOL)


def test_an_unchanged_file_is_hashed_once(
    root: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, memory = new_cache(root)
    cache.open(artifact, TOOL)
    memory.save()
    hashed: list[str] = []

    def count(path: Path) -> str:
        hashed.append(path.name)
        return sha256(path.read_bytes())

    monkeypatch.setattr(memory_module, "sha256_file", count)
    new_cache(root)[0].open(artifact, TOOL)
    assert hashed == []
    new_cache(root, full=True)[0].open(artifact, TOOL)
    assert sorted(hashed) == ["a.yml", "hello"]


def test_full_sees_what_the_kernel_did_not(root: Path, artifact: Path) -> None:
    cache, memory = new_cache(root)
    cache.open(artifact, TOOL)
    memory.save()
    program = artifact / "bin/hello"
    rewrite(program, b"progrbm")
    # A disk that lost bits: the kernel says the same of the file as before.
    known = json.loads((root / "verified.json").read_bytes())
    now = program.stat()
    known["files"][str(program)]["mark"] = [
        now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns
    ]  # fmt: skip
    (root / "verified.json").write_text(json.dumps(known))
    new_cache(root)[0].open(artifact, TOOL)
    with pytest.raises(RampartError, match="was changed after it was made"):
        new_cache(root, full=True)[0].open(artifact, TOOL)


def test_a_file_that_has_just_been_written_is_not_remembered(
    root: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "RACY_SECONDS", 3600)
    cache, memory = new_cache(root)
    cache.open(artifact, TOOL)
    memory.save()
    assert json.loads((root / "verified.json").read_bytes())["files"] == {}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": 99, "files": {}}', b'{"format": 1, "files": 7}']
)
def test_an_unreadable_memory_costs_time_only(root: Path, artifact: Path, content: bytes) -> None:
    (root / "verified.json").write_bytes(content)
    assert new_cache(root)[0].open(artifact, TOOL).sums == {"bin/hello": sha256(b"program")}


def test_the_memory_forgets_files_that_are_gone(root: Path, artifact: Path) -> None:
    cache, memory = new_cache(root)
    cache.open(artifact, TOOL)
    other = root / "other"
    other.write_bytes(b"")
    memory.sha256(other)
    other.unlink()
    memory.save()
    assert all("other" not in path for path in json.loads((root / "verified.json").read_bytes())["files"])


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_cache_that_others_can_write_to_is_refused(root: Path, mode: int) -> None:
    root.chmod(mode)
    with pytest.raises(RampartError, match="can be written by other users"):
        new_cache(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_cache_of_somebody_else_is_refused(root: Path) -> None:
    os.chown(root, 12345, 12345)
    with pytest.raises(RampartError, match="owner 12345"):
        new_cache(root)


def test_what_a_killed_run_left_is_swept(root: Path) -> None:
    cache, _memory = new_cache(root)
    old = root / ".unfinished-hello.abc"
    (old / "artifact").mkdir(parents=True)
    (old / "artifact/half").write_bytes(b"x")
    neighbour = root / ".unfinished-hello-world.abc"
    neighbour.mkdir()
    with cache.unfinished(TOOL) as work:
        assert work.is_dir()
        assert not old.exists()
    assert not work.exists()
    assert neighbour.exists()


def test_the_lock_is_waited_for_with_the_holders_name(root: Path) -> None:
    cache, _memory = new_cache(root)
    said: list[str] = []
    child = os.fork()
    if child == 0:
        with cache.lock(TOOL, lambda _line: None):
            (root / "held").touch()
            while not (root / "let go").exists():
                time.sleep(0.01)
        os._exit(0)
    while not (root / "held").exists():
        time.sleep(0.01)

    def waits(line: str) -> None:
        said.append(line)
        (root / "let go").touch()

    with cache.lock(TOOL, waits):
        pass
    os.waitpid(child, 0)
    assert said == [f"hello: waits for the run (process {child}) that is getting it already"]
