# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guides point to is there, and what they quote is said by the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import PurePosixPath

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import CLASSES

from tests.unit.collection import ROOT, tracked

PAGES = [name for name in tracked() if name == "README.md" or re.fullmatch(r"(docs|examples)/.*\.md", name)]
OVERVIEW, RUNBOOK = "docs/guides/rotation.md", "docs/runbooks/rotation-by-hand.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
# The packages that word the messages of a rotation.
SPEAKERS = tuple(
    f"plugins/module_utils/{name}/"
    for name in ("_rotation", "_backends", "_generate", "_kube", "_consumers", "_secrets")
)


def prose(page: str) -> str:
    """Return a page without its blocks of code."""
    return CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))


def anchors(page: str) -> set[str]:
    """Name the headings of a page as links spell them."""
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", prose(page), flags=re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


def links(page: str) -> list[tuple[str, str]]:
    """Return where a page leads inside of the collection: each as path and anchor."""
    found = []
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _mark, anchor = target.partition("#")
        place = (ROOT / PurePosixPath(page).parent / path).resolve() if path else ROOT / page
        found.append((place.relative_to(ROOT).as_posix(), anchor))
    return found


@cache
def said() -> str:
    """Return every text of the code that words messages, one a line, without the places for values."""
    texts = []
    for name in tracked():
        if name.endswith(".py") and name.startswith(SPEAKERS):
            for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value)
    return "\n".join(texts)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    lost = [
        f"{path}#{anchor}"
        for path, anchor in links(page)
        if not (ROOT / path).exists() or (anchor and anchor not in anchors(path))
    ]
    assert lost == []


def test_every_page_is_linked_from_another_one() -> None:
    led_to = {path for page in PAGES for path, _anchor in links(page) if path != page}
    assert [page for page in PAGES if page.startswith("docs/") and page not in led_to] == []


def test_every_class_has_a_page_with_its_states() -> None:
    pages = {name: f"docs/guides/rotation/{name.replace('_', '-')}.md" for name in CLASSES}
    assert {page for page in PAGES if page.startswith("docs/guides/rotation/")} == set(pages.values())
    led_to = {path for path, _anchor in links(OVERVIEW)}
    for name, page in pages.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"Class `{name}`" in text
        assert f"class: {name}" in text
        assert "stateDiagram-v2" in text
        assert page in led_to


def test_the_pages_say_how_old_each_class_may_become() -> None:
    overview = (ROOT / OVERVIEW).read_text(encoding="utf-8")
    for name, one in CLASSES.items():
        text = (ROOT / f"docs/guides/rotation/{name.replace('_', '-')}.md").read_text(encoding="utf-8")
        assert f"{one.max_age_days} days" in text
        assert re.search(rf"^\| `{name}` \| {one.max_age_days} days", overview, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "page", [RUNBOOK, *(page for page in PAGES if page.startswith("docs/guides/rotation/"))]
)
def test_what_the_tables_quote_is_what_the_code_says(page: str) -> None:
    """The first column of a table of failures holds messages; dots stand for values."""
    lacking = []
    for cell in re.findall(r"^\| (`.+?) \|", prose(page), flags=re.MULTILINE):
        for quoted in re.findall(r"`([^`]+)`", cell):
            if " " not in quoted:
                continue
            lacking += [part for part in quoted.split("...") if part.strip() not in said()]
    assert lacking == []
