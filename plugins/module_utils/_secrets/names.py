# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The annotations and labels by which the cluster itself says what a Secret is and how old it is."""

from __future__ import annotations

import hashlib

PREFIX = "rampart.k8s"

CLASS = f"{PREFIX}/class"
OWNER = f"{PREFIX}/owner"
ROTATED_AT = f"{PREFIX}/rotated-at"
ROTATION_ID = f"{PREFIX}/rotation-id"
REASON = f"{PREFIX}/rotation-reason"
FINGERPRINTS = f"{PREFIX}/fingerprints"
FENCING = f"{PREFIX}/fencing"
# Of a version: the name that its consumers would know it by, were it not for its suffix.
VERSION_OF = f"{PREFIX}/version-of"

# Everything that a rotation writes about a Secret; a return takes it back with the content.
ABOUT = (CLASS, OWNER, ROTATED_AT, ROTATION_ID, REASON, FINGERPRINTS, FENCING)

ROLE = f"{PREFIX}/role"
SECRET, VERSION = "secret", "secret-version"
JOURNAL, PENDING, PREVIOUS = "rotation-journal", "rotation-pending", "rotation-previous"
FINGERPRINT_KEY = "fingerprint-key"
# What a token of a ServiceAccount lives as long as.
ANCHOR = "token-anchor"
# The keys that a service accepts, each of somebody else.
KEY_LIST = "key-list"
_WORDS = {PENDING: "next", PREVIOUS: "last"}
# What belongs to the rotation itself: no consumer ever refers to it, and no report counts it.
INTERNAL = frozenset({JOURNAL, PENDING, PREVIOUS, FINGERPRINT_KEY, ANCHOR})

JOURNAL_TYPE = f"{PREFIX}/rotation"
KEY_NAME = "rampart-fingerprint-key"
LEASE_NAME = "rampart-rotation"
FIELD_MANAGER = "rampart-rotation"

# How a workload says that it takes a new secret without a restart, and how to ask it whether all is well.
RELOAD = f"{PREFIX}/reload"
PROBE = f"{PREFIX}/probe"
# On a pod: its kubelet looks at the pod again, and writes mounted Secrets anew, when this changes.
REFRESH = f"{PREFIX}/refresh"

TEMPLATE_PREFIX = f"secret.{PREFIX}/"
LONGEST_LABEL = 63
LONGEST_NAME = 253


def template_annotation(secret: str) -> str:
    """Name the annotation of a pod template that says which content of a Secret its pods began with."""
    return TEMPLATE_PREFIX + shortened(secret, LONGEST_LABEL)


def shortened(name: str, longest: int) -> str:
    """Return a name that fits; a long one keeps its beginning and gets a sum in place of the rest."""
    if len(name) <= longest:
        return name
    tail = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - len(tail) - 1].rstrip('-.')}-{tail}"


def beside(secret: str, role: str, rotation: str) -> str:
    """Name the Secret that holds the new or the old content of another one while a rotation runs."""
    tail = f"-{_WORDS[role]}-{rotation}"
    return shortened(secret, LONGEST_NAME - len(tail)) + tail


def is_beside(found: str, secret: str) -> bool:
    """Say whether a Secret is such a copy of another one, in whatever rotation."""
    return any(
        found == beside(secret, role, rotation)
        for role, word in _WORDS.items()
        for _before, mark, rotation in [found.rpartition(f"-{word}-")]
        if mark
    )


def journal(rotation: str) -> str:
    """Name the Secret that a rotation keeps its journal in."""
    return f"{LEASE_NAME}-{rotation}"
