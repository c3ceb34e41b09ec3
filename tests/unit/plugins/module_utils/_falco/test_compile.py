# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of rules: what they come to, and each thing that is wrong with them."""

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._falco.compile import compiled, flatten

RULE = """
- rule: Shell
  desc: A shell
  condition: evt.type = execve and proc.name in (shells)
  output: Shell (%proc.cmdline)
  priority: warning
  tags: [b, a, b]
"""
SHELLS = "- list: shells\n  items: [sh, bash]\n"
SPAWNED = "- macro: spawned\n  condition: evt.type = execve\n"


def rule(condition: str = "evt.type = execve", output: str = "x", more: str = "") -> str:
    return f"- rule: R\n  desc: d\n  condition: {condition}\n  output: {output}\n  priority: NOTICE\n{more}"


def condition(*texts: str) -> str:
    """Return the condition of the only rule of right files."""
    result = compiled([(f"{number}.yaml", text) for number, text in enumerate(texts)])
    assert result.findings.of("error") == []
    (only,) = result.rules
    return str(only["condition"])


def found(severity: str, *texts: str) -> list[str]:
    """Return what is found, each with its place."""
    result = compiled([(f"{number}.yaml", text) for number, text in enumerate(texts)])
    return [str(each) for each in result.findings.of(severity)]


def test_a_flat_rule_has_all_that_an_engine_takes() -> None:
    assert flatten([("a.yaml", SHELLS + RULE)]) == [
        {
            "rule": "Shell",
            "condition": "evt.type = execve and proc.name in (sh, bash)",
            "output": "Shell (%proc.cmdline)",
            "priority": "Warning",
            "source": "syscall",
            "tags": ["a", "b"],
        }
    ]


def test_what_is_off_is_checked_and_left_out() -> None:
    result = compiled([("a.yaml", rule(more="  enabled: no\n"))])
    assert (result.rules, result.counts["rules"], result.counts["enabled"]) == ([], 1, 0)
    assert found("error", rule("evt.type = x and nothing", more="  enabled: false\n"))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((SPAWNED, rule("spawned and not proc.name = x")), "evt.type = execve and (not proc.name = x)"),
        (
            (
                "- macro: m\n  condition: a.b = c or d.e = f\n".replace("a.b", "proc.name").replace(
                    "d.e", "proc.exe"
                ),
                rule("evt.type = open and m"),
            ),
            "evt.type = open and (proc.name = c or proc.exe = f)",
        ),
        (
            ("- list: a\n  items: ['x y', z]\n- list: b\n  items: [a, w]\n", rule("evt.type in (b)")),
            'evt.type in ("x y", z, w)',
        ),
        (("- list: a\n  items: []\n", rule("evt.type in (x, a, y)")), "evt.type in (x, y)"),
        (
            ("- list: a\n  items: []\n- list: aa\n  items: [q]\n", rule("evt.type in (a, aa)")),
            "evt.type in (q)",
        ),
        # Appended: a condition with a blank, a list at its end.
        (
            (rule(), "- rule: R\n  condition: and proc.name = x\n  override: {condition: append}\n"),
            "evt.type = execve and proc.name = x",
        ),
        (
            (rule(), "- rule: R\n  condition: evt.type = open\n  override: {condition: replace}\n"),
            "evt.type = open",
        ),
        (
            (
                "- list: a\n  items: [x]\n- list: a\n  items: [y]\n  override: {items: append}\n",
                rule("evt.type in (a)"),
            ),
            "evt.type in (x, y)",
        ),
        (
            ("- list: a\n  items: [x]\n- list: a\n  items: [y]\n  append: true\n", rule("evt.type in (a)")),
            "evt.type in (x, y)",
        ),
        (
            (rule(more="  enabled: false\n"), "- rule: R\n  enabled: true\n  override: {enabled: replace}\n"),
            "evt.type = execve",
        ),
        ((rule(more="  enabled: false\n"), "- rule: R\n  enabled: true\n"), "evt.type = execve"),
        ((SPAWNED, "- macro: spawned\n  condition: evt.type = open\n", rule("spawned")), "evt.type = open"),
        # Exceptions.
        (
            (rule(more="  exceptions:\n  - name: e\n    fields: proc.name\n    values: [a, b c]\n"),),
            'evt.type = execve and (not proc.name in (a, "b c"))',
        ),
        (
            (
                rule(
                    more="  exceptions:\n  - name: e\n    fields: [proc.name, fd.name]\n"
                    "    comps: [=, startswith]\n    values:\n    - [a, /b]\n    - [c, /d]\n"
                ),
            ),
            "evt.type = execve and (not ((proc.name = a and fd.name startswith /b) "
            "or (proc.name = c and fd.name startswith /d)))",
        ),
        (
            (
                rule(
                    more="  exceptions:\n  - name: e\n    fields: [proc.name, fd.name]\n"
                    "    comps: [in, pmatch]\n    values:\n    - [[a, b], [/c]]\n"
                ),
            ),
            "evt.type = execve and (not (proc.name in (a, b) and fd.name pmatch (/c)))",
        ),
        (
            (
                rule(more="  exceptions:\n  - name: e\n    fields: proc.name\n"),
                "- rule: R\n  exceptions:\n  - name: e\n    values: [x]\n  override: {exceptions: append}\n",
            ),
            "evt.type = execve and (not proc.name in (x))",
        ),
        (
            (
                SHELLS,
                rule(
                    more="  exceptions:\n  - name: e\n    fields: [proc.name]\n    comps: [in]\n"
                    "    values:\n    - [shells]\n"
                ),
            ),
            "evt.type = execve and (not proc.name in (sh, bash))",
        ),
    ],
)
def test_all_files_together_say(texts: tuple[str, ...], said: str) -> None:
    assert condition(*texts) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- rule: [", "the file: it is no YAML"),
        ("rule: x", "0.yaml:1: the file: it is no list of items"),
        ("- x", "0.yaml:1: an item: it is no mapping"),
        ("\n- rule: a\n  rule: b\n", "0.yaml:3: an item: the key rule stands there twice"),
        ("- {[a]: b}", "0.yaml:1: an item: a key is no text"),
        ("- rule:", "0.yaml:1: an item: the rule has no name"),
        ("\n- rule: R\n  condition: evt.type = x\n", "0.yaml:2: rule R: it lacks output, desc, priority"),
        ("- macro: m\n", "0.yaml:1: macro m: it lacks condition"),
        ("- list: l\n", "0.yaml:1: list l: it lacks items"),
        ("- macro: a-b\n  condition: evt.type = x\n", "its name is none that a condition could use"),
        ("- list: a b\n  items: []\n", "its name is none that a condition could use"),
        ("- list: a\n  items: x\n", "items is no list of texts"),
        ("- macro: a\n  condition: ''\n", "condition is no text, or empty"),
        (rule().replace("NOTICE", "URGENT"), "priority is none that Falco knows (URGENT)"),
        (rule(more="  source: okta\n"), "source is none that anybody knows here (okta)"),
        (rule(more="  enabled: perhaps\n"), "enabled is neither true nor false"),
        (rule(more="  exceptions: [x]\n"), "exceptions is no list of mappings"),
        (rule("proc.name ="), "rule R: condition: expected a value"),
        (rule("evt.type = x and unheard"), "the macro unheard is not defined"),
        ("- macro: m\n  condition: unheard\n", "macro m: the macro unheard is not defined"),
        (
            "- macro: m\n  condition: n\n- macro: n\n  condition: evt.type = x\n",
            "macro m: the macro n is defined only after it",
        ),
        ("- macro: m\n  condition: m\n", "the macro m names itself"),
        (rule("proc.nam = x"), "condition: nobody knows the field proc.nam"),
        (rule("evt.arg = x"), "the field evt.arg needs an argument"),
        (rule("proc.name[1] = x"), "the field proc.name takes no argument"),
        (
            rule("ka.verb = get"),
            "the field ka.verb belongs to events of k8s_audit, and the rule is about syscall",
        ),
        (
            rule("proc.name = x", more="  source: k8s_audit\n"),
            "the field proc.name belongs to events of syscall",
        ),
        (
            rule("ka.user.groups = x", more="  source: k8s_audit\n"),
            "ka.user.groups holds several values, which = does not compare",
        ),
        (rule("proc.name = val(proc.nam)"), "nobody knows the field proc.nam"),
        (rule("proc.pid = many"), "proc.pid is a number, and 'many' is none"),
        (rule("proc.pid contains 1"), "proc.pid is a number, which contains does not compare"),
        (rule("evt.is_open_write = yes"), "evt.is_open_write is true or false, and 'yes' is none"),
        (rule("evt.is_open_write contains t"), "which contains does not compare"),
        (rule("fd.sip = 10.0.0.300"), "fd.sip is an address of the internet, and '10.0.0.300' is none"),
        (rule("fd.snet in (10.0.0.0/99)"), "fd.snet is a network, and '10.0.0.0/99' is none"),
        (rule("proc.name regex '(a'"), "'(a' is no regular expression"),
        (rule(output="x %proc.nam"), "output: nobody knows the field proc.nam"),
        (rule(output="x %fd.ip"), "output: the field fd.ip is for conditions only"),
        (rule(output="x %evt.arg"), "output: the field evt.arg needs an argument"),
        (
            "- rule: R\n  condition: and x\n  override: {condition: append}\n",
            "it changes a rule that is not defined",
        ),
        (
            rule() + "- rule: R\n  condition: and x\n  append: true\n  override: {condition: append}\n",
            "it has both append and override",
        ),
        (
            rule() + "- rule: R\n  priority: INFO\n  override: {priority: append}\n",
            "priority cannot be append",
        ),
        (
            rule() + "- rule: R\n  override: {tags: append}\n",
            "override names tags, which the item does not give",
        ),
        (
            rule() + "- rule: R\n  tags: [a]\n  desc: x\n  override: {tags: append}\n",
            "override does not say what happens to desc",
        ),
        (rule() + "- rule: R\n  tags: [a]\n  override: tags\n", "override is no mapping"),
        (
            rule() + rule("ka.verb = get", more="  source: k8s_audit\n"),
            "it is about another source than in 0.yaml:1",
        ),
        (rule(more="  exceptions: [{fields: proc.name}]\n"), "an exception has no name"),
        (rule(more="  exceptions: [{name: e, value: x}]\n"), "the exception e has the key value"),
        (rule(more="  exceptions: [{name: e}]\n"), "the exception e names no fields"),
        (rule(more="  exceptions: [{name: e, fields: proc.name, values: x}]\n"), "are no list"),
        (rule(more="  exceptions: [{name: e, fields: proc.name, comps: '='}]\n"), "compares one field by ="),
        (rule(more="  exceptions: [{name: e, fields: [proc.name], comps: [in, in]}]\n"), "not as many comps"),
        (rule(more="  exceptions: [{name: e, fields: [proc.name], comps: [like]}]\n"), "compares by like"),
        (
            rule(more="  exceptions: [{name: e, fields: [proc.name], values: [[a, b]]}]\n"),
            "not as many values",
        ),
        (rule(more="  exceptions: [{name: e, fields: [proc.name], values: [[[a]]]}]\n"), "by = with a list"),
        (rule(more="  exceptions: [{name: e, fields: [proc.name], values: [[{}]]}]\n"), "is no text"),
        (
            rule(more="  exceptions: [{name: e, fields: proc.nam, values: [a]}]\n"),
            "nobody knows the field proc.nam",
        ),
    ],
)
def test_refuses(text: str, said: str) -> None:
    errors = found("error", text)
    assert len(errors) == 1, errors
    assert said in errors[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it holds nothing"),
        ("- rules: x\n", "Falco ignores it"),
        (rule(more="  sources: x\n"), "Falco ignores the key sources"),
        (rule() + rule(), "0.yaml:6: rule R: it replaces the whole definition of 0.yaml:1"),
        (rule("proc.name = x"), "it looks at events of every type"),
        (rule("not evt.type = x"), "it looks at events of every type"),
        (rule("evt.type = x or proc.name = y"), "it looks at events of every type"),
        (rule("evt.type = x and evt.dir = <"), "the field evt.dir is deprecated"),
        (rule(output="'%container.info'"), "%container.info is deprecated"),
        (rule() + "- rule: R\n  enabled: false\n", "a lone enabled is deprecated"),
        (rule() + "- rule: R\n  tags: [a]\n  append: true\n", "append is deprecated"),
        (SPAWNED, "macro spawned: nothing uses it"),
        (SHELLS, "list shells: nothing uses it"),
        ("- list: my_shells\n  items: [sh]\n" + rule("evt.type in (my_shell)"), "my_shell is no list"),
        (
            rule("evt.type in (a)") + "- list: a\n  items: [b]\n- list: b\n  items: [x]\n",
            "b is a list that is defined",
        ),
    ],
)
def test_warns(text: str, said: str) -> None:
    assert any(said in each for each in found("warning", text)), found("warning", text)
    assert found("error", text) == []


def test_versions_are_for_falco_itself() -> None:
    text = (
        "- required_engine_version: 0.57.0\n- required_plugin_versions: [{name: container, version: 0.4.0}]\n"
    )
    assert found("warning", text) == found("error", text) == []


def test_one_wrong_rule_does_not_hide_another() -> None:
    texts = rule("proc.nam = x") + rule("proc.nam = y").replace("rule: R", "rule: S")
    assert len(found("error", texts)) == 2
