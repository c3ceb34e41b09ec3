# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The folder of one incident: 0700, its files 0600, and a manifest with the hash of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest_of_bytes

MANIFEST = "manifest.json"
RESULT = "incident.json"
FORMAT = 1


def sha256(content: bytes) -> str:
    """Return the hash of a file as sha256sum prints it."""
    return hashlib.sha256(content).hexdigest()


class Folder:
    """Writes evidence once; what is there is verified and never written again."""

    def __init__(self, parent: str, incident: str) -> None:
        self.path = Path(parent) / incident

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest when the evidence was taken, every file checked against it."""
        try:
            raw = (self.path / MANIFEST).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._broken(f"{MANIFEST} cannot be read: {error.strerror}") from error
        try:
            said = json.loads(raw)
            files = {str(name): str(entry["sha256"]) for name, entry in said["files"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._broken(f"{MANIFEST} is no manifest") from error
        for name, wanted in files.items():
            try:
                found = sha256((self.path / name).read_bytes())
            except OSError as error:
                raise self._broken(f"{name} cannot be read: {error.strerror}") from error
            if found != wanted:
                raise self._broken(f"{name} is not the file that was taken")
        return {**said, "digest": digest_of_bytes(raw)}

    def _broken(self, why: str) -> RampartError:
        return RampartError(
            f"The evidence in {self.path} is not as it was taken: {why}.",
            next_step="keep the folder as it is to find out who changed it, move it aside, and run again",
        )

    def write(self, name: str, text: str) -> dict[str, Any]:
        """Write one file of evidence and return its entry for the manifest."""
        self._make()
        content = text.encode()
        write_atomic(self.path / name, content)
        return {"sha256": sha256(content), "bytes": len(content)}

    def seal(self, about: Mapping[str, Any], files: Mapping[str, Any], missing: Mapping[str, str]) -> str:
        """Write the manifest, as the last of all, and return its digest."""
        self._make()
        content = {"format": FORMAT, **about, "files": dict(files), "missing": dict(missing)}
        raw = (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
        write_atomic(self.path / MANIFEST, raw)
        return digest_of_bytes(raw)

    def note(self, result: Mapping[str, Any]) -> None:
        """Keep what a run did, for the next one and for the document."""
        self._make()
        write_atomic(self.path / RESULT, (json.dumps(dict(result), indent=2, sort_keys=True) + "\n").encode())

    def noted(self) -> dict[str, Any]:
        """Return what runs before this one did; nothing where there was none."""
        try:
            said = json.loads((self.path / RESULT).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._broken(f"{RESULT} cannot be read") from error
        if not isinstance(said, dict):
            raise self._broken(f"{RESULT} is no result")
        return said

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise RampartError(
                f"The folder {self.path} cannot be made: {error.strerror}. Nothing was touched.",
                next_step="name a folder that can be written to",
            ) from error
