# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands for the internet: a network of its own behind one link, with a server on port 443 of each address.

``outside.py PID_FILE LINK GATEWAY ADDRESS...`` returns when the servers answer; ``outside.py --end PID_FILE``
ends it. The network, its link and its routes go with its process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

NEW_NETWORK = 0x40000000  # CLONE_NEWNET; os.unshare came with Python 3.12
PEER = "outside"
PORT = 443


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def serve(address: str, opened: threading.Barrier) -> None:
    with socket.create_server((address, PORT)) as server:
        opened.wait()
        while True:
            connection, _caller = server.accept()
            with connection:
                connection.sendall(b"here\n")


def inside(linked: int, ready: int, gateway: str, addresses: list[str]) -> None:
    """Be the other network."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(ready, b"u")
    os.read(linked, 1)
    for address in addresses:
        ip("address", "add", f"{address}/32", "dev", PEER)
    ip("link", "set", PEER, "up")
    ip("route", "add", gateway, "dev", PEER)
    ip("route", "add", "default", "via", gateway)
    opened = threading.Barrier(len(addresses) + 1)
    for address in addresses:
        threading.Thread(target=serve, args=(address, opened), daemon=True).start()
    opened.wait()
    os.write(ready, b"s")
    os.close(ready)
    signal.pause()


def start(pid_file: Path, link: str, gateway: str, addresses: list[str]) -> None:
    """Make the network, and return when its servers listen."""
    linked_out, linked_in = os.pipe()
    ready_out, ready_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(silence, stream)
        inside(linked_out, ready_in, gateway, addresses)
    os.close(ready_in)
    os.read(ready_out, 1)
    ip("link", "add", link, "type", "veth", "peer", "name", PEER, "netns", str(pid))
    ip("address", "add", f"{gateway}/32", "dev", link)
    ip("link", "set", link, "up")
    for address in addresses:
        ip("route", "add", f"{address}/32", "dev", link)
    os.write(linked_in, b"l")
    if os.read(ready_out, 1) != b"s":
        raise SystemExit("the other network did not come up")
    pid_file.write_text(f"{pid}\n")


def end(pid_file: Path) -> None:
    """End the network; the kernel removes all of it."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
    except ProcessLookupError:
        print("it has ended already")
    pid_file.unlink()


def main() -> None:
    match sys.argv[1:]:
        case ["--end", pid_file]:
            end(Path(pid_file))
        case [pid_file, link, gateway, *addresses] if addresses:
            start(Path(pid_file), link, gateway, addresses)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
