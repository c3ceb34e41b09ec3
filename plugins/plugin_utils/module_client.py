# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Stands where Ansible starts Python, and lets the server of modules become it; without one it is Python.

A run has a copy of it that can be executed, with a link named like each module and the server's socket
beside it. It imports nothing that would take longer than what it is for: the module ``socket`` alone doubles
its time.
"""

from __future__ import annotations

import _socket
import os
import sys

STREAMS = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))


def main(path: str) -> int:
    """Hand everything over, and end as the module does."""
    folder, module = os.path.split(path)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(os.path.join(folder, "socket"))
    except OSError:
        os.execv(sys.executable, [sys.executable])  # noqa: S606 (a shell would only stand between)
    variables = [name + b"=" + value for name, value in os.environb.items()]
    parts = [os.fsencode(module), os.getcwdb(), *variables]
    message = b"".join(part + b"\0" for part in parts) + b"\0"
    sent = connection.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, STREAMS)])
    while sent < len(message):
        sent += connection.send(message[sent:])
    answer = connection.recv(1)
    if not answer:
        sys.stderr.write("The server of modules ended before the module did.\n")
        return 1
    return answer[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[0]))
