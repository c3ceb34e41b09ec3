# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of vulnerabilities and of packages: what is the same is one, and what is not stays two."""

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._scan import aliases, purl, severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.sampled_from([f"CVE-2026-{number:04}" for number in range(12)])
SETS = st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=12)


@settings(max_examples=60, deadline=None)
@given(SETS)
def test_sets_that_share_a_name_become_one_and_others_do_not(sets: list[list[str]]) -> None:
    whole = aliases.joined(sets)
    assert set(whole) == {name for group in sets for name in group}
    for group in sets:
        assert len({whole[name] for name in group}) == 1
    # Against the plain definition: names are one when a chain of sets leads from one to the other.
    for name, members in whole.items():
        reached, grown = {name}, True
        while grown:
            wider = reached.union(*(set(group) for group in sets if reached & set(group)))
            grown, reached = wider != reached, wider
        assert members == reached


@settings(max_examples=60, deadline=None)
@given(SETS, st.randoms())
def test_the_order_of_the_sets_changes_nothing(sets: list[list[str]], random: object) -> None:
    shuffled = [list(reversed(group)) for group in sets]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert aliases.joined(shuffled) == aliases.joined(sets)


@pytest.mark.parametrize(
    ("primary", "others", "expected"),
    [
        ("ghsa-42XW-2xvc-QX8M", ["CVE-2019-10742"], ("CVE-2019-10742", "GHSA-42xw-2xvc-qx8m")),
        ("CVE-2023-5363", ["DSA-5532-1"], ("CVE-2023-5363",)),
        (
            "GO-2024-2598",
            ["cve-2024-24783", "PYSEC-2020-1"],
            ("CVE-2024-24783", "GO-2024-2598", "PYSEC-2020-1"),
        ),
        # An advisory repairs many: what it names are not its aliases.
        ("ELSA-2024-1234", ["CVE-2024-0001", "CVE-2024-0002"], ("ELSA-2024-1234",)),
    ],
)
def test_only_names_of_one_vulnerability_are_aliases(
    primary: str, others: list[str], expected: tuple[str, ...]
) -> None:
    assert aliases.names(primary, others) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&epoch=1&distro=debian-12.15",
            "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12.15&upstream=zlib",
        ),
        ("pkg:pypi/Jinja2@2.10", "pkg:pypi/jinja2@2.10"),
        ("pkg:pypi/typing_extensions@4.0", "pkg:pypi/typing-extensions@4.0"),
        ("pkg:golang/stdlib@1.26.8", "pkg:golang/stdlib@v1.26.8"),
        ("pkg:npm/%40babel/core@7.0.0", "pkg:npm/@babel/core@7.0.0"),
        ("pkg:deb/debian/libstdc%2B%2B6@12.2.0-14", "pkg:deb/debian/libstdc++6@12.2.0-14?arch=amd64"),
    ],
)
def test_two_spellings_of_a_package_are_one(one: str, other: str) -> None:
    assert purl.parse(one) == purl.parse(other)
    assert purl.parse(one) is not None


@pytest.mark.parametrize("text", ["", "pkg:", "deb/debian/libc6", "pkg:deb"])
def test_what_is_no_package_url_is_none(text: str) -> None:
    assert purl.parse(text) is None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["deb", "pypi", "npm", "golang", "generic"]),
    st.from_regex(r"[a-z][a-z0-9]{0,8}(/[a-z][a-z0-9]{0,8})?", fullmatch=True),
    st.from_regex(r"[0-9][0-9a-z.+~-]{0,12}", fullmatch=True),
)
def test_a_package_that_is_written_down_is_read_back(kind: str, name: str, version: str) -> None:
    first = purl.normal(kind, name, version)
    assert purl.parse(str(first)) == first


def test_a_pattern_without_a_version_means_all_of_them() -> None:
    pattern = purl.parse("pkg:deb/debian/libc6")
    found = purl.parse("pkg:deb/debian/libc6@2.36-9")
    assert pattern is not None
    assert found is not None
    assert pattern.covers(found)
    assert not found.covers(pattern)


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("Negligible", Severity.NEGLIGIBLE),
        ("moderate", Severity.MEDIUM),
        ("FATAL", Severity.HIGH),
        ("", Severity.UNKNOWN),
        ("catastrophic", Severity.UNKNOWN),
    ],
)
def test_a_word_that_nobody_knows_is_unknown(word: str, level: Severity) -> None:
    assert severity.parse(word) is level
