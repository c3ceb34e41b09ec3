# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.document import MAXIMUM_BYTES, read
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate

TABLE = Path(__file__).parents[4] / "fixtures/encryption/configurations.yml"
CASES: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))

HEAD = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"


def key(size: int, fill: str = "k") -> str:
    return base64.b64encode(fill.encode() * size).decode()


def content(case: dict[str, Any]) -> bytes:
    entries = re.sub(
        r"\bK(\d\d)(b?)\b", lambda found: key(int(found[1]), found[2] or "k"), str(case["entries"])
    )
    return (HEAD + entries).encode()


def problems(text: str | bytes) -> list[str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return [str(problem) for problem in validate(read(raw))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_table(case: dict[str, Any]) -> None:
    found = validate(read(content(case)))
    if case["ours"] == "accepted":
        assert found == []
    else:
        assert (found[0].path, found[0].line) == (case["path"], case["line"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_no_problem_shows_key_material(case: dict[str, Any]) -> None:
    said = "\n".join(problems(content(case)))
    assert not re.search(r"a2tra|YmJiY|kkkk|bbbb", said)


def test_problems_come_in_the_order_of_the_lines() -> None:
    text = HEAD + "- resources: [Secrets]\n  providers:\n    - rot13: {}\n    - rot14: {}\n"
    lines = [problem.line for problem in validate(read(text.encode()))]
    assert lines == sorted(lines)
    assert len(lines) >= 3


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a: \x00", "does not allow"),
        (b"- 1\n", "is not a mapping"),
        (b"x" * (MAXIMUM_BYTES + 1), "is larger than"),
        (b"[" * 40 + b"]" * 40, "nested too deeply"),
        (b"? [a]\n: 1\n", "a key that is not a text"),
        (b"a: 2026-11-22\n", "the YAML type 'timestamp'"),
        (b"a: !!python/object:os.system {}\n", "is not a known field"),
    ],
)
def test_what_is_no_configuration_at_all(raw: bytes, said: str) -> None:
    assert any(said in problem for problem in problems(raw))


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated() -> None:
    text = HEAD + "- resources: [secrets]\n  providers: [{identity: {}}]\n"
    assert problems(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()) == []


def test_json_is_yaml() -> None:
    entry = '{"resources": ["secrets"], "providers": [{"identity": {}}]}'
    head = '"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"'
    text = f'{{{head}, "resources": [{entry}]}}'
    assert problems(text) == []


@pytest.mark.parametrize("name", ["apiVersion", "kind"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    text = HEAD.replace(f"{name}: ", f"{name}: x") + "- resources: [secrets]\n  providers: [{identity: {}}]\n"
    assert [problem.path for problem in validate(read(text.encode()))] == [name]
