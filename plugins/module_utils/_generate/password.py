# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Passwords from a stated alphabet with a stated entropy, and plain random bytes."""

from __future__ import annotations

import base64
import math
import secrets
import string

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# No letter of it means anything to a shell, a URL, YAML or SQL.
ALPHABET = string.ascii_letters + string.digits
LEAST_ENTROPY = 80
LEAST_BYTES = 16
MOST_BYTES = 65536


def check(alphabet: str, entropy_bits: int) -> None:
    """Refuse an alphabet or an entropy that makes no good password."""
    if len(alphabet) < 2 or len(set(alphabet)) != len(alphabet):
        raise RampartError(
            "An alphabet has less than two letters, or one of them twice.", next_step="name each letter once"
        )
    if not all(letter.isprintable() and not letter.isspace() for letter in alphabet):
        raise RampartError(
            "An alphabet has a letter that cannot be seen.", next_step="use printable letters only"
        )
    if entropy_bits < LEAST_ENTROPY:
        raise RampartError(
            f"A password of {entropy_bits} bits can be guessed.", next_step=f"ask for {LEAST_ENTROPY} or more"
        )


def length(alphabet: str, entropy_bits: int) -> int:
    """Return how many letters carry this entropy."""
    return math.ceil(entropy_bits / math.log2(len(alphabet)))


def make(alphabet: str, entropy_bits: int) -> bytes:
    """Make a password; every letter is drawn alike, so that the entropy is what was asked for."""
    return "".join(secrets.choice(alphabet) for _unused in range(length(alphabet, entropy_bits))).encode()


def check_bytes(size: int) -> None:
    """Refuse a number of bytes that is too small to be a key, or too large for a Secret."""
    if not LEAST_BYTES <= size <= MOST_BYTES:
        raise RampartError(
            f"{size} random bytes are asked for.", next_step=f"ask for {LEAST_BYTES} to {MOST_BYTES}"
        )


def make_bytes(size: int, encoding: str) -> bytes:
    """Make random bytes, as they are or as text."""
    raw = secrets.token_bytes(size)
    if encoding == "hex":
        return raw.hex().encode()
    return base64.b64encode(raw) if encoding == "base64" else raw
