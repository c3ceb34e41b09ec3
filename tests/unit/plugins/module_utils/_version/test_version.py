# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions are ordered, written and read as semver says, and a clone that differs has another one."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import TAG
from ansible_collections.rampart.k8s.plugins.module_utils._source.git import Git
from ansible_collections.rampart.k8s.plugins.module_utils._version.operation import (
    ReleaseVersion,
    Sources,
    decide,
)
from ansible_collections.rampart.k8s.plugins.module_utils._version.semver import Version, newest
from hypothesis import given
from hypothesis import strategies as st

COMMIT = "0b8df5b2cf0e4d0f9f2c0e0b8df5b2cf0e4d0f9f"
INITIAL = Version.parse("0.1.0")

words = st.from_regex(r"[0-9A-Za-z-]{1,8}", fullmatch=True)
identifiers = words.filter(lambda part: not (part.isdigit() and part != str(int(part))))
versions = st.builds(
    Version,
    st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    st.lists(words.filter(lambda part: not (part.isdigit() and part != str(int(part)))), max_size=3).map(
        tuple
    ),
    st.lists(words, max_size=3).map(tuple),
)


@given(versions)
def test_what_is_written_can_be_read(version: Version) -> None:
    assert Version.parse(str(version)) == version
    assert TAG.fullmatch(version.tag())
    assert Version.parse(version.tag().replace("_", "+")) == version
    assert len(version.label()) <= 63
    assert version.label()[-1].isalnum()


def test_versions_are_ordered_as_the_standard_says() -> None:
    # The example of semver.org, 11.
    text = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"
    ordered = [Version.parse(part) for part in text.split()]
    assert all(one < other for one, other in pairwise(ordered))


@pytest.mark.parametrize("text", ["1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3+", "1.2.3-", "1.2.3+a_b", ""])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(RampartError, match="not a semantic version"):
        Version.parse(text)


def test_a_version_that_no_tag_can_hold_is_refused() -> None:
    with pytest.raises(RampartError, match="too long"):
        Version.parse(f"1.2.3+{'x' * 130}").tag()
    with pytest.raises(RampartError, match="cannot be build metadata"):
        INITIAL.built(["a_b"])


def test_the_newest_tag_is_the_highest_version_and_not_the_last_word() -> None:
    assert newest(["v1.9.0", "v1.10.0", "v1.10.0-rc.1", "latest", "v2", "x3.0.0"], "v") == (
        "v1.10.0",
        Version.parse("1.10.0"),
    )
    assert newest(["latest"], "v") is None


def sources(tag: str = "", commits: int = 0, uncommitted: str = "") -> Sources:
    tagged = (tag, Version.parse(tag.removeprefix("v"))) if tag else None
    return Sources(COMMIT, 1, tagged, commits, uncommitted)


@pytest.mark.parametrize(
    ("found", "version"),
    [
        (sources("v1.4.2"), "1.4.2"),
        (sources("v1.5.0-rc.1"), "1.5.0-rc.1"),
        (sources("v1.4.2", 5), "1.4.3-dev.5+g0b8df5b2cf0e"),
        (sources("v1.5.0-rc.1", 2), "1.5.0-rc.1.dev.2+g0b8df5b2cf0e"),
        (sources("v1.4.2", 0, "abcdef0123"), "1.4.3-dev.0+g0b8df5b2cf0e.dirty.abcdef01"),
        (sources("", 7), "0.1.0-dev.7+g0b8df5b2cf0e"),
    ],
)
def test_a_version_says_where_it_stands(found: Sources, version: str) -> None:
    assert str(decide(found, INITIAL, [], [])) == version


def test_a_version_on_its_way_comes_after_its_tag_and_before_the_next() -> None:
    on_its_way = decide(sources("v1.4.2", 5), INITIAL, [], [])
    assert Version.parse("1.4.2") < on_its_way < Version.parse("1.4.3")
    candidate = decide(sources("v1.5.0-rc.1", 5), INITIAL, [], [])
    assert Version.parse("1.5.0-rc.1") < candidate < Version.parse("1.5.0-rc.2")


def test_what_else_goes_in_tells_versions_apart_but_not_releases() -> None:
    first, second = (decide(sources("v1.4.2", 5), INITIAL, [], [each]) for each in ("sha256:1", "sha256:2"))
    assert first != second
    assert str(decide(sources("v1.4.2"), INITIAL, ["run7"], ["sha256:1"])) == "1.4.2+run7"


class Clone:
    """A repository of this test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self("init", "--quiet")

    def __call__(self, *arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(self.folder), *who, *arguments], check=True, capture_output=True)

    def commit(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)
        self("add", ".")
        self("commit", "--quiet", "--message", name)

    def version(self) -> str:
        git = Git("git", "gpg", self.folder, timeout=30)
        found = ReleaseVersion(git, "", "v", "0.1.0", [], []).plan().result
        return str(found["version"])


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "clone")
    made.commit("one", "1")
    return made


def test_a_clone_is_the_release_of_its_tag_until_something_differs(clone: Clone) -> None:
    assert clone.version().startswith("0.1.0-dev.1+g")
    clone("tag", "v1.4.2")
    clone("tag", "nightly")
    assert clone.version() == "1.4.2"
    (clone.folder / "one").write_text("2")
    changed = clone.version()
    assert ".dirty." in changed
    (clone.folder / "one").write_text("3")
    assert clone.version() not in ("1.4.2", changed)
    clone("checkout", "one")
    assert clone.version() == "1.4.2"
    (clone.folder / "unknown").write_text("1")
    unknown = clone.version()
    (clone.folder / "unknown").write_text("2")
    assert len({"1.4.2", unknown, clone.version()}) == 3
    clone.commit("unknown", "1")
    assert clone.version().startswith("1.4.3-dev.1+g")


def test_a_clone_without_its_history_does_not_guess(clone: Clone, tmp_path: Path) -> None:
    clone.commit("two", "2")
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{clone.folder}", str(shallow)], check=True
    )
    git = Git("git", "gpg", shallow, timeout=30)
    with pytest.raises(RampartError, match="shallow"):
        ReleaseVersion(git, "", "v", "0.1.0", [], []).plan()
    given_version = ReleaseVersion(git, "2.0.0", "v", "0.1.0", ["run7"], []).plan().result
    assert (given_version["version"], given_version["tag"]) == ("2.0.0+run7", "2.0.0_run7")


def test_the_commit_that_last_touched_something_is_its_own(clone: Clone) -> None:
    git = Git("git", "gpg", clone.folder, timeout=30)
    first = git.last_change(["one"])
    clone.commit("two", "2")
    assert git.last_change(["one"]) == first
    assert git.last_change([]) != first
    assert not git.changed(["one"])
    (clone.folder / "one").write_text("2")
    assert git.changed(["one"])
    assert not git.changed(["two"])
    with pytest.raises(RampartError, match="No commit"):
        git.last_change(["three"])
