# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.decide import (
    SOURCES,
    Answer,
    Decision,
    Probe,
    choose,
    summary,
)
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import Tool, parse
from ansible_collections.rampart.k8s.tests.support.tools import entry

TOOL = parse(entry(), "amd64")
PACKAGED = parse(entry(system={"package": "hello-static"}), "amd64")


def probes(usable: set[str], asked: list[str] | None = None) -> dict[str, Probe]:
    def probe(source: str) -> Probe:
        def answer(_tool: Tool) -> Answer:
            if asked is not None:
                asked.append(source)
            return Answer(source in usable, f"{source} {'has it' if source in usable else 'has not'}")

        return answer

    return {source: probe(source) for source in SOURCES}


@pytest.mark.parametrize("first", SOURCES)
def test_the_first_source_that_can_is_taken_and_no_later_one_is_asked(first: str) -> None:
    asked: list[str] = []
    usable = set(SOURCES[SOURCES.index(first) :])
    decision = choose(TOOL, probes(usable, asked))
    assert decision.source == first
    assert asked == list(SOURCES[: SOURCES.index(first) + 1])
    assert decision.reason.endswith(f"{first} has it")
    assert decision.fetches is (first not in ("path", "cache"))


@pytest.mark.parametrize("usable", ["mirror", "release", "build"])
def test_the_reason_holds_what_each_source_before_it_said(usable: str) -> None:
    decision = choose(TOOL, probes({usable}))
    before = [f"{source} has not" for source in SOURCES[: SOURCES.index(usable)]]
    assert decision.reason == "; ".join([*before, f"{usable} has it"])


def test_a_source_that_is_not_allowed_is_not_asked() -> None:
    asked: list[str] = []
    known = probes(set(SOURCES), asked)
    assert choose(TOOL, {"build": known["build"], "mirror": known["mirror"]}).source == "mirror"
    assert asked == ["mirror"]


def test_when_no_source_can_the_error_holds_what_all_said_and_a_way_out() -> None:
    known = {source: probe for source, probe in probes(set()).items() if source != "release"}
    with pytest.raises(RampartError) as raised:
        choose(TOOL, known)
    for source in known:
        assert f"{source} has not" in raised.value.message
    assert "tools_mirror" in raised.value.next_step
    assert "(release)" in raised.value.next_step


def test_a_missing_package_is_named() -> None:
    with pytest.raises(RampartError) as raised:
        choose(PACKAGED, probes(set()))
    assert "hello-static" in raised.value.next_step


def test_a_missing_python_package_is_named_with_its_version() -> None:
    with pytest.raises(RampartError) as raised:
        choose(parse(entry(system={"python": "hello-bin"}), "amd64"), probes(set()), check_mode=True)
    assert "hello-bin==1.2.3" in raised.value.next_step


def test_check_mode_announces_the_package_instead() -> None:
    decision = choose(PACKAGED, probes(set()), check_mode=True)
    assert decision.source == "package"
    assert not decision.fetches
    assert "hello-static" in decision.reason


def test_check_mode_is_no_excuse_for_a_tool_that_nothing_brings() -> None:
    with pytest.raises(RampartError):
        choose(TOOL, probes(set()), check_mode=True)


def test_summary() -> None:
    here = Decision(TOOL, "cache", "", Answer(True, ""))
    away = Decision(TOOL, "build", "", Answer(True, ""))
    assert summary([here], []) == "all 1 tools are here, verified and linked"
    assert summary([here, away], []) == "1 of 2 tools are not here yet: hello (build)"
    assert summary([here], ["bin/hello"]) == "1 links are missing or point elsewhere"
