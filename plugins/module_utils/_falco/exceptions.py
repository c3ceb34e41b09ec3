# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Turns the exceptions of a rule into the condition that they stand for. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._falco.parser import LIST_OPERATORS, OPERATORS

KEYS = frozenset({"name", "fields", "comps", "values"})


class ExceptionShapeError(Exception):
    """An exception is not shaped as Falco wants it."""


def condition(exception: dict[str, Any]) -> str:
    """Return what must not hold; empty while the exception has no values."""
    name = exception.get("name")
    if not isinstance(name, str) or not name:
        raise ExceptionShapeError("an exception has no name")
    unknown = [key for key in exception if key not in KEYS]
    if unknown:
        raise ExceptionShapeError(f"the exception {name} has the key {unknown[0]}, which Falco does not know")
    fields, values = exception.get("fields"), exception.get("values") or []
    if not isinstance(values, list):
        raise ExceptionShapeError(f"the values of the exception {name} are no list")
    if isinstance(fields, str) and fields:
        return _single(name, fields, exception.get("comps") or "in", values)
    if isinstance(fields, list) and fields and all(isinstance(each, str) for each in fields):
        return _rows(name, fields, exception.get("comps"), values)
    raise ExceptionShapeError(f"the exception {name} names no fields")


def _single(name: str, field: str, operator: Any, values: list[Any]) -> str:
    if operator not in LIST_OPERATORS:
        raise ExceptionShapeError(
            f"the exception {name} compares one field by {operator}; it takes {', '.join(LIST_OPERATORS)}"
        )
    return f"{field} {operator} {_value(name, values)}" if values else ""


def _rows(name: str, fields: list[str], operators: Any, values: list[Any]) -> str:
    operators = ["="] * len(fields) if operators is None else operators
    if not isinstance(operators, list) or len(operators) != len(fields):
        raise ExceptionShapeError(f"the exception {name} has not as many comps as fields")
    for operator in operators:
        if operator not in OPERATORS:
            raise ExceptionShapeError(f"the exception {name} compares by {operator}, which nobody knows")
    rows = []
    for row in values:
        if not isinstance(row, list) or len(row) != len(fields):
            raise ExceptionShapeError(f"a row of the exception {name} has not as many values as fields")
        checks = (_check(name, *each) for each in zip(fields, operators, row, strict=True))
        rows.append(f"({' and '.join(checks)})")
    return " or ".join(rows)


def _check(name: str, field: str, operator: str, value: Any) -> str:
    if operator == "exists":
        return f"{field} exists"
    if operator in LIST_OPERATORS and not isinstance(value, list):
        value = [value]
    if operator not in LIST_OPERATORS and isinstance(value, list):
        raise ExceptionShapeError(f"the exception {name} compares {field} by {operator} with a list")
    return f"{field} {operator} {_value(name, value)}"


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"({', '.join(_value(name, each) for each in value)})"
    if not isinstance(value, str) or not value:
        raise ExceptionShapeError(f"a value of the exception {name} is no text")
    # As Falco: what has a blank is quoted, and what is quoted stays as it is.
    return f'"{value}"' if " " in value and value[0] not in "'\"(" else value
