# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is said about an image: in-toto statements (v1), and the Sigstore bundles that carry them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

# What cosign itself writes when it signs an image: a statement that says nothing but which image.
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
# Followed by the name of a gate: the verdicts of two gates are two kinds of statements.
VERDICT = "https://github.com/rampart-k8s/rampart.k8s/attestation/verdict/v1/"
VERDICT_OF = "verdict:"

SHORT_NAMES = {
    "signature": SIGNATURE,
    "cyclonedx": "https://cyclonedx.org/bom",
    "spdx": "https://spdx.dev/Document",
    "provenance": "https://slsa.dev/provenance/v1",
}

# Where predicates of others say when they were made.
TIMES = {
    SHORT_NAMES["cyclonedx"]: "metadata.timestamp",
    SHORT_NAMES["spdx"]: "creationInfo.created",
    SHORT_NAMES["provenance"]: "runDetails.metadata.finishedOn",
}


class UnreadableBundleError(ValueError):
    """What is attached to an image is not a bundle with one in-toto statement."""


GATE = re.compile(r"[a-z][a-z0-9_]*")


def type_uri(name: str) -> str:
    """Return the URI of a type; a name that is none of the short ones and no URI is an error."""
    gate = name.removeprefix(VERDICT_OF)
    if gate != name and GATE.fullmatch(gate):
        return VERDICT + gate
    if name in SHORT_NAMES or "://" in name:
        return SHORT_NAMES.get(name, name)
    raise RampartError(
        f"{name!r} is no type of attestation.",
        next_step=f"use one of {', '.join(SHORT_NAMES)}, {VERDICT_OF}GATE, or a URI",
    )


def short_name(uri: str) -> str:
    if uri.startswith(VERDICT):
        return VERDICT_OF + uri.removeprefix(VERDICT)
    return next((name for name, known in SHORT_NAMES.items() if known == uri), uri)


def time_path(uri: str) -> str:
    """Say where a predicate of this type tells when it was made; the newest one counts."""
    return "time" if uri.startswith(VERDICT) else TIMES.get(uri, "")


def canonical(data: Any) -> bytes:
    """Write data the same way each time."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Statement:
    """One claim about one image."""

    digest: str
    predicate_type: str
    predicate: Mapping[str, Any]

    def document(self) -> bytes:
        algorithm, _unused, value = self.digest.partition(":")
        return canonical(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"digest": {algorithm: value}}],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )

    def says_the_same(self, other: Statement) -> bool:
        return self.document() == other.document()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A signed statement as it is attached to an image; nothing in it is trusted yet."""

    raw: bytes
    statement: Statement
    # Which key it claims to be signed with; it only says which one to try.
    hint: str


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers of one text must not see two things.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableBundleError("a key stands in it twice")
    return found


def load(text: bytes) -> Any:
    """Parse JSON in which every key stands once."""
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates)
    except UnreadableBundleError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableBundleError(f"it is not JSON ({type(error).__name__})") from error


def read_statement(payload: bytes) -> Statement:
    """Read a statement about exactly one sha256 digest."""
    match load(payload):
        case {
            "_type": str() as kind,
            "subject": [{"digest": {"sha256": str() as value}}],
            "predicateType": str() as predicate_type,
            **rest,
        } if kind.startswith("https://in-toto.io/Statement/"):
            predicate = rest.get("predicate") or {}
            if isinstance(predicate, dict):
                return Statement(f"sha256:{value}", predicate_type, predicate)
    raise UnreadableBundleError("it is not an in-toto statement about one sha256 digest")


def read_bundle(raw: bytes) -> Bundle:
    """Read a bundle; raises UnreadableBundleError on anything else."""
    match load(raw):
        case {
            "dsseEnvelope": {"payload": str() as payload, "payloadType": str() as kind, "signatures": [_]},
            "verificationMaterial": dict() as material,
        } if kind == PAYLOAD_TYPE:
            try:
                statement = read_statement(base64.b64decode(payload, validate=True))
            except binascii.Error as error:
                raise UnreadableBundleError("its payload is not base64") from error
            hint = (material.get("publicKey") or {}).get("hint") or ""
            return Bundle(raw, statement, str(hint))
    raise UnreadableBundleError("it is not a bundle with one signed statement")
