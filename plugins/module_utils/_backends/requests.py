# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Request templates: what an HTTP API is asked, with places for values. Pure.

``${new.api-key}``, ``${old.api-key}``, ``${admin.token}``, ``${rotation.id}``, ``${secret.name}`` and
``${secret.namespace}`` are replaced, each as its place wants it: encoded in a path, as it is in a header,
as a JSON text in a body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Turn
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

PLACEHOLDER = re.compile(r"\$\{(new|old|admin|rotation|secret)\.([-._a-zA-Z0-9]+)\}")
SENT_BACK = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None


def keys_of(template: Any, section: str) -> set[str]:
    """Return the keys of a section that have places in a template."""
    return {key for found, key in PLACEHOLDER.findall(json.dumps(template)) if found == section}


class Values:
    """What may stand in the places of a template."""

    def __init__(self, turn: Turn, admin: Mapping[str, bytes]) -> None:
        self._turn = turn
        self._given = {
            "new": turn.new or {},
            "old": turn.old or {},
            "admin": admin,
            "rotation": {"id": turn.rotation.encode()},
            "secret": {"name": turn.name.encode(), "namespace": turn.namespace.encode()},
        }

    def text(self, match: re.Match[str]) -> str:
        """Return the value of one place."""
        section, key = match.groups()
        try:
            return self._given[section][key].decode()
        except (KeyError, UnicodeDecodeError):
            raise RampartError(
                f"The backend of Secret {self._turn} asks for {section}.{key}, which is not there as a text.",
                next_step="correct the template of the request",
            ) from None

    def fill(self, template: str, *, safe: bool = False) -> str:
        """Fill a text; a safe one is a part of a URL."""
        return PLACEHOLDER.sub(
            lambda match: quote(self.text(match), safe="") if safe else self.text(match), template
        )

    def fill_all(self, data: Any) -> Any:
        """Fill every text of nested data."""
        if isinstance(data, str):
            return self.fill(data)
        if isinstance(data, Mapping):
            return {str(key): self.fill_all(value) for key, value in data.items()}
        return [self.fill_all(item) for item in data] if isinstance(data, list) else data


def build(template: Mapping[str, Any], values: Values) -> Request:
    """Make a request of its template."""
    headers = {str(name): values.fill(str(value)) for name, value in (template.get("headers") or {}).items()}
    for name, value in headers.items():
        if SENT_BACK.search(value):
            raise RampartError(
                f"The value for the header {name} has a line break.", next_step="use another generator for it"
            )
    body = template.get("body")
    sent = None
    if isinstance(body, str):
        sent = values.fill(body).encode()
    elif body is not None:
        sent = json.dumps(values.fill_all(body)).encode()
        headers.setdefault("Content-Type", "application/json")
    return Request(template["method"], values.fill(template["path"], safe=True), headers, sent)


def results(template: Mapping[str, Any], answer: bytes, where: str) -> dict[str, bytes]:
    """Take values out of a JSON answer, by JSON pointers."""
    wanted = template.get("results") or {}
    if not wanted:
        return {}
    try:
        document = json.loads(answer)
        return {str(key): _text(_at(document, str(pointer))) for key, pointer in wanted.items()}
    except (ValueError, KeyError, IndexError, TypeError):
        raise RampartError(
            f"{where} answered without {', '.join(sorted(map(str, wanted.values())))}.",
            next_step="correct the pointers in results; the answer itself is not shown, it may hold a secret",
        ) from None


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _text(value: Any) -> bytes:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    return str(value).encode()
