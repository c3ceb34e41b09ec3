# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Works out every file of a set of keys and certificates, and writes what is not so yet."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import only_writer
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import Wanted as WantedFile
from ansible_collections.rampart.k8s.plugins.module_utils._files.operation import (
    ConfigFiles,
    make_directory,
    observe,
)
from ansible_collections.rampart.k8s.plugins.module_utils._pki import issue, judge, kubeconfig
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import (
    Authority,
    Certificate,
    KeyPair,
    Wanted,
    check,
)

if TYPE_CHECKING:
    from ansible_collections.rampart.k8s.plugins.module_utils._pki.issue import PrivateKey
    from cryptography import x509

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644
UNCHANGED = "it is as it should be"


@dataclass(slots=True)
class Item:
    """One named thing with its files, as it will be after the run."""

    kind: str
    name: str
    files: list[WantedFile]
    action: str = "unchanged"
    reason: str = UNCHANGED
    shown_before: dict[str, Any] = field(default_factory=dict)
    shown_after: dict[str, Any] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            key: self.shown_after[key] for key in ("expires", "names") if key in self.shown_after
        }
        return {"name": self.name, "action": self.action, "reason": self.reason, **shown}


def _read(path: Path) -> bytes | None:
    seen = observe(path)
    return seen.content if seen.kind == "file" else None


@dataclass(slots=True)
class ClusterPki:
    """All keys and certificates below one directory."""

    wanted: Wanted
    now: datetime.datetime
    _files: ConfigFiles = field(default_factory=lambda: ConfigFiles([]), init=False)
    _moved: list[Path] = field(default_factory=list, init=False)

    def plan(self) -> Plan:
        """Work out every file and compare; nothing is written."""
        check(self.wanted)
        return self._plan()

    def apply(self, plan: Plan) -> Plan:
        """Write, as the only writer: two authorities of one name would split the cluster in two."""
        if not self.wanted.directory.is_dir():
            make_directory(self.wanted.directory)
        with only_writer(self.wanted.directory):
            plan = self._plan()
            self._files.apply(plan)
            for path in self._moved:
                path.unlink(missing_ok=True)
        return plan

    def _plan(self) -> Plan:
        authorities = {item.name: self._authority(item) for item in self.wanted.authorities}
        issued = {
            item.name: self._certificate(item, *authorities[item.authority][1:])
            for item in self.wanted.certificates
        }
        pairs = [self._key_pair(item) for item in self.wanted.key_pairs]
        self._place_authorities({name: item for name, (item, *_unused) in authorities.items()}, issued)
        self._moved = self._left_behind()
        items = [
            *(item for item, _certificate, _key in authorities.values()),
            *issued.values(),
            *pairs,
            *self._kubeconfigs(
                {name: item for name, (item, _certificate, _key) in authorities.items()}, issued
            ),
        ]
        self._files = ConfigFiles([file for item in items for file in item.files])
        files = self._files.plan()
        self._add_file_reasons(items)
        changed = [item for item in items if item.action != "unchanged"]
        reasons = [f"{item.name}: {item.reason}" for item in changed]
        reasons += [f"{path}: a killed run left it" for path in files.result["swept"]]
        reasons += [f"{path}: it belongs in another folder now" for path in self._moved]
        return Plan(
            changed=files.changed or bool(self._moved),
            reason="; ".join(reasons) or "everything is as it should be",
            before={item.name: item.shown_before for item in changed},
            after={item.name: item.shown_after or {"changed": item.reason} for item in changed},
            result={
                "authorities": _entries(items, "authority"),
                "certificates": _entries(items, "certificate"),
                "key_pairs": _entries(items, "key_pair"),
                "kubeconfigs": _entries(items, "kubeconfig"),
            },
        )

    def _add_file_reasons(self, items: Iterable[Item]) -> None:
        """Report what only the comparison of the files tells: modes, and kubeconfigs that follow."""
        steps = {step.wanted.path: step for step in self._files.steps}
        for item in items:
            changes = [steps[file.path] for file in item.files if steps[file.path].changes]
            if item.action == "unchanged" and changes:
                item.action = changes[0].action
                item.reason = "; ".join(f"{step.wanted.path.name}: {step.reason}" for step in changes)

    def _place_authorities(self, authorities: dict[str, Item], issued: dict[str, Item]) -> None:
        """Put the authority's certificate beside those that have a folder of their own, once."""
        placed: set[Path] = set()
        for wanted in self.wanted.certificates:
            path = (wanted.directory or self.wanted.directory) / f"{wanted.authority}.crt"
            if wanted.directory is None or path in placed:
                continue
            placed.add(path)
            _key, certificate = authorities[wanted.authority].files
            issued[wanted.name].files.append(WantedFile(path, PUBLIC_MODE, certificate.content))

    def _left_behind(self) -> list[Path]:
        """Find the pairs that stood in the folder of all before they got one of their own."""
        return [
            path
            for item in self.wanted.certificates
            if item.directory is not None
            for path in (
                self.wanted.directory / f"{item.name}.key",
                self.wanted.directory / f"{item.name}.crt",
            )
            if path.is_file()
        ]

    def _pair_files(self, name: str, key: bytes, certificate: bytes, owner: str = "") -> list[WantedFile]:
        # The key comes first: a certificate is never there without the key it was made for.
        return [
            WantedFile(self.wanted.key(name), PRIVATE_MODE, key, secret=True, owner=owner),
            WantedFile(self.wanted.certificate(name), PUBLIC_MODE, certificate),
        ]

    def _load(self, name: str) -> tuple[judge.Pair, bytes | None, bytes | None]:
        certificate, key = _read(self.wanted.certificate(name)), _read(self.wanted.key(name))
        return judge.load_pair(certificate, key), certificate, key

    def _authority(self, wanted: Authority) -> tuple[Item, x509.Certificate, PrivateKey]:
        pair, certificate_pem, key_pem = self._load(wanted.name)
        paths = f"{self.wanted.certificate(wanted.name)}, {self.wanted.key(wanted.name)}"
        if pair.trouble != judge.MISSING:
            judge.refuse_authority(wanted, pair, paths=paths, now=self.now)
        key = pair.key or issue.new_key()
        certificate = pair.certificate or issue.issue_authority(wanted, key, self.now)
        item = Item(
            "authority",
            wanted.name,
            self._pair_files(
                wanted.name,
                key_pem if pair.key and key_pem else issue.key_pem(key),
                certificate_pem
                if pair.certificate and certificate_pem
                else issue.certificate_pem(certificate),
            ),
            shown_before=judge.describe(pair.certificate),
            shown_after=judge.describe(certificate),
        )
        if pair.trouble:
            item.action, item.reason = "created", pair.trouble
        return item, certificate, key

    def _certificate(
        self, wanted: Certificate, authority: x509.Certificate, authority_key: PrivateKey
    ) -> Item:
        pair, certificate_pem, key_pem = self._load(wanted.name)
        reason = judge.certificate_reason(
            wanted,
            pair,
            authority,
            now=self.now,
            renew_before=datetime.timedelta(days=self.wanted.renew_before_days),
        )
        before = judge.describe(pair.certificate)
        if not reason and certificate_pem and key_pem:
            files = self._pair_files(wanted.name, key_pem, certificate_pem, wanted.owner)
            return Item("certificate", wanted.name, files, shown_before=before, shown_after=before)
        key = issue.new_key()
        certificate = issue.issue(wanted, key, authority, authority_key, self.now)
        return Item(
            "certificate",
            wanted.name,
            self._pair_files(
                wanted.name, issue.key_pem(key), issue.certificate_pem(certificate), wanted.owner
            ),
            action="created" if pair.trouble == judge.MISSING else "replaced",
            reason=reason,
            shown_before=before,
            shown_after=judge.describe(certificate),
        )

    def _key_pair(self, wanted: KeyPair) -> Item:
        key_path, public_path = self.wanted.key(wanted.name), self.wanted.public_key(wanted.name)
        key_pem, public = _read(key_path), _read(public_path)
        key = judge.load_key(key_pem) if key_pem is not None else None
        if key is None and (key_pem is not None or public is not None):
            raise RampartError(
                f"The key {key_path} {'is gone' if key_pem is None else 'cannot be read'}; "
                "a new one would make all that it signed worthless.",
                next_step=f"restore it from a backup, or remove {key_path.name} and {public_path.name} "
                "to have a new pair made",
                path=str(key_path),
            )
        created = key is None
        key = key or issue.new_signing_key(wanted.algorithm)
        item = Item(
            "key_pair",
            wanted.name,
            [
                WantedFile(key_path, PRIVATE_MODE, key_pem or issue.key_pem(key), secret=True),
                WantedFile(public_path, PUBLIC_MODE, issue.public_pem(key.public_key())),
            ],
        )
        if created:
            item.action, item.reason = "created", judge.MISSING
        return item

    def _kubeconfigs(self, authorities: dict[str, Item], certificates: dict[str, Item]) -> list[Item]:
        items = []
        for wanted in self.wanted.kubeconfigs:
            key, certificate = certificates[wanted.certificate].files[:2]
            _unused, authority = authorities[wanted.authority].files
            content = kubeconfig.render(
                wanted, authority.content or b"", certificate.content or b"", key.content or b""
            )
            file = WantedFile(wanted.path, wanted.mode, content, secret=True)
            items.append(Item("kubeconfig", str(wanted.path), [file]))
        return items


def _entries(items: Iterable[Item], kind: str) -> list[dict[str, Any]]:
    return [item.entry() for item in items if item.kind == kind]
