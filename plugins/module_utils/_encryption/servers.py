# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The API servers of a cluster: which there are, what each works with, and how they come to follow a file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import metrics
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.metrics import ServerState
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

# A value that cannot be decrypted keeps these from ever being so, and it must not keep a key from coming.
READY = "/readyz?exclude=informer-sync&exclude=poststarthook/storage-readiness"

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
OF_API_SERVERS = {"labelSelector": "apiserver.kubernetes.io/identity=kube-apiserver"}

# Metrics cannot be watched. Reading them costs a server some milliseconds.
LOOK_SECONDS = 1.0
# A server that is waited for is asked again after this.
ANSWER_SECONDS = 5

Reload = Literal["automatic", "restart"]


@dataclass(frozen=True, slots=True)
class ApiServer:
    """One API server, and what has to be called for it to follow the file."""

    url: str
    # Gets the file on standard input, where the server does not read the file itself.
    publish: tuple[str, ...] = ()
    restart: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The file that every server has to work with."""

    hash: str
    written: float
    content: bytes


class NotLoadedError(RampartError):
    """A server refused the file: what it worked with before, it still works with."""


class Servers:
    """All API servers of one cluster."""

    def __init__(
        self,
        listed: Sequence[ApiServer],
        connection: Connection,
        redactor: Redactor,
        progress: Progress,
        *,
        reload: Reload,
        timeout: float,
    ) -> None:
        self._listed = {server.url: server for server in listed}
        self._redactor = redactor
        self._progress = progress
        self._reload = reload
        self._timeout = timeout
        self._patience = connection.request_timeout
        self._clients = {
            url: Client(replace(connection, server=url), redactor, workers=1) for url in self._listed
        }

    def look(self) -> dict[str, ServerState]:
        """Return the state of every server; one that does not answer is an error."""
        return {url: self._state(url, self._patience) for url in self._listed}

    def _state(self, url: str, patience: float = ANSWER_SECONDS) -> ServerState:
        client = self._clients[url]
        with client.transport.within(patience):
            answer = client.transport.send("GET", "/metrics")
        if answer.status != 200:
            parsed = status.parse(answer.status, answer.body)
            raise status.error("read", f"the metrics of the API server {url}", parsed)
        found = metrics.read(answer.body)
        if not found.started:
            raise RampartError(
                f"What {url} answers are not the metrics of an API server.",
                next_step="give the address of each API server itself in api_servers",
                server=url,
            )
        return found

    def require_all(self, client: Client, states: Mapping[str, ServerState]) -> None:
        """Stop when the cluster has an API server that was not asked: it could have other keys."""
        seen = {state.identity for state in states.values()}
        leases, _version = client.list_all(LEASES, query=OF_API_SERVERS, target="the leases of API servers")
        for lease in leases:
            name = lease["metadata"]["name"]
            if f"sha256:{hashlib.sha256(name.encode()).hexdigest()}" in seen:
                continue
            host = (lease["metadata"].get("labels") or {}).get("kubernetes.io/hostname", "?")
            renewed = (lease.get("spec") or {}).get("renewTime", "?")
            raise RampartError(
                f"The API server {name} (host {host}, last seen {renewed}) was not asked what it works with, "
                "and could go on with other keys. Nothing was written.",
                next_step="name every API server in api_servers; of one that is gone for good, delete the "
                f"Lease {name} in kube-system",
                server=name,
                host=host,
            )

    def converge(self, wanted: Wanted) -> None:
        """Return when every server works with the file; raise NotLoadedError when one refuses it."""
        states = self.look()
        failures = {url: state.failures for url, state in states.items()}
        lagging = [url for url, state in states.items() if not state.has_loaded(wanted.hash, wanted.written)]
        for url in lagging:
            self._publish(self._listed[url], wanted)
        if self._reload == "automatic":
            late = self._wait(lagging, wanted, failures)
            if late:
                raise self._late(late, RampartError)
            return
        # One after the other, so that the rest serves.
        for url in lagging:
            self._restart(url)
            if self._wait([url], wanted, failures):
                raise self._late([url], NotLoadedError)

    def publishes(self, url: str) -> bool:
        """Tell whether a server gets a copy of the file."""
        return bool(self._listed[url].publish)

    def _publish(self, server: ApiServer, wanted: Wanted) -> None:
        if server.publish:
            program, *arguments = server.publish
            cli = Cli(program, redactor=self._redactor, timeout=self._timeout)
            cli.run(*arguments, stdin=wanted.content.decode())

    def _restart(self, url: str) -> None:
        restart = self._listed[url].restart
        if restart is None:
            raise RampartError(
                f"The API server {url} has to be started anew to follow the file, and nobody said how.",
                next_step="give its restart command in api_servers, or start it with "
                "--encryption-provider-config-automatic-reload=true and wait for it (reload: automatic)",
                server=url,
            )
        self._progress.say(f"starting the API server {url} anew")
        restart()

    def _wait(self, urls: Sequence[str], wanted: Wanted, failures: Mapping[str, int]) -> list[str]:
        """Wait for servers to work with the file; return those that do not in time."""
        deadline = time.monotonic() + self._timeout
        waiting = list(urls)
        if waiting:
            self._progress.say(f"waiting for {', '.join(waiting)} to load the configuration")
        while waiting and time.monotonic() < deadline:
            waiting = [url for url in waiting if not self._follows(url, wanted, failures.get(url, 0))]
            if waiting:
                time.sleep(LOOK_SECONDS)
        return waiting

    def _follows(self, url: str, wanted: Wanted, failures: int) -> bool:
        try:
            state = self._state(url)
            if state.has_loaded(wanted.hash, wanted.written):
                return self._ready(url)
        except RampartError:
            # It is on its way down or up.
            return False
        if state.failures > failures:
            raise NotLoadedError(
                f"The API server {url} could not load the encryption configuration.",
                next_step="look into its log for 'error processing encryption config file' and repair what "
                "it names (a KMS plugin has to answer), then run again",
                server=url,
            )
        return False

    def _late(self, urls: Sequence[str], kind: type[RampartError]) -> RampartError:
        found = []
        for url in urls:
            try:
                ready = "" if self._ready(url) else ", and is not ready"
                found.append(f"{url} works with {self._state(url).loaded or 'another file'}{ready}")
            except RampartError as error:
                found.append(error.message.rstrip("."))
        return kind(
            f"{len(urls)} of {len(self._listed)} API servers do not follow after {self._timeout:g} s: "
            f"{'; '.join(found)}. The rotation goes no further, and no key was dropped.",
            next_step="look into its log and at the file that it reads; one without automatic reload has to "
            "be started anew (reload: restart); then run again",
            servers=list(urls),
        )

    def _ready(self, url: str) -> bool:
        """Tell whether a server that was started anew serves again."""
        client = self._clients[url]
        with client.transport.within(ANSWER_SECONDS):
            return client.transport.send("GET", READY).status == 200
