# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster made here must keep to itself, read from where it lies."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.+?)-----END", re.DOTALL)
# EncryptionConfiguration: `secret:`; kubeconfig: `token:`, `password:`.
NAMED = re.compile(r"^\s*-?\s*(?:secret|token|password):\s*[\"']?([^\s\"']{16,})", re.MULTILINE)
# Files below these hold the cluster's data, not its settings.
DATA = ("data", "logs", "run")
# Everybody may read these entries of a Secret: certificates, and names.
PUBLIC_ENTRIES = ("ca.crt", "namespace", "tls.crt", "username")
# What makes a JSON Web Key private (RFC 7518, section 6).
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "k")


def _private_line(body: str) -> str:
    """One inner line of a key stands for the key: whole lines of base64 are copied by whatever prints it."""
    lines = body.split()
    return lines[len(lines) // 2]


def on_disk(state: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each private key and token below a cluster's state."""
    found = [path for path in state.iterdir() if path.is_file()]
    # Folders of pods come and go meanwhile: what lies in data is not even entered.
    for part in (path for path in state.iterdir() if path.is_dir() and path.name not in DATA):
        found += [path for path in part.rglob("*") if path.is_file()]
    for path in sorted(found):
        if path.is_symlink():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, match in enumerate(PRIVATE_KEY.finditer(text)):
            yield f"{path.name} key {number}", _private_line(match.group(1))
        for number, match in enumerate(NAMED.finditer(text)):
            yield f"{path.name} value {number}", match.group(1)


def _parts(text: str) -> Iterator[str]:
    """Yield what stands for a value: of keys the private parts alone, which a printed set would hold too."""
    private = PRIVATE_KEY.search(text)
    if private:
        yield _private_line(private.group(1))
    elif text.startswith('{"keys":'):
        for key in json.loads(text)["keys"]:
            yield from (key[member] for member in PRIVATE_MEMBERS if member in key)
    else:
        yield text


def in_cluster(kubectl: Path, kubeconfig: Path) -> Iterator[tuple[str, str]]:
    """Yield each value of each Secret that the API server holds."""
    argv = [str(kubectl), f"--kubeconfig={kubeconfig}", "get", "secrets", "--all-namespaces", "--output=json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    listed: dict[str, Any] = json.loads(done.stdout)
    for item in listed["items"]:
        for entry, value in (item.get("data") or {}).items():
            if entry not in PUBLIC_ENTRIES:
                name = f"Secret {item['metadata']['namespace']}/{item['metadata']['name']} {entry}"
                try:
                    text = base64.b64decode(value).decode()
                except UnicodeDecodeError:
                    text = value
                for number, part in enumerate(_parts(text)):
                    yield f"{name} {number}", part
