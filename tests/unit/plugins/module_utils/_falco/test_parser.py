# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The condition language: what is read, what is refused, and that what is written is read as the same."""

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._falco.parser import (
    LIST_OPERATORS,
    NUMBER_OPERATORS,
    TEXT_OPERATORS,
    TRANSFORMERS,
    ConditionError,
    parse,
)
from ansible_collections.rampart.k8s.plugins.module_utils._falco.render import render
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import (
    And,
    Check,
    Field,
    Macro,
    Node,
    Not,
    Or,
    Text,
    Texts,
    Transform,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

A, B, C = Macro("a"), Macro("b"), Macro("c")
NAME = Field("proc.name")


@pytest.mark.parametrize("operator", TEXT_OPERATORS)
def test_reads_each_operator_of_texts(operator: str) -> None:
    assert parse(f"proc.name {operator} nc") == Check(NAME, operator, Text("nc"))


@pytest.mark.parametrize("operator", NUMBER_OPERATORS)
def test_reads_each_operator_of_numbers(operator: str) -> None:
    assert parse(f"fd.num{operator}-1") == Check(Field("fd.num"), operator, Text("-1"))
    with pytest.raises(ConditionError, match="a number"):
        parse(f"fd.num {operator} many")


@pytest.mark.parametrize("operator", LIST_OPERATORS)
def test_reads_each_operator_of_lists(operator: str) -> None:
    assert parse(f"proc.name {operator} (nc, 'a b')") == Check(NAME, operator, Texts(("nc", "a b")))
    assert parse(f"proc.name {operator} ()") == Check(NAME, operator, Texts(()))
    assert parse(f"proc.name {operator} shells") == Check(NAME, operator, Text("shells"))


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_reads_each_transformer_on_both_sides(name: str) -> None:
    left, right = Transform(name, NAME), Transform(name, Field("proc.pname"))
    assert parse(f"{name}(proc.name) = {name}( proc.pname )") == Check(left, "=", right)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("proc.tty exists", Check(Field("proc.tty"), "exists", None)),
        ("proc.aname[2]=sh", Check(Field("proc.aname", "2"), "=", Text("sh"))),
        ('evt.arg["a b"] = x', Check(Field("evt.arg", "a b"), "=", Text("x"))),
        ("proc.name = val(proc.pname)", Check(NAME, "=", Transform("val", Field("proc.pname")))),
        ("b64(tolower(proc.name)) = x", Check(Transform("b64", Transform("tolower", NAME)), "=", Text("x"))),
        (r'proc.name = "a\"b\\c\n"', Check(NAME, "=", Text('a"b\\c\n'))),
        (r"proc.name = 'a\'b'", Check(NAME, "=", Text("a'b"))),
        (r'proc.name = "\x41"', Check(NAME, "=", Text("A"))),
        ("a or b and c", Or((A, And((B, C))))),
        ("(a or b) and c", And((Or((A, B)), C))),
        ("a and(b)or(c)", Or((And((A, B)), C))),
        ("not a and b", And((Not(A), B))),
        ("not not a", A),
        ("not(a or b)", Not(Or((A, B)))),
        ("not (not a)", Not(Not(A))),
        (" a\n  and\tb ", And((A, B))),
    ],
)
def test_reads(text: str, node: Node) -> None:
    assert parse(text) == node


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("proc.name", "an operator"),
        ("proc.name containsnc", "an operator"),
        ("proc.name =", "a value"),
        ("proc.name in nc, sh", "'and' or 'or'"),
        ("proc.name in (nc", r"'\)'"),
        ("proc.name in (nc, )", "a value"),
        ("proc.name in ('nc)", "a text that ends with '"),
        ("proc.name in 12", "values in parentheses"),
        ("(a or b", r"'\)'"),
        ("a b", "'and' or 'or'"),
        ("a and", "a blank"),
        ("a or )", "'\\(', a field"),
        ("proc.aname[2 = sh", "']'"),
        ("proc.aname[] = sh", "an argument"),
        ("tolower() = x", "a field or a transformer"),
        ("proc.name = val(x)", "a field"),
        (r'proc.name = "\q"', "nobody knows"),
        (r'proc.name = "\'"', "nobody knows"),
        ("(" * 101 + "a" + ")" * 101, "deeper than 100"),
        ("tolower(" * 101 + "a.b", "deeper than 100"),
    ],
)
def test_refuses(text: str, why: str) -> None:
    with pytest.raises(ConditionError, match=why):
        parse(text)


def test_says_where() -> None:
    with pytest.raises(ConditionError) as refused:
        parse("proc.name = nc nonsense")
    assert "after 'nc', but there is 'nonsense' (character 16)" in str(refused.value)


_words = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True)
_names = st.builds(lambda one, two: f"{one}.{two}", _words, _words)
# libsinsp ends a text at the byte 0.
_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
_fields = st.builds(Field, _names, st.none() | _texts)
_left = st.recursive(
    _fields, lambda inner: st.builds(Transform, st.sampled_from(TRANSFORMERS), inner), max_leaves=3
)
_right = st.builds(Transform, st.sampled_from(TRANSFORMERS), _left) | st.builds(
    Transform, st.just("val"), _fields
)
_numbers = st.integers(-(2**63), 2**63).map(lambda number: Text(str(number)))
_checks = st.one_of(
    st.builds(Check, _left, st.just("exists"), st.none()),
    st.builds(Check, _left, st.sampled_from(TEXT_OPERATORS), st.builds(Text, _texts) | _right),
    st.builds(Check, _left, st.sampled_from(NUMBER_OPERATORS), _numbers | _right),
    st.builds(Check, _left, st.sampled_from(LIST_OPERATORS), st.builds(Text, _words) | _right),
    st.builds(
        Check,
        _left,
        st.sampled_from(LIST_OPERATORS),
        st.builds(Texts, st.lists(_texts, max_size=4).map(tuple)),
    ),
)
_macros = _words.map(Macro)


def _joined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    children = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.builds(And, children) | st.builds(Or, children) | st.builds(Not, inner)


# Trees take long to think of on a machine that is busy.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(_checks | _macros, _joined, max_leaves=12))
def test_what_is_written_is_read_again_as_the_same(node: Node) -> None:
    assert parse(render(node)) == node


@settings(deadline=None)
@given(st.text("proc.name=()in and or not'\"\\ ,[]0x", max_size=40))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        node = parse(text)
    except ConditionError:
        return
    assert parse(render(node)) == node
