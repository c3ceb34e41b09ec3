# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Sees inside a pod whether it holds a content, without the content leaving it.

A shell or a Python in the container hashes a random key together with each value, and only the hashes come
out. The key goes in by standard input and is another one each time, so a hash tells nothing afterwards, and
neither stands in the audit log.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import Place
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell

# Needs cat and sha256sum only. A variable with a name that no shell has is left to printenv; some shells do
# not hand it on, and nothing is said then. The script's own variables have names that no consumer has.
SHELL = """\
read -r rampart_key
for rampart_place; do
  rampart_name=${rampart_place#*:}
  case $rampart_place in
    env:[0-9]* | env:*[!A-Za-z0-9_]*) printenv -- "$rampart_name" > /dev/null || exit 1 ;;
  esac
  {
    printf %s "$rampart_key"
    case $rampart_place in
      file:*) cat -- "$rampart_name" ;;
      env:[0-9]* | env:*[!A-Za-z0-9_]*) printenv -- "$rampart_name" ;;
      env:*) eval "printf '%s\\n' \\"\\${$rampart_name}\\"" ;;
    esac
  } | sha256sum
done
"""
# The same for images that hold an interpreter and nothing else.
PYTHON = """\
import hashlib, os, sys
key = sys.stdin.buffer.readline().strip()
for place in sys.argv[1:]:
    kind, _, where = place.partition(":")
    try:
        value = open(where, "rb").read() if kind == "file" else os.environb[where.encode()] + b"\\n"
    except (OSError, KeyError):
        value = b""
    print(hashlib.sha256(key + value).hexdigest(), "-")
"""
WAYS = (("sh", "-c", SHELL, "sh"), ("python3", "-I", "-c", PYTHON))
_LINE = re.compile(rb"^\\?([0-9a-f]{64})\s", re.MULTILINE)
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a look into a container showed."""

    # The places that hold something else than they should.
    wrong: tuple[Place, ...] = ()
    # Why nothing could be seen; empty when it could.
    blind: str = ""


def expected(key: str, place: Place, value: bytes) -> str:
    """Return the hash that a place with this value shows; printenv ends a value with a line feed."""
    end = b"" if place.is_file else b"\n"
    return hashlib.sha256(key.encode() + value + end).hexdigest()


def look(
    shell: Shell,
    namespace: str,
    pod: str,
    container: str,
    places: Sequence[Place],
    held: Mapping[str, bytes],
) -> Look:
    """Compare what is at some places of a container with what should be there."""
    named = [("file:" if place.is_file else "env:") + place.where for place in places]
    for way in WAYS:
        key = secrets.token_hex(32)
        ended = shell.run(
            namespace,
            pod,
            container,
            [*way, *named],
            stdin=f"{key}\n".encode(),
            timeout=TIMEOUT,
        )
        hashes = [found.decode("ascii") for found in _LINE.findall(ended.output)]
        if len(hashes) == len(places):
            return Look(
                tuple(
                    place
                    for place, found in zip(places, hashes, strict=True)
                    if found != expected(key, place, held.get(place.key, b""))
                )
            )
    return Look(blind="it has neither a shell with cat and sha256sum nor a Python to look with")
