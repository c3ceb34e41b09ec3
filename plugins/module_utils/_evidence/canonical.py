# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One spelling for one meaning: canonical JSON (RFC 8785, without floats) and digests over it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Beyond it, readers that know only doubles would read another number.
LARGEST = 2**53 - 1


def canonical(data: Any) -> bytes:
    """Spell plain data the one way that signatures and hashes are made over.

    Raises ValueError for what has no such spelling: floats, null, keys that are not ASCII text.
    """
    _refuse(data)
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(data: Any) -> str:
    """Return the digest of plain data: of a policy, of a definition, of what was observed."""
    return digest_of_bytes(canonical(data))


def digest_of_bytes(content: bytes) -> str:
    """Return the digest of bytes as they are."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _refuse(data: Any) -> None:
    if isinstance(data, dict):
        for key, value in data.items():
            # Python sorts by code points and RFC 8785 by UTF-16 units: for ASCII both agree.
            if not isinstance(key, str) or not key.isascii():
                raise ValueError(f"the key {key!r} is not ASCII text")
            _refuse(value)
    elif isinstance(data, list | tuple):
        for value in data:
            _refuse(value)
    elif isinstance(data, bool | str):
        return
    elif not isinstance(data, int):
        raise ValueError(f"{type(data).__name__} has no canonical spelling")
    elif abs(data) > LARGEST:
        raise ValueError(f"{data} is too large for an exact number")
