# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""An HTTP API that issues or accepts credentials, described by templates of its requests."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._backends import requests
from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Content, Turn
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Behind, Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import urllib3
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission

LOOPBACK = "127.0.0.1"
MOST_ANSWER = 1 << 20


@dataclass(slots=True)
class HttpApi:
    """One API, for the credential of one secret."""

    options: Mapping[str, Any]
    around: Surroundings
    redactor: Redactor
    _behind: Behind = field(init=False)

    def __post_init__(self) -> None:
        """Look for nothing yet."""
        self._behind = Behind(self.around, self.options.get("service"))

    def absent(self) -> str:
        """See whether anything runs behind its Service."""
        return self._behind.absent()

    def permissions(self) -> list[Permission]:
        """Return what the way to its Service takes."""
        return self._behind.permissions()

    def credential(self, held: Content) -> Content:
        """Take for it what a revocation names; all where it names nothing."""
        named = requests.keys_of(self.options.get("revoke"), "old")
        return {key: value for key, value in held.items() if key in named} if named else held

    def check(self, turn: Turn) -> None:
        """Use the old credential."""
        if turn.old is not None and not turn.is_incident:
            # Whatever the test sends as the new one is what is accepted now.
            self._send("test", Turn(turn.rotation, turn.namespace, turn.name, turn.old, turn.old))

    def issue(self, turn: Turn) -> Content:
        """Have the API make a credential, when it is one that makes them itself."""
        if not self.options.get("issue"):
            return {}
        self.discard(turn)
        return self._send("issue", turn)

    def discard(self, turn: Turn) -> None:
        """Remove what a run left that ended between the answer and our keeping of it: nobody knows it."""
        self._send("discard", turn)

    def set(self, turn: Turn) -> None:
        """Have the API accept a credential that was made here."""
        self._send("set", turn)

    def test(self, turn: Turn) -> None:
        """Use the new credential."""
        self._send("test", turn)

    def usage(self, turn: Turn) -> list[str]:
        """Ask who uses the old one; an API that cannot tell is not asked."""
        found = self._send("usage", turn).get("in_use", b"0").decode()
        return (
            [] if found in ("0", "", "false") else [f"{self.options['url']} says that it is in use: {found}"]
        )

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """Know of no such thing: it is revoked when the time is over."""

    def revoke(self, turn: Turn) -> None:
        """Have the old one refused."""
        self._send("revoke", turn)

    def unset(self, turn: Turn) -> None:
        """Have the new one refused: it is the old one of the way back."""
        back = Turn(turn.rotation, turn.namespace, turn.name, turn.new, turn.old, turn.is_incident)
        self._send("revoke", back)

    def by_hand(self, turn: Turn) -> list[str]:
        """Say what to do; a command would show the credential."""
        key = f"the key in the Secret that holds the new content of {turn}"
        return [f"# revoke {key} at {self.options['url']}"] if self.options.get("revoke") else []

    def _send(self, name: str, turn: Turn) -> dict[str, bytes]:
        template = self.options.get(name)
        if not template:
            return {}
        admin = self.around.admin(self.options)
        self.redactor.add(*admin.values())
        request = requests.build(template, requests.Values(turn, admin))
        where = f"{request.method} {self.options['url']}{template['path']}"
        with self._connected() as (pool, prefix):
            try:
                answer = pool.request(
                    request.method,
                    prefix + request.path,
                    body=request.body,
                    headers=dict(request.headers),
                    redirect=False,
                    retries=False,
                    preload_content=False,
                )
                content = answer.read(MOST_ANSWER)
            except urllib3.exceptions.HTTPError as error:
                raise RampartError(
                    f"{where} failed ({type(error).__name__}).",
                    next_step="see whether the API runs, and whether its certificate is signed by ca_secret",
                ) from None
        if answer.status not in template["accept"]:
            raise RampartError(
                f"{where} answered {answer.status} for Secret {turn} ({name}).",
                next_step="look into the log of the API; what it answered is not shown, it may hold a secret",
            )
        found = requests.results(template, content, where)
        self.redactor.add(*found.values())
        return found

    @contextlib.contextmanager
    def _connected(self) -> Iterator[tuple[Any, str]]:
        url = urlsplit(self.options["url"])
        _refuse_plain(url.scheme, url.hostname or "", in_cluster=bool(self.options.get("service")))
        name = url.hostname or ""
        with contextlib.ExitStack() as stack:
            host, port = name, url.port or (443 if url.scheme == "https" else 80)
            if self.options.get("service"):
                pods = self._behind.pods()
                if not pods:
                    raise RampartError(f"No ready pod stands behind {self.options['url']}.")
                host, port = LOOPBACK, stack.enter_context(self.around.port(self.options["service"], pods[0]))
            timeout = urllib3.Timeout(total=self.options["timeout"])
            if url.scheme == "https":
                pool: Any = urllib3.HTTPSConnectionPool(
                    host,
                    port,
                    timeout=timeout,
                    ssl_context=self._context(),
                    server_hostname=name,
                    assert_hostname=name,
                )
            else:
                pool = urllib3.HTTPConnectionPool(host, port, timeout=timeout)
            stack.callback(pool.close)
            yield pool, url.path.rstrip("/")

    def _context(self) -> ssl.SSLContext:
        name = self.options.get("ca_secret")
        made = ssl.create_default_context(cadata=self.around.text(name, "ca.crt") if name else None)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        return made


def _refuse_plain(scheme: str, host: str, *, in_cluster: bool) -> None:
    """Send credentials without TLS to this machine alone, and to a pod over the API server's TLS."""
    if scheme == "https" or in_cluster:
        return
    with contextlib.suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return
    raise RampartError(
        f"The backend at {scheme}://{host} has no TLS.", next_step="give an address with https"
    )
