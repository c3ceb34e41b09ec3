# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Values that are put together from other values: a connection string, a registry's configuration."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# ${password}, or ${password|url} as a part of a URL.
PLACEHOLDER = re.compile(r"\$\{([-._a-zA-Z0-9]+)(\|url)?\}")


def names(template: str) -> set[str]:
    """Return the keys that a template is made from."""
    return {match.group(1) for match in PLACEHOLDER.finditer(template)}


def fill(template: str, content: Mapping[str, bytes], where: str) -> bytes:
    """Put values into their places; a place without a value is an error, not an empty text."""
    missing = sorted(names(template) - content.keys())
    if missing:
        raise RampartError(
            f"The template in {where} needs {', '.join(missing)}, which the Secret does not have.",
            next_step="declare these keys too",
        )

    def value(match: re.Match[str]) -> str:
        text = content[match.group(1)].decode(errors="strict")
        return quote(text, safe="") if match.group(2) else text

    try:
        return PLACEHOLDER.sub(value, template).encode()
    except UnicodeDecodeError:
        raise RampartError(
            f"The template in {where} names a key whose value is no text.",
            next_step="use encoding hex or base64 for it",
        ) from None


def docker_config(registry: str, username: str, password: bytes) -> bytes:
    """Return what an image is pulled with."""
    text = password.decode()
    auth = base64.b64encode(f"{username}:{text}".encode()).decode("ascii")
    entry = {"username": username, "password": text, "auth": auth}
    return json.dumps({"auths": {registry: entry}}, separators=(",", ":")).encode()


def docker_password(content: bytes, registry: str) -> bytes | None:
    """Return the password in such a configuration."""
    try:
        return str(json.loads(content)["auths"][registry]["password"]).encode()
    except (ValueError, KeyError, TypeError):
        return None
