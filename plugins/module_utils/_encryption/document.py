# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads the YAML of an EncryptionConfiguration strictly and remembers the line of every field.

The API server decodes the file strictly as well. PyYAML alone would let the second of two equal
keys win, silently, and knows no lines once the data is built. No message of this file shows text
from the document: it holds keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml

# A configuration of ours is some 20 lines per entry; what is larger is not one.
MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: a field path as the API server writes it, and a line."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "the file"
        return f"{where}, {self.path}: {self.reason}" if self.path else f"{where}: {self.reason}"


@dataclass(slots=True)
class Document:
    """Plain data, the line of each field, and what was wrong with the YAML itself."""

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: str) -> int:
        """Return the line of a field, or of the nearest field around it when it is absent."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 0)


class _Builder:
    """Turns YAML nodes into plain data; everything that JSON could not say is a problem."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, path: str, depth: int = 0) -> Any:
        line = _line(node)
        self._document.lines.setdefault(path, line)
        if depth > MAXIMUM_DEPTH:
            return self._problem(path, line, "is nested too deeply")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind not in ("str", "int", "float", "bool", "null"):
            return self._problem(path, line, f"has the YAML type {kind!r}; quote it when a text is meant")
        return node.value if kind == "str" else self._scalars.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
                self._problem(path, line, "has a key that is not a text")
                continue
            name = key_node.value
            child = f"{path}.{name}" if path else name
            if name in result:
                self._problem(child, line, "stands twice; only one of the two would count")
                continue
            self._document.lines[child] = line
            result[name] = self.build(value_node, child, depth + 1)
        return result

    def _problem(self, path: str, line: int, reason: str) -> None:
        self._document.problems.append(Problem(path, line, reason))


def _line(of: Any) -> int:
    """Return the line, counted from one, at which an event or a node starts."""
    return int(of.start_mark.line) + 1 if of.start_mark else 0


def _has_alias(text: str) -> int:
    """Return the line of the first anchor or alias, or 0: a secret reached by two names is a trap."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return _line(event)
    return 0


def read(content: bytes) -> Document:
    """Parse a file's bytes; what is wrong is in ``problems``, nothing is raised."""
    document = Document()
    if len(content) > MAXIMUM_BYTES:
        document.problems.append(Problem("", 0, f"is larger than {MAXIMUM_BYTES} bytes"))
        return document
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document.problems.append(Problem("", content.count(b"\n", 0, error.start) + 1, "is not UTF-8 text"))
        return document
    try:
        anchored = _has_alias(text)
        if anchored:
            document.problems.append(Problem("", anchored, "uses a YAML anchor or alias"))
            return document
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        # error.problem may quote the text around it; the line is enough to find it.
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        document.problems.append(Problem("", line, "is not valid YAML"))
        return document
    except yaml.YAMLError:
        document.problems.append(Problem("", 0, "holds characters that YAML does not allow"))
        return document
    if len(nodes) != 1 or nodes[0] is None:
        said = "is empty" if not nodes or nodes[0] is None else "holds more than one YAML document"
        document.problems.append(Problem("", 0, said))
        return document
    document.data = _Builder(document).build(nodes[0], "")
    return document
