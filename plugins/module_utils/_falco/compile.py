# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Says whether files of rules are right, and what they come to: flat rules, which name only fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.rampart.k8s.plugins.module_utils._falco import checks, exceptions
from ansible_collections.rampart.k8s.plugins.module_utils._falco.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._falco.items import read
from ansible_collections.rampart.k8s.plugins.module_utils._falco.lists import Lists
from ansible_collections.rampart.k8s.plugins.module_utils._falco.merge import (
    PRIORITIES,
    Definition,
    Rules,
    merge,
)
from ansible_collections.rampart.k8s.plugins.module_utils._falco.parser import ConditionError, parse
from ansible_collections.rampart.k8s.plugins.module_utils._falco.render import render
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import (
    And,
    Check,
    Macro,
    Node,
    Not,
    Or,
    Texts,
    leaves,
)

Flat: TypeAlias = "dict[str, str | list[str]]"


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of all files: the rules that are on, flat, and how many there are of what."""

    rules: list[Flat]
    conditions: dict[str, Node]
    counts: dict[str, int]
    findings: Findings


def flatten(files: Sequence[tuple[str, str]]) -> list[Flat]:
    """Return the rules that are on as the engine takes them, of files (name, text) without errors."""
    return compiled(files).rules


def compiled(files: Iterable[tuple[str, str]]) -> Compiled:
    """Check files (name, text), in their order."""
    findings = Findings()
    items = [item for name, text in files for item in read(name, text, findings)]
    rules = merge(items, findings)
    compiler = _Compiler(rules, findings)
    flat: list[Flat] = []
    conditions: dict[str, Node] = {}
    for definition in rules["rule"].values():
        node = compiler.rule(definition)
        if node and definition.enabled:
            conditions[definition.name] = node
            flat.append(_flat(definition, node))
    compiler.unused()
    counts = {
        "rules": len(rules["rule"]),
        "enabled": sum(each.enabled for each in rules["rule"].values()),
        "macros": len(rules["macro"]),
        "lists": len(rules["list"]),
    }
    return Compiled(flat, conditions, counts, findings)


def _flat(definition: Definition, node: Node) -> Flat:
    values = definition.values
    return {
        "rule": definition.name,
        "condition": render(node),
        "output": " ".join(values["output"].split()),
        "priority": PRIORITIES[values["priority"].lower()],
        "source": definition.source,
        "tags": sorted(set(values.get("tags") or [])),
    }


class _Compiler:
    def __init__(self, rules: Rules, findings: Findings) -> None:
        self._rules = rules
        self._findings = findings
        self._lists = Lists(rules["list"], findings)
        self._used: set[str] = set()
        # None is a macro that is wrong, which was said already.
        self._macros: dict[str, Node | None] = {}
        self._open: list[str] = []
        for name in rules["macro"]:
            self._macro(name)

    def rule(self, definition: Definition) -> Node | None:
        """Return the whole condition of a rule; nothing when it is wrong."""
        before = len(self._findings.of("error"))
        values = definition.values
        node = self._node(definition, values["condition"], None)
        found = (self._exception(definition, each) for each in values.get("exceptions") or [])
        excepted = [Not(each) for each in found if each]
        for why in checks.output_objections(values["output"], definition.source):
            self._findings.error(definition.place, f"output: {why}", "correct the output")
        if node is None or len(self._findings.of("error")) > before:
            return None
        if excepted:
            node = And((*(node.children if isinstance(node, And) else (node,)), *excepted))
        for why in dict.fromkeys(checks.objections(node, definition.source)):
            self._findings.error(definition.place, f"condition: {why}", "correct the condition")
        evttypes = str(values.get("warn_evttypes", "true")).lower() != "false"
        for why in checks.warnings(node, values["output"], definition.source, evttypes=evttypes):
            self._findings.warn(definition.place, why, "correct the rule")
        return node if len(self._findings.of("error")) == before else None

    def unused(self) -> None:
        """Note what nothing uses."""
        for kind, used in (("macro", self._used), ("list", self._lists.used)):
            for name, definition in self._rules[kind].items():
                if name not in used:
                    self._findings.warn(
                        definition.place, "nothing uses it", "remove it, or name it in a rule"
                    )

    def _exception(self, definition: Definition, exception: dict[str, object]) -> Node | None:
        try:
            text = exceptions.condition(exception)
        except exceptions.ExceptionShapeError as error:
            self._findings.error(
                definition.place, str(error), "give it a name, fields, comps and rows of values"
            )
            return None
        return self._node(definition, text, None) if text else None

    def _macro(self, name: str) -> Node | None:
        if name not in self._macros:
            definition = self._rules["macro"][name]
            self._open.append(name)
            self._macros[name] = self._node(definition, definition.values["condition"], definition.last)
            self._open.pop()
        return self._macros[name]

    def _node(self, definition: Definition, text: str, sees: int | None) -> Node | None:
        """Read a condition and put in what it names; ``sees`` is the item from which on macros are unseen."""
        try:
            tree = parse(self._lists.replaced(text))
        except ConditionError as error:
            self._findings.error(definition.place, f"condition: {error}", "correct the condition")
            return None
        for leaf in leaves(tree):
            if isinstance(leaf, Check) and isinstance(leaf.right, Texts):
                meant = self._lists.meant(leaf.right.texts)
                if meant:
                    self._findings.warn(
                        definition.place,
                        f"{meant[0]} is no list, so it is a text",
                        f"name {meant[1]} if that is meant",
                    )
        return self._expanded(definition, tree, sees)

    def _expanded(self, definition: Definition, node: Node, sees: int | None) -> Node | None:
        match node:
            case Macro(name):
                return self._named(definition, name, sees)
            case Not(child):
                inner = self._expanded(definition, child, sees)
                return Not(inner) if inner else None
            case And(children) | Or(children):
                each = [self._expanded(definition, child, sees) for child in children]
                return type(node)(tuple(one for one in each if one)) if all(each) else None
        return node

    def _named(self, definition: Definition, name: str, sees: int | None) -> Node | None:
        self._used.add(name)
        macro = self._rules["macro"].get(name)
        if macro is None:
            self._findings.error(
                definition.place, f"the macro {name} is not defined", "define it, or correct the name"
            )
        elif name in self._open:
            self._findings.error(definition.place, f"the macro {name} names itself", "take it out of itself")
        elif sees is not None and macro.first > sees:
            self._findings.error(
                definition.place,
                f"the macro {name} is defined only after it",
                "put the macro before the one that names it",
            )
        else:
            return self._macro(name)
        return None
