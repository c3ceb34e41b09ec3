# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a Secret holds, as bytes, and the keyed fingerprints that stand for it wherever it may be seen."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import fingerprint
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import MAX_SECRET_BYTES

Content = Mapping[str, bytes]

# A version's name carries so many letters of the keyed fingerprint of its content.
SUFFIX_LENGTH = 10


def of_secret(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the content of a live Secret, byte for byte."""
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def as_data(content: Content) -> dict[str, str]:
    """Return content as the API takes it."""
    return {key: base64.b64encode(value).decode("ascii") for key, value in sorted(content.items())}


def check_size(content: Content, name: str) -> None:
    """Refuse what the API server would refuse, before anything is written."""
    total = sum(map(len, content.values()))
    if total > MAX_SECRET_BYTES:
        raise RampartError(
            f"Secret {name} would hold {total} bytes; a Secret can hold {MAX_SECRET_BYTES}. "
            "Nothing was written.",
            next_step="split it, or keep what is not secret in a ConfigMap or a volume",
            bytes=total,
        )


def _canonical(content: Content) -> bytes:
    parts = []
    for key, value in sorted(content.items()):
        name = key.encode()
        parts += [len(name).to_bytes(8, "big"), name, len(value).to_bytes(8, "big"), value]
    return b"".join(parts)


def print_of(key: bytes, content: Content) -> str:
    """Return the fingerprint of a whole content."""
    return fingerprint(key, b"content\0" + _canonical(content))


def prints_of(key: bytes, content: Content) -> dict[str, str]:
    """Return a fingerprint for each key."""
    return {name: fingerprint(key, value) for name, value in sorted(content.items())}


def prints_text(key: bytes, content: Content) -> str:
    """Return the fingerprints of the keys as they stand in an annotation."""
    return json.dumps(prints_of(key, content), separators=(",", ":"))


def suffix(key: bytes, content: Content) -> str:
    """Return what tells a version's name from those of others; no plain hash, which could be guessed from."""
    return hmac.new(key, b"version\0" + _canonical(content), hashlib.sha256).hexdigest()[:SUFFIX_LENGTH]


def texts(content: Content) -> dict[str, str]:
    """Return content as text; bytes that are none are shown as base64, as a backend gets them."""
    made = {}
    for name, value in content.items():
        try:
            made[name] = value.decode()
        except UnicodeDecodeError:
            made[name] = base64.b64encode(value).decode("ascii")
    return made
