# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a set of keys and certificates should be, checked before anything is looked at."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

Usage = Literal["server", "client"]
Algorithm = Literal["rsa", "ecdsa"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
DNS_NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

# RFC 5280, appendix A: ub-common-name and ub-organization-name.
NAME_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Authority:
    """A root that signs the certificates of one purpose."""

    name: str
    common_name: str
    days: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of one component."""

    name: str
    authority: str
    common_name: str
    organizations: tuple[str, ...]
    usages: tuple[Usage, ...]
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    days: int
    # For a program that may not look into the folder of all: its own, and the user who may read the key.
    directory: Path | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A pair of keys without a certificate: service-account tokens are signed with one."""

    name: str
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """A way into the cluster for one certificate, whole in one file."""

    path: Path
    cluster: str
    server: str
    authority: str
    certificate: str
    user: str
    mode: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything below one directory."""

    directory: Path
    authorities: Sequence[Authority]
    certificates: Sequence[Certificate]
    key_pairs: Sequence[KeyPair]
    kubeconfigs: Sequence[Kubeconfig]
    renew_before_days: int

    def folder(self, name: str) -> Path:
        """Return where the files of a name belong."""
        own = (item.directory for item in self.certificates if item.name == name)
        return next(own, None) or self.directory

    def key(self, name: str) -> Path:
        return self.folder(name) / f"{name}.key"

    def certificate(self, name: str) -> Path:
        return self.folder(name) / f"{name}.crt"

    def signing(self, name: str) -> Path:
        """Return where the certificate of an authority stands alone, without what is trusted besides."""
        return self.directory / f"{name}-signing.crt"

    def public_key(self, name: str) -> Path:
        return self.directory / f"{name}.pub"


def _refuse(what: str, next_step: str) -> RampartError:
    return RampartError(what, next_step=next_step)


def _check_names(wanted: Wanted) -> None:
    names = [item.name for item in wanted.authorities]
    names += [item.name for item in wanted.certificates]
    names += [item.name for item in wanted.key_pairs]
    for name in names:
        if not NAME.fullmatch(name):
            raise _refuse(f"{name!r} cannot be the name of a key.", "use a-z, 0-9, '.', '_', '-' and '/'")
        if names.count(name) > 1:
            raise _refuse(f"The name {name} is given twice.", "give each key its own name")


def check_subject(owner: str, *parts: str) -> None:
    """Refuse a subject that no certificate can carry."""
    for part in parts:
        if not 0 < len(part) <= NAME_LIMIT:
            raise _refuse(
                f"The subject of {owner} holds {part!r}, which is empty or longer than {NAME_LIMIT} letters.",
                "choose a shorter name; certificates allow no longer one",
            )


def check_certificate(item: Certificate, authorities: set[str], renew_before_days: int) -> None:
    """Refuse a certificate that cannot be made, or that no verifier would accept."""
    if item.authority not in authorities:
        raise _refuse(
            f"The certificate {item.name} names the authority {item.authority}, which is not given.",
            "add it to the authorities, or name another one",
        )
    check_subject(item.name, item.common_name, *item.organizations)
    if not item.usages:
        raise _refuse(f"The certificate {item.name} has no usage.", "give server, client or both")
    if "server" in item.usages and not (item.dns or item.addresses):
        raise _refuse(
            f"The server certificate {item.name} has neither DNS names nor addresses.",
            "give those under which clients reach it; they do not look at the common name",
        )
    for name in item.dns:
        if not DNS_NAME.fullmatch(name):
            raise _refuse(f"{name!r} in the certificate {item.name} is not a DNS name.", "correct it")
    for address in item.addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise _refuse(
                f"{address!r} in the certificate {item.name} is not an address.", "correct it"
            ) from error
    if item.days <= renew_before_days:
        raise _refuse(
            f"The certificate {item.name} lives {item.days} days and is renewed {renew_before_days} days "
            "before its end: every run would renew it.",
            "let it live longer, or renew it later",
        )


def check(wanted: Wanted) -> None:
    """Refuse what cannot be made, or what no verifier would accept."""
    _check_names(wanted)
    authorities = {item.name for item in wanted.authorities}
    for authority in wanted.authorities:
        check_subject(authority.name, authority.common_name)
        if authority.days < 1:
            raise _refuse(f"The authority {authority.name} lives for no day.", "give it at least one")
    for certificate in wanted.certificates:
        check_certificate(certificate, authorities, wanted.renew_before_days)
    certificates = {item.name for item in wanted.certificates}
    for kubeconfig in wanted.kubeconfigs:
        if not kubeconfig.server.startswith("https://"):
            raise _refuse(
                f"The kubeconfig {kubeconfig.path} names the server {kubeconfig.server}, which is not https.",
                "give an address that starts with https://",
            )
        for kind, name, known in (
            ("authority", kubeconfig.authority, authorities),
            ("certificate", kubeconfig.certificate, certificates),
        ):
            if name not in known:
                raise _refuse(
                    f"The kubeconfig {kubeconfig.path} names the {kind} {name}, which is not given.",
                    f"add the {kind}, or name another one",
                )
