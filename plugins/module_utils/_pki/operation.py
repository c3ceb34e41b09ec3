# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Works out every file of a set of keys and certificates, and writes what is not so yet."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import only_writer
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import Wanted as WantedFile
from ansible_collections.rampart.k8s.plugins.module_utils._files.operation import (
    ConfigFiles,
    make_directory,
)
from ansible_collections.rampart.k8s.plugins.module_utils._pki import issue, judge, kubeconfig
from ansible_collections.rampart.k8s.plugins.module_utils._pki.item import (
    PRIVATE_MODE,
    PUBLIC_MODE,
    UNCHANGED,
    Item,
    read,
)
from ansible_collections.rampart.k8s.plugins.module_utils._pki.overlap import Rotation
from ansible_collections.rampart.k8s.plugins.module_utils._pki.signers import Signers, Signing
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Certificate, Wanted, check


@dataclass(slots=True)
class ClusterPki:
    """All keys and certificates below one directory."""

    wanted: Wanted
    now: datetime.datetime
    rotations: Sequence[Rotation] = ()
    _files: ConfigFiles = field(default_factory=lambda: ConfigFiles([]), init=False)
    _moved: list[Path] = field(default_factory=list, init=False)
    _left: list[Path] = field(default_factory=list, init=False)

    def plan(self) -> Plan:
        """Work out every file and compare; nothing is written."""
        check(self.wanted)
        known = {item.name for item in self.wanted.authorities}
        known |= {item.name for item in self.wanted.key_pairs}
        for rotation in self.rotations:
            if rotation.name not in known:
                raise RampartError(
                    f"A rotation names {rotation.name}, which is not given.",
                    next_step="name one of the authorities or pairs of keys",
                )
        return self._plan()

    def apply(self, plan: Plan) -> Plan:
        """Write, as the only writer: two authorities of one name would split the cluster in two."""
        if not self.wanted.directory.is_dir():
            make_directory(self.wanted.directory)
        with only_writer(self.wanted.directory):
            plan = self._plan()
            self._files.apply(plan)
            for path in (*self._moved, *self._left):
                path.unlink(missing_ok=True)
        return plan

    def _plan(self) -> Plan:
        signers = Signers(self.wanted, self.now, {item.name: item for item in self.rotations})
        authorities = {item.name: signers.authority(item) for item in self.wanted.authorities}
        issued = {
            item.name: self._certificate(item, authorities[item.authority])
            for item in self.wanted.certificates
        }
        pairs = [signers.key_pair(item) for item in self.wanted.key_pairs]
        self._place_authorities(authorities, issued)
        self._moved = self._left_behind()
        self._left = signers.left
        items = [
            *(signing.item for signing in authorities.values()),
            *issued.values(),
            *pairs,
            *self._kubeconfigs(authorities, issued),
        ]
        self._files = ConfigFiles([file for item in items for file in item.files])
        files = self._files.plan()
        self._add_file_reasons(items)
        changed = [item for item in items if item.action != "unchanged"]
        reasons = [f"{item.name}: {item.reason}" for item in changed]
        reasons += [f"{path}: a killed run left it" for path in files.result["swept"]]
        reasons += [f"{path}: it belongs in another folder now" for path in self._moved]
        reasons += [f"{path}: it does not wait any more" for path in self._left]
        return Plan(
            changed=files.changed or bool(self._moved or self._left),
            reason="; ".join(reasons) or "everything is as it should be",
            before={item.name: item.shown_before for item in changed},
            after={item.name: item.shown_after or {"changed": item.reason} for item in changed},
            result={
                "authorities": _entries(items, "authority"),
                "certificates": _entries(items, "certificate"),
                "key_pairs": _entries(items, "key_pair"),
                "kubeconfigs": _entries(items, "kubeconfig"),
                "stages": signers.stages,
            },
        )

    def _add_file_reasons(self, items: Iterable[Item]) -> None:
        """Report what only the comparison of the files tells: modes, and kubeconfigs that follow."""
        steps = {step.wanted.path: step for step in self._files.steps}
        for item in items:
            changes = [steps[file.path] for file in item.files if steps[file.path].changes]
            if item.action == "unchanged" and changes:
                item.action = changes[0].action
                if item.reason == UNCHANGED:
                    item.reason = "; ".join(f"{step.wanted.path.name}: {step.reason}" for step in changes)

    def _place_authorities(self, authorities: dict[str, Signing], issued: dict[str, Item]) -> None:
        """Put the authority's certificate beside those that have a folder of their own, once."""
        placed: set[Path] = set()
        for wanted in self.wanted.certificates:
            path = (wanted.directory or self.wanted.directory) / f"{wanted.authority}.crt"
            if wanted.directory is None or path in placed:
                continue
            placed.add(path)
            trusted = authorities[wanted.authority].trusted
            issued[wanted.name].files.append(WantedFile(path, PUBLIC_MODE, trusted))

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
        certificate, key = read(self.wanted.certificate(name)), read(self.wanted.key(name))
        return judge.load_pair(certificate, key), certificate, key

    def _certificate(self, wanted: Certificate, authority: Signing) -> Item:
        pair, certificate_pem, key_pem = self._load(wanted.name)
        reason = judge.certificate_reason(
            wanted,
            pair,
            authority.certificate,
            now=self.now,
            renew_before=datetime.timedelta(days=self.wanted.renew_before_days),
        )
        before = judge.describe(pair.certificate)
        if not reason and certificate_pem and key_pem:
            files = self._pair_files(wanted.name, key_pem, certificate_pem, wanted.owner)
            return Item("certificate", wanted.name, files, shown_before=before, shown_after=before)
        key = issue.new_key()
        certificate = issue.issue(wanted, key, authority.certificate, authority.key, self.now)
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

    def _kubeconfigs(self, authorities: dict[str, Signing], certificates: dict[str, Item]) -> list[Item]:
        items = []
        for wanted in self.wanted.kubeconfigs:
            key, certificate = certificates[wanted.certificate].files[:2]
            content = kubeconfig.render(
                wanted,
                authorities[wanted.authority].trusted,
                certificate.content or b"",
                key.content or b"",
            )
            file = WantedFile(wanted.path, wanted.mode, content, secret=True)
            items.append(Item("kubeconfig", str(wanted.path), [file]))
        return items


def _entries(items: Iterable[Item], kind: str) -> list[dict[str, Any]]:
    return [item.entry() for item in items if item.kind == kind]
