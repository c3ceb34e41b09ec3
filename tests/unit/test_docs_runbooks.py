# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runbooks quote what the code says, and their commands name what there is.

A section of a runbook begins with a line `**Says** ...`: the messages that lead to it, each in backticks,
with dots for values. The index repeats them, so that a message is looked up in one place.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache

import pytest
import yaml

from tests.unit.collection import ROOT, documentation, fragments, load, modules, playbooks, roles, tracked
from tests.unit.test_docs_links import anchors

INDEX = "docs/runbooks.md"
PAGES = [name for name in tracked() if name.startswith("docs/runbooks/")]
# Guides with a table of what to do at which message.
GUIDES = [name for name in tracked() if name.startswith("docs/guides/") and name.endswith(".md")]
SAYS = re.compile(r"^## (?P<title>[^\n]+)\n\n(?:(?!^#).*\n)*?\*\*Says\*\* (?P<quotes>[^\n]+)$", re.MULTILINE)
TABLE = re.compile(
    r"^\| (?:what you see|it says|message) \|.*\n\|[-|]+\|\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE
)
QUOTE = re.compile(r"`([^`]+)`")
ROW = re.compile(r"^\| (?P<quotes>.+?) \| \[[^\]]+\]\((?P<target>[^)]+)\) \|$", re.MULTILINE)
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
EXTRA = re.compile(r"(?:-e|--extra-vars) (?:'(?P<json>\{.*?\})'|(?P<name>\w+)=)", re.DOTALL)
ASKED = re.compile(r"-m rampart\.k8s\.(?P<module>\w+) -a '(?P<options>\{.*?\})'", re.DOTALL)
PLAYBOOK = re.compile(r"playbooks/(\w+\.yml)")
TAGS = re.compile(r"playbooks/(?P<playbook>\w+\.yml)[^\n]*? --tags (?P<tags>[\w,]+)")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def documents(node: ast.Assign) -> bool:
    """Say whether it is a part of a module's documentation."""
    return getattr(node.targets[0], "id", "") in ("DOCUMENTATION", "EXAMPLES", "RETURN")


def printed(name: str) -> Iterator[str]:
    """Yield the texts of a module that can be printed, with a line break in the place of each value."""
    for node in ast.walk(ast.parse(text(name))):
        for child in ast.iter_child_nodes(node):
            # A docstring and the documentation of a module are for readers, and never printed.
            if isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and documents(node)):
                continue
            if isinstance(child, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "\n" for part in child.values)
                yield "".join(map(str, parts))
            elif isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield child.value


def folded(name: str) -> str:
    """Return a playbook, or a file of tasks, with folded texts in one line and breaks for expressions."""
    lines = (line.strip() for line in text(name).splitlines() if not line.lstrip().startswith("#"))
    return JINJA.sub("\n", " ".join(lines))


@cache
def said() -> str:
    """Return every text that a run can print."""
    texts: list[str] = []
    for name in tracked():
        if name.startswith("plugins/") and name.endswith(".py"):
            texts += printed(name)
        elif re.match(r"(roles/\w+/(tasks|templates)|playbooks)/", name) and name.endswith((".yml", ".j2")):
            texts.append(folded(name))
    return "\n".join(texts)


def lacking(quoted: str) -> list[str]:
    """Return the parts of a quoted message that nothing says."""
    return [part for part in quoted.split("...") if part.strip(" ,;.:") and part.strip() not in said()]


def sections(page: str) -> list[tuple[str, list[str]]]:
    """Return where each section of a runbook is, and the messages that lead to it."""
    found = []
    for match in SAYS.finditer(text(page)):
        anchor = re.sub(r"[^\w\- ]", "", match["title"].lower()).replace(" ", "-")
        found.append((f"{page.removeprefix('docs/')}#{anchor}", QUOTE.findall(match["quotes"])))
    return found


def rows() -> dict[str, list[str]]:
    """Return what the index leads to, with the messages."""
    found: dict[str, list[str]] = {}
    for match in ROW.finditer(text(INDEX)):
        found.setdefault(match["target"], []).extend(QUOTE.findall(match["quotes"]))
    return found


@cache
def variables() -> frozenset[str]:
    """Name what a person may set: the options of the roles, and what playbooks read beside them."""
    found: set[str] = set()
    for role in roles():
        found |= (load(f"roles/{role}/defaults/main.yml") or {}).keys()
        for point in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"].values():
            found |= (point.get("options") or {}).keys()
    for playbook in playbooks():
        found |= set(re.findall(r"\b(\w+) \| default\(", text(playbook)))
    return frozenset(found)


@cache
def options(module: str) -> frozenset[str]:
    """Name the options of a module, those of its fragments too."""
    found = set(documentation(module).get("options") or {})
    for fragment in fragments(module):
        name, _dot, part = fragment.removeprefix("rampart.k8s.").partition(".")
        tree = ast.parse(text(f"plugins/doc_fragments/{name}.py"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == (
                part.upper() or "DOCUMENTATION"
            ):
                found |= set((yaml.safe_load(ast.literal_eval(node.value)) or {}).get("options") or {})
    return frozenset(found)


def test_there_are_runbooks() -> None:
    assert len(PAGES) > 5
    assert sum(len(sections(page)) for page in PAGES) > 20


@pytest.mark.parametrize("page", PAGES)
def test_a_runbook_quotes_what_the_code_says(page: str) -> None:
    quoted = [quote for _place, quotes in sections(page) for quote in quotes]
    assert [quote for quote in quoted if lacking(quote)] == []
    assert [quote for quote in quoted if " " not in quote] == []


def test_the_index_quotes_what_the_code_says() -> None:
    assert [quote for quotes in rows().values() for quote in quotes if lacking(quote)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_message_of_a_runbook_stands_in_the_index(page: str) -> None:
    found = rows()
    assert {place: quotes for place, quotes in sections(page) if found.get(place) != quotes} == {}


def test_the_index_leads_to_sections_that_are_there() -> None:
    for target in rows():
        path, _mark, anchor = target.partition("#")
        assert not anchor or anchor in anchors(f"docs/{path}"), target


@pytest.mark.parametrize("page", GUIDES)
def test_the_tables_of_a_guide_quote_what_the_code_says(page: str) -> None:
    quoted = [
        quote
        for table in TABLE.finditer(text(page))
        for row in table["rows"].splitlines()
        for quote in QUOTE.findall(row.split(" | ")[0])
        if " " in quote
    ]
    assert [quote for quote in quoted if lacking(quote)] == []


@pytest.mark.parametrize("page", [INDEX, *PAGES, *GUIDES])
def test_what_is_set_on_the_command_line_is_known(page: str) -> None:
    given: set[str] = set()
    for match in EXTRA.finditer(text(page)):
        given |= {match["name"]} if match["name"] else json.loads(match["json"]).keys()
    assert sorted(given - variables()) == []


@pytest.mark.parametrize("page", [INDEX, *PAGES, *GUIDES])
def test_what_a_module_is_asked_is_an_option_of_it(page: str) -> None:
    for match in ASKED.finditer(text(page)):
        assert sorted(json.loads(match["options"]).keys() - options(match["module"])) == []


@pytest.mark.parametrize("page", [INDEX, *PAGES, *GUIDES])
def test_the_playbooks_and_tags_are_there(page: str) -> None:
    assert sorted({f"playbooks/{name}" for name in PLAYBOOK.findall(text(page))} - set(playbooks())) == []
    for match in TAGS.finditer(text(page)):
        known = {tag for play in load(f"playbooks/{match['playbook']}") for tag in play.get("tags") or []}
        assert sorted(set(match["tags"].split(",")) - known) == []


@pytest.mark.parametrize("page", [INDEX, *PAGES])
def test_the_variables_that_a_runbook_names_are_known(page: str) -> None:
    """A name in backticks that begins as one of a role's variables is one, or a module."""
    named = {
        name
        for name in re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)(?:[:=][^`]*)?`", text(page))
        if name.startswith(tuple(f"{role}_" for role in roles()))
    }
    assert sorted(named - variables() - set(modules())) == []
