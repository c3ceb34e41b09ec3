# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads a kubeconfig into memory: nothing of it is written anywhere, and what is unsafe is refused.

The loader of the ``kubernetes`` package is not used, for two reasons: importing it costs 0.6
CPU-seconds in every task (urllib3 alone 0.1), and it writes client keys to temporary files that
stay when the process is killed.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import stat
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import execcredential


def loader() -> type[yaml.SafeLoader]:
    """Choose the safe loader: libyaml parses ten times faster, but not every build of PyYAML has it."""
    found: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return found


class MissingKubeconfigError(RampartError):
    """There is no kubeconfig: in check mode this is a cluster that is still to be made."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a cluster is and how to prove who we are; ``repr`` must never show it."""

    server: str
    context: str
    namespace: str
    ca: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    proxy: str | None = None
    certificate: str | None = None
    key: str | None = None
    authorization: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(server={self.server!r}, context={self.context!r})"


def document(credentials: Credentials) -> dict[str, Any]:
    """Return a kubeconfig with this one context, for a tool that is handed it in memory."""

    def encoded(text: str | None) -> str | None:
        return base64.b64encode(text.encode()).decode("ascii") if text else None

    cluster = {
        "server": credentials.server,
        "certificate-authority-data": encoded(credentials.ca),
        "insecure-skip-tls-verify": not credentials.verify or None,
        "tls-server-name": credentials.tls_server_name,
        "proxy-url": credentials.proxy,
    }
    scheme, _space, secret = (credentials.authorization or "").partition(" ")
    name, _colon, password = (
        base64.b64decode(secret).decode().partition(":") if scheme == "Basic" else ("", "", "")
    )
    user = {
        "client-certificate-data": encoded(credentials.certificate),
        "client-key-data": encoded(credentials.key),
        "token": secret if scheme == "Bearer" else None,
        "username": name or None,
        "password": password or None,
    }
    context = {"cluster": "this", "user": "this", "namespace": credentials.namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": credentials.context,
        "contexts": [{"name": credentials.context, "context": context}],
        "clusters": [{"name": "this", "cluster": {key: value for key, value in cluster.items() if value}}],
        "users": [{"name": "this", "user": {key: value for key, value in user.items() if value}}],
    }


def load(
    kubeconfig: str,
    context: str | None,
    redactor: Redactor,
    *,
    allow_exec_plugins: bool = True,
) -> Credentials:
    """Read one or more kubeconfig files (separated by colons) as kubectl does: the first one wins."""
    paths = [Path(part).expanduser() for part in kubeconfig.split(os.pathsep) if part]
    present = [path for path in paths if path.exists()]
    if not present:
        raise MissingKubeconfigError(
            f"There is no kubeconfig {kubeconfig}.",
            next_step="create the cluster first, or name its kubeconfig",
            kubeconfig=kubeconfig,
        )
    merged: dict[str, Any] = {"clusters": {}, "contexts": {}, "users": {}}
    current = None
    for path in present:
        document = _read(path)
        current = current or document.get("current-context")
        for section, entries in merged.items():
            for entry in document.get(section) or []:
                # Relative paths in an entry are relative to the file that the entry stands in.
                body = dict(entry.get(section[:-1]) or {})
                entries.setdefault(entry.get("name"), (path.parent, body))
    wanted = context or current
    if wanted not in merged["contexts"]:
        known = ", ".join(sorted(map(str, merged["contexts"]))) or "none"
        raise RampartError(
            f"The kubeconfig {kubeconfig} has no context {wanted!r}; it has: {known}.",
            next_step="set the context to one of these",
            kubeconfig=kubeconfig,
        )
    _unused, chosen = merged["contexts"][wanted]
    try:
        cluster = merged["clusters"][chosen.get("cluster")]
        user = merged["users"][chosen["user"]] if chosen.get("user") else (Path(), {})
    except KeyError as error:
        raise RampartError(
            f"The context {wanted!r} of {kubeconfig} names {error}, which the file does not hold.",
            next_step="repair the kubeconfig",
            kubeconfig=kubeconfig,
        ) from error
    return _Assembly(str(wanted), redactor, allow_exec_plugins).build(chosen, cluster, user)


def _read(path: Path) -> dict[str, Any]:
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        # Who can write it can make us run a program (exec) or send our token elsewhere.
        raise RampartError(
            f"The kubeconfig {path} can be written by others (mode {stat.S_IMODE(mode):04o}).",
            next_step=f"run: chmod 600 {path}",
            kubeconfig=str(path),
        )
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # The parser's own text would quote the file.
        raise RampartError(
            f"The kubeconfig {path} cannot be read ({type(error).__name__}).",
            next_step="check that you may read it and that it is valid YAML",
            kubeconfig=str(path),
        ) from None
    if not isinstance(document, Mapping):
        raise RampartError(
            f"The kubeconfig {path} is empty or not a kubeconfig.",
            next_step="write it again",
            kubeconfig=str(path),
        )
    return dict(document)


@dataclass(frozen=True, slots=True)
class _Assembly:
    context: str
    redactor: Redactor
    allow_exec_plugins: bool

    def build(
        self,
        context: dict[str, Any],
        cluster: tuple[Path, dict[str, Any]],
        user: tuple[Path, dict[str, Any]],
    ) -> Credentials:
        folder, body = cluster
        server = self._server(body)
        ca = self._data(folder, body, "certificate-authority")
        proxy = body.get("proxy-url")
        certificate, key, authorization = self._identity(*user, cluster=body)
        self.redactor.add(
            *(secret for secret in (key, urllib.parse.urlsplit(proxy or "").password) if secret)
        )
        return Credentials(
            server=server,
            context=self.context,
            namespace=context.get("namespace") or "default",
            ca=ca,
            verify=not body.get("insecure-skip-tls-verify", False),
            tls_server_name=body.get("tls-server-name"),
            proxy=proxy,
            certificate=certificate,
            key=key,
            authorization=authorization,
        )

    def _server(self, cluster: Mapping[str, Any]) -> str:
        server = str(cluster.get("server") or "").rstrip("/")
        parts = urllib.parse.urlsplit(server)
        if parts.scheme == "https" and parts.hostname:
            return server
        if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
            return server
        raise RampartError(
            f"The context {self.context!r} names the server {server!r}; "
            "only https is safe beyond this machine.",
            next_step="use an https:// address in the kubeconfig",
        )

    def _identity(
        self, folder: Path, user: dict[str, Any], *, cluster: dict[str, Any]
    ) -> tuple[str | None, str | None, str | None]:
        certificate = self._data(folder, user, "client-certificate")
        key = self._data(folder, user, "client-key")
        token = user.get("token")
        if not token and user.get("tokenFile"):
            token = self._file(folder / user["tokenFile"]).strip()
        if not token and "exec" in user:
            if not self.allow_exec_plugins:
                raise RampartError(
                    f"The user of context {self.context!r} gets its credential from a program "
                    f"({user['exec'].get('command')}), and running programs is forbidden.",
                    next_step="set allow_exec_plugins to true when you trust this kubeconfig, "
                    "or use one with a token or a client certificate",
                )
            found = execcredential.fetch(user["exec"], folder, cluster, self.redactor)
            token = found.token
            certificate, key = found.certificate or certificate, found.key or key
        if "auth-provider" in user:
            raise RampartError(
                f"The user of context {self.context!r} uses an auth-provider; Kubernetes 1.26 removed these.",
                next_step="use the provider's exec plugin",
            )
        if token:
            self.redactor.add(token)
            return certificate, key, f"Bearer {token}"
        if user.get("username") and user.get("password"):
            pair = f"{user['username']}:{user['password']}".encode()
            self.redactor.add(user["password"], pair)
            return certificate, key, "Basic " + base64.b64encode(pair).decode("ascii")
        return certificate, key, None

    def _data(self, folder: Path, entry: Mapping[str, Any], name: str) -> str | None:
        inline = entry.get(f"{name}-data")
        if inline:
            try:
                return base64.b64decode(inline, validate=True).decode("ascii")
            except (binascii.Error, ValueError):
                raise RampartError(
                    f"The field {name}-data of context {self.context!r} is not base64 of a PEM text.",
                    next_step="repair the kubeconfig",
                ) from None
        return self._file(folder / entry[name]) if entry.get(name) else None

    def _file(self, path: Path) -> str:
        try:
            return path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise RampartError(
                f"The kubeconfig's context {self.context!r} names the file {path}, which cannot be read "
                f"({type(error).__name__}).",
                next_step="put the file there or correct the kubeconfig",
            ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
