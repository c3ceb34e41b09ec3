# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What decides about an image is in its key, and what does not is not; a tag never moves."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._build import parse
from ansible_collections.rampart.k8s.plugins.module_utils._build.buildkit import arguments
from ansible_collections.rampart.k8s.plugins.module_utils._build.context import NEVER, expand, stage
from ansible_collections.rampart.k8s.plugins.module_utils._build.origin import Origin
from ansible_collections.rampart.k8s.plugins.module_utils._build.recipe import Base, Recipe, check
from ansible_collections.rampart.k8s.plugins.module_utils._build.tags import Tags
from ansible_collections.rampart.k8s.plugins.module_utils._build.wheels import Wheels, place
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

DIGESTS = [f"sha256:{character * 64}" for character in "abc"]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    (folder / "app/__pycache__").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM x\n")
    (folder / "app/main.py").write_text("print()\n")
    (folder / "app/run").write_text("run\n")
    (folder / "app/run").chmod(0o700)
    (folder / "app/__pycache__/main.pyc").write_bytes(b"x")
    (folder / "app/notes.swp").write_bytes(b"x")
    return folder


def recipe(sources: Path, **changes: object) -> Recipe:
    made = Recipe(
        name="example.test/app",
        tag="1.4.2",
        layout=sources.parent / "layout",
        dockerfile=sources / "Dockerfile",
        files=expand({"app": sources / "app"}),
        bases={"BASE": Base("example.test/base", DIGESTS[0])},
        arguments={},
        target="",
        network="none",
        source="https://example.test/src",
        labels={},
        origin=Origin("0b8df5b", 1_700_000_000),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_context_is_what_was_named_and_nothing_that_tools_leave(sources: Path) -> None:
    files = expand({"app": sources / "app", "x/main": sources / "app/main.py"})
    assert list(files) == ["app/main.py", "app/run", "x/main"]
    assert files["app/run"].mode == 0o755
    assert files["app/main.py"].mode == 0o644
    assert "app/run" not in expand({"app": sources / "app"}, (*NEVER, "run"))


@pytest.mark.parametrize("outside", ["/app", "../app", "a/../../b"])
def test_a_place_outside_of_the_context_is_refused(sources: Path, outside: str) -> None:
    with pytest.raises(RampartError, match="outside of the context"):
        expand({outside: sources})


def test_what_is_not_there_is_named(sources: Path) -> None:
    with pytest.raises(RampartError, match="neither a file nor a folder"):
        expand({"app": sources / "missing"})


def test_a_staged_context_looks_the_same_on_every_machine(sources: Path, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        folder = tmp_path / "staged"
        folder.mkdir()
        stage(expand({"app": sources / "app"}), folder, 1_700_000_000)
    finally:
        os.umask(old)
    found = {
        str(path.relative_to(folder)): (path.stat().st_mode & 0o7777, path.stat().st_mtime)
        for path in [folder, *folder.rglob("*")]
    }
    assert found == {
        ".": (0o755, 1_700_000_000),
        "app": (0o755, 1_700_000_000),
        "app/main.py": (0o644, 1_700_000_000),
        "app/run": (0o755, 1_700_000_000),
    }
    # What is staged is a copy: the sources keep their times.
    assert (sources / "app/main.py").stat().st_mtime != 1_700_000_000


CHANGES: dict[str, Callable[[Recipe, Path], Recipe]] = {
    "another base": lambda made, _: replace(made, bases={"BASE": Base("example.test/base", DIGESTS[1])}),
    "an argument": lambda made, _: replace(made, arguments={"A": "1"}),
    "another target": lambda made, _: replace(made, target="test"),
    "a network": lambda made, _: replace(made, network="host"),
    "a label": lambda made, _: replace(made, labels={"a": "b"}),
    "another commit": lambda made, _: replace(made, origin=Origin("1111111", 1_700_000_000)),
    "another time": lambda made, _: replace(made, origin=Origin("0b8df5b", 1_700_000_001)),
    "another name": lambda made, _: replace(made, name="example.test/other"),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_whatever_decides_is_in_the_key(sources: Path, change: str) -> None:
    made = recipe(sources)
    assert CHANGES[change](made, sources).key("buildkit 1") != made.key("buildkit 1")


def test_files_and_the_builder_are_in_the_key(sources: Path) -> None:
    before = recipe(sources).key("buildkit 1")
    assert recipe(sources).key("buildkit 2") != before
    (sources / "app/main.py").write_text("print(1)\n")
    content = recipe(sources).key("buildkit 1")
    (sources / "app/main.py").chmod(0o755)
    mode = recipe(sources).key("buildkit 1")
    (sources / "Dockerfile").write_text("FROM y\n")
    assert len({before, content, mode, recipe(sources).key("buildkit 1")}) == 4


def test_the_version_and_the_place_are_not_in_the_key(sources: Path, tmp_path: Path) -> None:
    made = recipe(sources)
    moved = replace(made, tag="1.4.3", layout=tmp_path / "elsewhere")
    assert moved.key("buildkit 1") == made.key("buildkit 1")
    os.utime(sources / "app/main.py", (1, 1))
    (sources / "app/__pycache__/main.pyc").write_bytes(b"y")
    assert recipe(sources).key("buildkit 1") == made.key("buildkit 1")


def test_an_image_says_where_it_comes_from(sources: Path) -> None:
    assert recipe(sources, labels={"owner": "team"}).described() == {
        "org.opencontainers.image.base.digest": DIGESTS[0],
        "org.opencontainers.image.base.name": "example.test/base",
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.revision": "0b8df5b",
        "org.opencontainers.image.source": "https://example.test/src",
        "org.opencontainers.image.title": "app",
        "owner": "team",
    }


def test_what_buildctl_is_asked_for(sources: Path, tmp_path: Path) -> None:
    base = Base("example.test/base", DIGESTS[0], tmp_path / "base")
    asked = arguments(
        recipe(sources, bases={"BASE": base}, arguments={"A": "1"}, target="last", labels={"l": "a,b"}),
        tmp_path / "context",
        tmp_path / "out",
    )
    assert f"--opt=build-arg:BASE=example.test/base@{DIGESTS[0]}" in asked
    assert f"--opt=context:example.test/base@{DIGESTS[0]}=oci-layout://base0@{DIGESTS[0]}" in asked
    assert f"--oci-layout=base0={tmp_path}/base" in asked
    assert {
        "--opt=build-arg:A=1",
        "--opt=build-arg:SOURCE_DATE_EPOCH=1700000000",
        "--opt=force-network-mode=none",
        "--opt=target=last",
        "--opt=filename=Dockerfile",
    } <= set(asked)
    output = asked[-1]
    assert output.startswith(f"--output=type=oci,dest={tmp_path}/out,tar=false,rewrite-timestamp=true,")
    assert '"annotation.l=a,b"' in output


@pytest.mark.parametrize("change", [{"name": "Upper/case"}, {"tag": "1.4.2+b"}, {"arguments": {"BASE": "x"}}])
def test_what_cannot_be_built_is_refused(sources: Path, change: dict[str, object]) -> None:
    with pytest.raises(RampartError):
        check(recipe(sources, **change))


def test_a_base_is_named_by_its_digest(tmp_path: Path) -> None:
    assert parse.base({"name": f"example.test/base@{DIGESTS[0]}", "layout": None}) == Base(
        "example.test/base", DIGESTS[0]
    )
    for name in ("example.test/base", "example.test/base:latest", "example.test/base@sha256:12"):
        with pytest.raises(RampartError, match="not named by its digest"):
            parse.base({"name": name, "layout": None})
    with pytest.raises(parse.AbsentError):
        parse.base({"name": "example.test/base", "layout": str(tmp_path)})


def wheels(tmp_path: Path, text: str = "a==1 --hash=sha256:1\n", **changes: str) -> Wheels:
    listed = tmp_path / "requirements.txt"
    listed.write_text(text)
    return Wheels("wheels", (listed,), **{"python": "3.11", "glibc": "2.36", "machine": "x86_64", **changes})


def test_wheels_are_named_by_what_is_pinned_and_for_whom(tmp_path: Path) -> None:
    keys = {
        wheels(tmp_path).key,
        wheels(tmp_path, "a==2 --hash=sha256:2\n").key,
        wheels(tmp_path, python="3.13").key,
        wheels(tmp_path, machine="aarch64").key,
    }
    assert len(keys) == 4


def test_pip_is_asked_for_wheels_that_run_in_the_image(tmp_path: Path) -> None:
    asked = wheels(tmp_path, glibc="2.19").arguments(tmp_path)
    assert [part for part in asked if part.startswith("--platform=")] == [
        "--platform=manylinux_2_19_x86_64",
        "--platform=manylinux_2_18_x86_64",
        "--platform=manylinux_2_17_x86_64",
        "--platform=manylinux2014_x86_64",
        "--platform=linux_x86_64",
        "--platform=any",
    ]
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:", "--python-version=3.11"} <= set(asked)
    with pytest.raises(RampartError, match="not a version of glibc"):
        wheels(tmp_path, glibc="musl").platforms()


def test_the_installer_has_a_name_without_its_version() -> None:
    assert place("pip-26.3-py3-none-any.whl") == "pip.whl"
    assert place("pipx-1.0-py3-none-any.whl") == "pipx-1.0-py3-none-any.whl"


def test_a_tag_never_moves(tmp_path: Path) -> None:
    file = tmp_path / "images/tags.json"
    tags = Tags(file)
    tags.load()
    tags.give("a", "1.0.0", DIGESTS[0])
    tags.give("a", "1.0.0", DIGESTS[0])
    tags.give("b", "1.0.0", DIGESTS[1])
    again = Tags(file)
    again.load()
    assert (again.taken("a", "1.0.0"), again.taken("a", "1.0.1")) == (DIGESTS[0], "")
    with pytest.raises(RampartError, match="a tag never moves") as raised:
        again.give("a", "1.0.0", DIGESTS[2])
    assert raised.value.details["taken_by"] == DIGESTS[0]
    again.give("a", "1.0.1", DIGESTS[2])


def test_tags_that_are_given_at_once_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "images/tags.json"
    runs = [Tags(file) for _run in range(4)]
    for run in runs:
        run.load()
    with ThreadPoolExecutor(3) as pool:
        given = [pool.submit(runs[n % 4].give, f"name-{n}", "1.0.0", DIGESTS[0]) for n in range(9)]
        for each in given:
            each.result()
    after = Tags(file)
    after.load()
    assert all(after.taken(f"name-{n}", "1.0.0") for n in range(9))
    # What another run gave meanwhile counts too.
    with pytest.raises(RampartError, match="a tag never moves"):
        runs[0].give("name-8", "1.0.0", DIGESTS[1])


def test_a_list_of_tags_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "tags.json"
    for content in ("", "[]", "{"):
        file.write_text(content)
        with pytest.raises(RampartError, match="cannot be read"):
            Tags(file).load()
