# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A house that signs: a ring, images and a cosign that can be watched, in one folder."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.layouts import layout
from tests.support.modules import call

COSIGN = shutil.which("cosign") or ""
CRANE = shutil.which("crane") or ""
PASSPHRASE = "a phrase for tests only"


class House:
    """A ring, images and evidence in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.tools = {"cosign": COSIGN, "crane": CRANE}

    def ring(self, *, fails: bool = False, **options: Any) -> dict[str, Any]:
        return self._call("signing_keys", fails, directory=str(self.keys), passphrase=PASSPHRASE, **options)

    def image(self, name: str, text: str = "hello") -> str:
        layout(self.folder / name, [{"hello.txt": text.encode()}])
        return f"oci:{self.folder / name}"

    def sign(self, *images: str | dict[str, Any], fails: bool = False, **options: Any) -> dict[str, Any]:
        entries = [{"image": each} if isinstance(each, str) else each for each in images]
        return self._call(
            "image_sign",
            fails,
            keys=str(self.keys),
            passphrase=PASSPHRASE,
            images=entries,
            **options,
        )

    def verify(self, *images: str, fails: bool = False, **options: Any) -> dict[str, Any]:
        ring = options.pop("keyring", str(self.keys / "keyring.json"))
        return self._call("image_verify", fails, keyring=ring, images=list(images), **options)

    def _call(self, module: str, fails: bool, **arguments: Any) -> dict[str, Any]:
        check = arguments.pop("check", False)
        answer = call(module, {**self.tools, **arguments}, check=check)
        assert bool(answer.get("failed")) is fails, answer.get("msg")
        assert PASSPHRASE not in json.dumps({**answer, "invocation": {}})
        return answer


def push(registry: str, image: str, name: str) -> str:
    subprocess.run(
        [CRANE, "push", image.removeprefix("oci:"), f"{registry}/{name}:1"], check=True, capture_output=True
    )
    return f"{registry}/{name}:1"


def hint_of(identity: str) -> bytes:
    return base64.b64encode(bytes.fromhex(identity.removeprefix("sha256:")))


def rewrite(folder: Path, old: bytes, new: bytes) -> None:
    """Change what is attached to an image and make all digests fit again, as somebody who can write would."""
    blobs = folder / "blobs" / "sha256"
    renamed = {}
    for path in list(blobs.iterdir()):
        content = path.read_bytes()
        if old in content and b"dsseEnvelope" in content:
            changed = content.replace(old, new)
            name = hashlib.sha256(changed).hexdigest()
            (blobs / name).write_bytes(changed)
            renamed[path.name] = (name, len(content), len(changed))
            path.unlink()
    assert renamed
    for path in list(blobs.iterdir()):
        content = path.read_bytes()
        if b'"subject"' not in content:
            continue
        for before, (after, old_size, new_size) in renamed.items():
            if before.encode() in content:
                content = content.replace(before.encode(), after.encode())
                content = content.replace(f'"size":{old_size}'.encode(), f'"size":{new_size}'.encode())
                path.unlink()
                (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)


def recording(folder: Path) -> tuple[str, Path]:
    """Return a cosign that writes down what it was started with, and where it does."""
    program, log = folder / "cosign", folder / "cosign.log"
    told = f"{{ tr '\\0' '\\n' </proc/$$/environ; printf '%s\\n' \"$@\"; }} >>{log}"
    program.write_text(f'#!/bin/sh\n{told}\nexec {COSIGN} "$@"\n')
    program.chmod(0o755)
    return str(program), log
