# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A KMS plugin (version 2 of the interface): a gRPC server on a unix socket with AES-GCM keys of its own.

As a program, ``kms.py SOCKET KEYS``: the keys are a JSON object of names and base64, the last of which
encrypts. The file is read for each call, so a key that is added to it is used at once.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.protobuf import fields
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


def message(*values: tuple[int, str | bytes]) -> bytes:
    """Write a protobuf message of texts and bytes."""
    written = b""
    for number, value in values:
        raw = value.encode() if isinstance(value, str) else value
        length, size = b"", len(raw)
        while size > 0x7F:
            length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
        written += bytes([number << 3 | 2]) + length + bytes([size]) + raw
    return written


class Service:
    """The three calls of v2.KeyManagementService."""

    def __init__(self, keys: Path) -> None:
        self._path = keys

    def _keys(self) -> dict[str, AESGCM]:
        stored: dict[str, str] = json.loads(self._path.read_text())
        return {name: AESGCM(base64.b64decode(key)) for name, key in stored.items()}

    def status(self, _asked: bytes) -> bytes:
        return message((1, "v2"), (2, "ok"), (3, list(self._keys())[-1]))

    def encrypt(self, asked: bytes) -> bytes:
        (plain,) = (
            bytes(value) for number, value in fields(asked) if number == 1 and not isinstance(value, int)
        )
        name, key = list(self._keys().items())[-1]
        nonce = os.urandom(NONCE)
        return message((1, nonce + key.encrypt(nonce, plain, None)), (2, name))

    def decrypt(self, asked: bytes) -> bytes:
        found = {number: bytes(value) for number, value in fields(asked) if not isinstance(value, int)}
        key = self._keys()[found[3].decode()]
        return message((1, key.decrypt(found[1][:NONCE], found[1][NONCE:], None)))


def serve(socket: Path, keys: Path) -> None:
    """Serve until the process is ended."""
    service = Service(keys)
    calls: dict[str, Callable[[bytes], bytes]] = {
        "Status": service.status,
        "Encrypt": service.encrypt,
        "Decrypt": service.decrypt,
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(lambda asked, _context, call=call: call(asked))
        for name, call in calls.items()
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("v2.KeyManagementService", handlers),)
    )
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    server.wait_for_termination()


class Kms:
    """A plugin for a test: runs as a process of its own, and gets new keys."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "kms.sock"
        self._keys = folder / "kms-keys.json"
        self._keys.write_text("{}")
        self._child: subprocess.Popen[bytes] | None = None
        self.add_key("kek-1")

    def add_key(self, name: str) -> None:
        """Make a new key the one that encrypts."""
        keys = {**json.loads(self._keys.read_text()), name: base64.b64encode(os.urandom(32)).decode()}
        fresh = self._keys.with_suffix(".new")
        fresh.write_text(json.dumps(keys))
        fresh.replace(self._keys)

    def __enter__(self) -> Kms:
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stop()

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.socket), str(self._keys)], env=environment
        )
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            assert self._child.poll() is None, "the KMS plugin ended"
            assert time.monotonic() < deadline, "the KMS plugin did not come up"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._child:
            self._child.kill()
            self._child.wait()
            self._child = None
        self.socket.unlink(missing_ok=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
