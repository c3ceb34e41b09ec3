# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Hides secrets in every form in which they could come out, and compares them without showing them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

MASK = "********"

# Masking a very short string destroys all output around it and protects nothing.
MINIMUM_LENGTH = 8

FINGERPRINT_LENGTH = 16


def fingerprint(key: bytes, value: bytes) -> str:
    """Return a keyed fingerprint (HMAC-SHA-256, RFC 2104) to show in place of a secret.

    A plain hash of a weak secret can be guessed offline; a keyed one cannot without the key.
    """
    if not key:
        raise ValueError("a fingerprint without a key would be a plain hash")
    return "hmac:" + hmac.new(key, value, hashlib.sha256).hexdigest()[:FINGERPRINT_LENGTH]


def _base64_cores(value: bytes) -> Iterable[str]:
    """Yield what is constant of the value's base64 wherever it starts in a longer text.

    Base64 works on groups of three bytes, so a secret inside a longer text appears in one of
    three forms. The characters at either end also depend on the neighbours and are left off.
    """
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + value).decode("ascii").rstrip("=")
        start = (offset * 8 + 5) // 6
        end = (offset + len(value)) * 8 // 6
        core = encoded[start:end]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def encodings(value: str | bytes) -> frozenset[str]:
    """Return every form of a secret that a tool, a library or an API is known to print."""
    raw = value.encode() if isinstance(value, str) else value
    forms = {raw.hex(), raw.hex().upper(), *_base64_cores(raw)}
    text = raw.decode("utf-8", errors="ignore")
    for form in (text, *text.splitlines()):
        quoted = json.dumps(form)[1:-1]
        forms |= {
            form,
            quoted,
            json.dumps(form, ensure_ascii=False)[1:-1],
            json.dumps(quoted)[1:-1],
            urllib.parse.quote(form, safe=""),
            urllib.parse.quote(form),
            urllib.parse.quote_plus(form),
            repr(form)[1:-1],
        }
    return frozenset(form for form in forms if len(form) >= MINIMUM_LENGTH)


class Redactor:
    """Replaces known secrets, in all their encodings, in any plain data."""

    def __init__(self, secrets: Iterable[str | bytes] = ()) -> None:
        # Several threads may meet secrets at the same time, and none of them may be forgotten.
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        self.add(*secrets)

    def add(self, *secrets: str | bytes) -> None:
        """Learn more secrets."""
        forms = frozenset[str]().union(*(encodings(secret) for secret in secrets))
        with self._lock:
            self._forms |= forms

    @property
    def forms(self) -> frozenset[str]:
        """Every string that is masked."""
        return self._forms

    def text(self, text: str) -> str:
        """Mask the secrets in a text."""
        return _masked(text, self._present(text))

    def data(self, data: Any) -> Any:
        """Mask the secrets in keys and values of nested plain data."""
        # Most data holds none of many secrets; looking for each once is enough to know.
        return _replaced(data, self._present("\0".join(_texts(data))))

    def _present(self, text: str) -> list[str]:
        """Return the forms that stand in a text; longer ones first, since they may hold shorter ones."""
        found = [form for form in self._forms if form in text]
        return sorted(found, key=lambda form: (-len(form), form))


def _masked(text: str, forms: Iterable[str]) -> str:
    for form in forms:
        text = text.replace(form, MASK)
    return text


def _as_text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode("utf-8", errors="replace")


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str | bytes):
        yield _as_text(data)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(data, list | tuple | set | frozenset):
        for item in data:
            yield from _texts(item)


def _replaced(data: Any, forms: list[str]) -> Any:
    if isinstance(data, str | bytes):
        return _masked(_as_text(data), forms)
    if isinstance(data, dict):
        return {_replaced(key, forms): _replaced(value, forms) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [_replaced(item, forms) for item in data]
    return data
