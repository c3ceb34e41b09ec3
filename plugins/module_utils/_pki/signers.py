# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Works out the files of what signs: authorities and keys for tokens, in whatever stage of a rotation."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import Wanted as WantedFile
from ansible_collections.rampart.k8s.plugins.module_utils._pki import issue, judge
from ansible_collections.rampart.k8s.plugins.module_utils._pki.item import (
    PRIVATE_MODE,
    PUBLIC_MODE,
    UNCHANGED,
    Item,
    read,
)
from ansible_collections.rampart.k8s.plugins.module_utils._pki.overlap import (
    Rotation,
    Signer,
    State,
    advance,
    blocks,
    settled,
)
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Authority, KeyPair, Wanted

with contextlib.suppress(ImportError):
    from cryptography import x509

if TYPE_CHECKING:
    from ansible_collections.rampart.k8s.plugins.module_utils._pki.issue import PrivateKey


@dataclass(slots=True)
class Signing:
    """An authority as it will be: its certificate and key, and all that has to be trusted for it."""

    item: Item
    certificate: x509.Certificate
    key: PrivateKey
    trusted: bytes


@dataclass(slots=True)
class Signers:
    """All that signs below one directory."""

    wanted: Wanted
    now: datetime.datetime
    rotations: Mapping[str, Rotation]
    stages: dict[str, str] = field(default_factory=dict)
    # What a rotation that is over leaves behind.
    left: list[Path] = field(default_factory=list)

    def authority(self, wanted: Authority) -> Signing:
        """Work out an authority; one that cannot do its work is never replaced on its own."""
        certificate_path, key_path = self.wanted.certificate(wanted.name), self.wanted.key(wanted.name)
        certificate_pem, key_pem = read(certificate_path), read(key_path)
        pair = judge.load_pair(certificate_pem, key_pem)
        if pair.trouble != judge.MISSING:
            judge.refuse_authority(wanted, pair, paths=f"{certificate_path}, {key_path}", now=self.now)
        key = pair.key or issue.new_key()
        certificate = pair.certificate or issue.issue_authority(wanted, key, self.now)

        def make() -> Signer:
            following = issue.new_key()
            made = issue.issue_authority(wanted, following, self.now)
            return Signer(following, issue.certificate_pem(made))

        bundle = [x509.load_pem_x509_certificate(block) for block in blocks(certificate_pem or b"")]
        own = [issue.certificate_pem(item) for item in bundle if item.subject == certificate.subject]
        # Somebody else's authority that was put beside it is none of our business.
        foreign = [issue.certificate_pem(item) for item in bundle if item.subject != certificate.subject]
        waiting = judge.load_pair(*(read(path) for path in self._next(wanted.name)))
        following = None
        if waiting.key and waiting.certificate and not waiting.trouble:
            following = Signer(waiting.key, issue.certificate_pem(waiting.certificate))
        signer = Signer(key, issue.certificate_pem(certificate))
        began = pair.certificate.not_valid_before_utc + issue.BACKDATE if pair.certificate else None
        state, reason = self._advance(wanted.name, State(signer, tuple(own), following), began, make)
        signs = x509.load_pem_x509_certificate(state.signer.public)
        trusted = state.trusted + b"".join(foreign)
        item = Item(
            "authority",
            wanted.name,
            [
                *self._next_files(wanted.name, state),
                WantedFile(
                    key_path,
                    PRIVATE_MODE,
                    key_pem if state.signer.key is pair.key and key_pem else issue.key_pem(state.signer.key),
                    secret=True,
                ),
                WantedFile(certificate_path, PUBLIC_MODE, trusted),
                # Who signs on behalf of others takes one certificate and no more.
                WantedFile(self.wanted.signing(wanted.name), PUBLIC_MODE, state.signer.public),
            ],
            reason=reason,
            shown_before=judge.describe(pair.certificate),
            shown_after=judge.describe(signs),
        )
        if pair.trouble:
            item.action, item.reason = "created", pair.trouble
        return Signing(item, signs, state.signer.key, trusted)

    def key_pair(self, wanted: KeyPair) -> Item:
        """Work out a pair of keys without a certificate."""
        key_path, public_path = self.wanted.key(wanted.name), self.wanted.public_key(wanted.name)
        key_pem, public = read(key_path), read(public_path)
        key = judge.load_key(key_pem) if key_pem is not None else None
        if key is None and (key_pem is not None or public is not None):
            raise RampartError(
                f"The key {key_path} {'is gone' if key_pem is None else 'cannot be read'}; "
                "a new one would make all that it signed worthless.",
                next_step=f"restore it from a backup, or remove {key_path.name} and {public_path.name} "
                "to have a new pair made",
                path=str(key_path),
            )
        began = None
        if key is not None:
            # The file is written when the key begins to sign.
            began = datetime.datetime.fromtimestamp(key_path.stat().st_mtime, datetime.UTC)
        made = key or issue.new_signing_key(wanted.algorithm)

        def make() -> Signer:
            following = issue.new_signing_key(wanted.algorithm)
            return Signer(following, issue.public_pem(following.public_key()))

        waiting_pem = read(self._next(wanted.name)[1])
        waiting = judge.load_key(waiting_pem) if waiting_pem else None
        following = Signer(waiting, issue.public_pem(waiting.public_key())) if waiting else None
        signer = Signer(made, issue.public_pem(made.public_key()))
        state = State(signer, tuple(blocks(public or b"")), following)
        state, reason = self._advance(wanted.name, state, began, make)
        kept = key_pem if state.signer.key is key and key_pem else issue.key_pem(state.signer.key)
        item = Item(
            "key_pair",
            wanted.name,
            [
                *self._next_files(wanted.name, state),
                WantedFile(key_path, PRIVATE_MODE, kept, secret=True),
                WantedFile(public_path, PUBLIC_MODE, state.trusted),
            ],
            reason=reason,
        )
        if key is None:
            item.action, item.reason = "created", judge.MISSING
        return item

    def _advance(
        self, name: str, state: State, began: datetime.datetime | None, make: Callable[[], Signer]
    ) -> tuple[State, str]:
        """Take the step that was asked for, and note where the pair stands then."""
        state, reason = settled(state), ""
        if name in self.rotations:
            state, reason = advance(state, self.rotations[name], began=began, now=self.now, make=make)
        self.stages[name] = state.stage
        if state.next is None:
            self.left += [path for path in self._next(name) if path.is_file()]
        return state, reason or UNCHANGED

    def _next(self, name: str) -> tuple[Path, Path]:
        """Return where the certificate and the key wait that are to follow."""
        folder = self.wanted.folder(name)
        return folder / f"{name}.next.crt", folder / f"{name}.next.key"

    def _next_files(self, name: str, state: State) -> list[WantedFile]:
        if state.next is None:
            return []
        certificate, key = self._next(name)
        files = [WantedFile(key, PRIVATE_MODE, issue.key_pem(state.next.key), secret=True)]
        if b"CERTIFICATE" in state.next.public:
            files.append(WantedFile(certificate, PUBLIC_MODE, state.next.public))
        return files
