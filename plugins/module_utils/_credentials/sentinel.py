# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A credential that opens nothing, put beside what is looked into: whoever does not find it is blind.

An image of programs alone gives gitleaks nothing to read, and so does an archive that it does not
recognise. The sentinel tells the two apart.
"""

from __future__ import annotations

import gzip
import io
import secrets
import string
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Text

NAME = "rampart-sentinel"
ALPHABET = string.ascii_letters + string.digits
LENGTH = 36


def text() -> Text:
    """Make one; it is new each time, so that no list of known values hides it."""
    token = "".join(secrets.choice(ALPHABET) for _unused in range(LENGTH))
    return Text(NAME, f"GITHUB_TOKEN=ghp_{token}\n")


def plant(folder: Path, packings: Iterable[str]) -> list[str]:
    """Put one into an archive of each packing that can be made here; return their names."""
    planted = []
    for packing in sorted({*packings, ".tar"}):
        if packing not in (".tar", ".tar.gz"):
            continue
        content = text().content.encode()
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            info = tarfile.TarInfo("sentinel.env")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        raw = stream.getvalue()
        name = f"{NAME}{packing}"
        (folder / name).write_bytes(gzip.compress(raw) if packing == ".tar.gz" else raw)
        planted.append(name)
    return planted


def without(
    report: Sequence[Mapping[str, Any]], planted: Sequence[str], subject: str
) -> list[Mapping[str, Any]]:
    """Return the report without the sentinels; one that is not in it shuts the gate."""
    for name in planted:
        if not any(name in str(entry.get("File")) for entry in report):
            raise RampartError(
                f"gitleaks did not find what was planted beside {subject} ({name}): it may be blind.",
                next_step="use the version of gitleaks that the role rampart.k8s.tools installs",
                subject=subject,
            )
    return [entry for entry in report if NAME not in str(entry.get("File"))]
