# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads the condition language of Falco. Pure; it takes what libsinsp takes, and no more."""

from __future__ import annotations

import re

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

# libsinsp gives up there, too.
DEEPEST = 100

TRANSFORMERS = ("tolower", "toupper", "b64", "basename", "len")
NUMBER_OPERATORS = ("<=", "<", ">=", ">")
TEXT_OPERATORS = (
    *("==", "=", "!=", "glob", "iglob", "contains", "icontains"),
    *("bcontains", "startswith", "bstartswith", "endswith", "regex"),
)
LIST_OPERATORS = ("intersects", "in", "pmatch")
OPERATORS = ("exists", *NUMBER_OPERATORS, *TEXT_OPERATORS, *LIST_OPERATORS)

_BLANK = re.compile(r"[ \t\b\r\n]*")
_NOT = re.compile(r"not[ \t\v\f\r\n]+")
_NAME = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_FIELD = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+")
# Only the blanks of ASCII count, as in libsinsp.
ARGUMENT = re.compile(r"[^\]\[\"'\s]+", re.ASCII)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?")
BARE = re.compile(r"[^()\"'\s=,]+", re.ASCII)
_TRANSFORMER = re.compile(rf"({'|'.join(TRANSFORMERS)})\(")
_OPERATOR = re.compile(
    r"exists|<=|<|>=|>|==|=|!=|(?:i?glob|i?contains|bcontains|b?startswith|endswith|regex)(?=[ \t\b\r\n])"
    r"|intersects|in|pmatch"
)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", " ": "\\", "\\": "\\", "/": "/"}


class ConditionError(Exception):
    """The condition is not one; says where and why."""


def parse(condition: str) -> Node:
    """Read a condition; anything behind it is an error."""
    return _Parser(condition).all()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._last = ""
        self._depth = 0

    def all(self) -> Node:
        if not self._text.strip():
            raise ConditionError("it is empty")
        node = self._or()
        if self._at != len(self._text):
            raise self._wrong("'and' or 'or'")
        return node

    # --- what the text is made of

    def _wrong(self, expected: str) -> ConditionError:
        rest = self._text[self._at : self._at + 30].split("\n")[0]
        found = f"{rest!r}" if rest else "the end"
        after = f" after {self._last!r}" if self._last else ""
        return ConditionError(f"expected {expected}{after}, but there is {found} (character {self._at + 1})")

    def _blank(self) -> bool:
        found = _BLANK.match(self._text, self._at)
        moved = found is not None and found.end() > self._at
        self._at = found.end() if found else self._at
        return moved

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if not found:
            return ""
        self._at, self._last = found.end(), found.group()
        return self._last

    def _word(self, word: str) -> bool:
        if not self._text.startswith(word, self._at):
            return False
        self._at, self._last = self._at + len(word), word
        return True

    def _close(self) -> None:
        self._blank()
        if not self._word(")"):
            raise self._wrong("')'")

    # --- and, or, not

    def _or(self) -> Node:
        children = [self._and()]
        while self._joined("or"):
            children.append(self._joined_child("or"))
        return children[0] if len(children) == 1 else Or(tuple(children))

    def _and(self) -> Node:
        children = [self._not()]
        while self._joined("and"):
            children.append(self._joined_child("and"))
        return children[0] if len(children) == 1 else And(tuple(children))

    def _joined(self, word: str) -> bool:
        self._blank()
        return self._word(word)

    def _joined_child(self, word: str) -> Node:
        if self._blank():
            return self._and() if word == "or" else self._not()
        if self._word("("):
            return self._inside()
        raise self._wrong("a blank or '('")

    def _not(self) -> Node:
        negated = False
        self._blank()
        while self._take(_NOT):
            negated = not negated
        if self._word("not("):
            negated = not negated
            child = self._inside()
        else:
            child = self._check()
        return Not(child) if negated else child

    def _inside(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ConditionError(f"it is nested deeper than {DEEPEST} levels")
        node = self._or()
        self._close()
        self._depth -= 1
        return node

    # --- one check

    def _check(self) -> Node:
        self._blank()
        if self._word("("):
            return self._inside()
        left = self._field() or self._transform()
        if left:
            return self._compared(left)
        name = self._take(_NAME)
        if name:
            return Macro(name)
        raise self._wrong("'(', a field or the name of a macro")

    def _field(self) -> Field | None:
        name = self._take(_FIELD)
        if not name:
            return None
        if not self._word("["):
            return Field(name)
        argument = self._quoted()
        if argument is None:
            argument = self._take(ARGUMENT)
            if not argument:
                raise self._wrong("an argument of the field")
        if not self._word("]"):
            raise self._wrong("']'")
        return Field(name, argument)

    def _transform(self) -> Transform | None:
        name = self._take(_TRANSFORMER)[:-1]
        if not name:
            return None
        self._depth += 1
        if self._depth > DEEPEST:
            raise ConditionError(f"it is nested deeper than {DEEPEST} levels")
        self._blank()
        inner = self._field() or self._transform()
        if not inner:
            raise self._wrong("a field or a transformer")
        self._close()
        self._depth -= 1
        return Transform(name, inner)

    def _compared(self, left: Field | Transform) -> Check:
        self._blank()
        operator = self._take(_OPERATOR)
        if not operator:
            raise self._wrong("an operator")
        if operator == "exists":
            return Check(left, operator, None)
        self._blank()
        if operator in LIST_OPERATORS and self._word("("):
            return Check(left, operator, self._list())
        other = self._right_field()
        if other:
            return Check(left, operator, other)
        if operator in NUMBER_OPERATORS:
            text = self._take(_NUMBER)
            if not text:
                raise self._wrong("a number")
        elif operator in LIST_OPERATORS:
            text = self._take(_NAME)
            if not text:
                raise self._wrong("values in parentheses")
        else:
            text = self._text_value()
        return Check(left, operator, Text(text))

    def _right_field(self) -> Transform | None:
        if not self._word("val("):
            return self._transform()
        self._blank()
        inner = self._field()
        if not inner:
            raise self._wrong("a field")
        self._close()
        return Transform("val", inner)

    def _list(self) -> Texts:
        self._blank()
        if self._word(")"):
            return Texts(())
        texts = [self._text_value()]
        self._blank()
        while self._word(","):
            self._blank()
            texts.append(self._text_value())
            self._blank()
        self._close()
        return Texts(tuple(texts))

    def _text_value(self) -> str:
        quoted = self._quoted()
        if quoted is not None:
            return quoted
        bare = self._take(BARE)
        if not bare:
            raise self._wrong("a value")
        return bare

    def _quoted(self) -> str | None:
        delimiter = self._text[self._at : self._at + 1]
        if delimiter not in ("'", '"') or not delimiter:
            return None
        end = self._at + 1
        # As libsinsp: a backslash keeps the text open, even where it is escaped itself.
        while end < len(self._text) and (self._text[end] != delimiter or self._text[end - 1] == "\\"):
            end += 1
        if end == len(self._text):
            raise self._wrong(f"a text that ends with {delimiter}")
        inner = self._text[self._at + 1 : end]
        self._at, self._last = end + 1, self._text[self._at : end + 1]
        return _unescaped(inner, delimiter)


def _unescaped(text: str, delimiter: str) -> str:
    def one(found: re.Match[str]) -> str:
        what = found.group(1)
        if len(what) == 3:
            return chr(int(what[1:], 16))
        if what == delimiter:
            return what
        if what not in _ESCAPED:
            raise ConditionError(f"the text {text!r} has the escape \\{what}, which nobody knows")
        return _ESCAPED[what]

    return re.sub(r"\\(x[0-9a-fA-F]{2}|[\s\S])", one, text)
