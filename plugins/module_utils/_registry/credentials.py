# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The credentials for registries, as `docker login` keeps them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor


@dataclass(frozen=True, slots=True)
class Credentials:
    """A docker configuration, by its folder or its file; crane and cosign are given the same one."""

    place: Path | None
    redactor: Redactor

    def of(self, authority: str) -> str:
        """Return the value of the header for a registry; empty when nothing is known of it."""
        if self.place is None:
            return ""
        entry = self._entries().get(authority) or self._entries().get(f"https://{authority}") or {}
        packed = str(entry.get("auth") or "")
        if not packed:
            return ""
        try:
            user, _colon, password = base64.b64decode(packed, validate=True).decode().partition(":")
        except ValueError as error:
            raise self._broken() from error
        self.redactor.add(packed, *([password] if password else []))
        if not user or not password:
            raise self._broken()
        return f"Basic {packed}"

    def _entries(self) -> dict[str, Any]:
        path = self._file()
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._broken() from error
        found = content.get("auths") if isinstance(content, dict) else None
        return found if isinstance(found, dict) else {}

    def _file(self) -> Path:
        place = self.place or Path()
        return place if place.is_file() else place / "config.json"

    def _broken(self) -> RampartError:
        return RampartError(
            f"The credentials in {self._file()} cannot be read.",
            next_step="write the file anew (docker login does); programs that keep credentials are not asked",
            path=str(self._file()),
        )
