# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of names and hashes as the program htpasswd writes them, by the system's own library."""

from __future__ import annotations

import base64
import ctypes
import json
import sys
from pathlib import Path

# The cheapest that bcrypt allows: these are for tests.
SETTING = b"$2b$04$" + b"x" * 22


def hashed(password: str) -> str:
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    found: bytes | None = crypt(password.encode(), SETTING)
    assert found
    assert found.startswith(b"$2b$"), "this system's library knows no bcrypt"
    return found.decode()


def htpasswd(path: Path, user: str, password: str) -> None:
    """Let one user in."""
    path.write_text(f"{user}:{hashed(password)}\n")
    path.chmod(0o600)


def docker_config(folder: Path, authority: str, user: str, password: str) -> None:
    """Write what `docker login` keeps."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {authority: {"auth": auth}}}))
    (folder / "config.json").chmod(0o600)


if __name__ == "__main__":
    # For scenarios: HTPASSWD FOLDER AUTHORITY USER, and the password on standard input.
    _unused, path, config, host, name = sys.argv
    word = sys.stdin.read().strip()
    htpasswd(Path(path), name, word)
    docker_config(Path(config), host, name, word)
