# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a rotation is told, and what it sees: the file, every API server, and etcd itself."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import key_notes
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Envelope
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_operation import tallies
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_report import writing
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile, Seen
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import (
    Endpoint,
    EtcdAwayError,
    Gateway,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.metrics import ServerState
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Mark, made, parse_resource
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rewriting import etcd_full
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotation import Writes, staleness
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.servers import (
    ANSWER_SECONDS,
    ApiServer,
    Reload,
    Servers,
    Wanted,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.source import Counted, count
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.transitions import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

PAUSE = 1.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for, and where everything is."""

    file: ConfigFile
    target: Target
    endpoint: Endpoint
    prefix: str
    connection: Connection
    servers: tuple[ApiServer, ...]
    reload: Reload
    reload_timeout: float
    rewrite: Literal["auto", "migration", "pool"]
    # Whether the API servers run on this machine.
    local: bool
    # What is lost together; a backup may not lie in it.
    state_root: Path
    backup_dir: Path | None
    compact: bool
    lock_timeout: float


@dataclass(slots=True)
class Look:
    """What was seen at one moment; etcd's values are counted when somebody asks for them."""

    seen: Seen
    written: float
    states: Mapping[str, ServerState]
    notes: Mapping[str, int]
    revision: int
    cluster_uid: str
    target: Target
    take: Callable[[], Counted]
    _counted: list[Counted] = field(default_factory=list)

    def counted(self) -> Counted:
        """Return the census, taken once."""
        if not self._counted:
            self._counted.append(self.take())
        return self._counted[0]

    def wanted(self) -> Wanted:
        """Return what every API server has to work with."""
        return Wanted(self.seen.hash, self.written, self.seen.content)

    def lagging(self) -> list[str]:
        """Return the API servers that do not work with the file."""
        return [
            url for url, state in self.states.items() if not state.has_loaded(self.seen.hash, self.written)
        ]

    @property
    def writes(self) -> dict[str, Writes]:
        """Tell of each key how often it was used."""
        names = dict.fromkeys(key.name for key in self.seen.configuration.all_keys())
        return key_notes.writes(names, self.states.values(), self.notes, self.revision)

    def kms_keys(self) -> dict[str, str]:
        """Return by KMS provider the hash of the key that the KMS uses; all API servers have to agree."""
        found: dict[str, str] = {}
        for url, state in self.states.items():
            for provider, seen in state.kms_keys.items():
                if found.setdefault(provider, seen) != seen:
                    raise RampartError(
                        f"The API servers do not agree which key the KMS {provider} uses; {url} has another.",
                        next_step="wait a minute, in which each asks its plugin again, then run again",
                        server=url,
                    )
        return found

    def staleness(self) -> Callable[[str, Envelope], bool]:
        """Return the question whether a value is not written as new ones are."""
        return staleness(self.seen.configuration, self.target, self.kms_keys())

    def stale(self) -> dict[str, int]:
        """Count by resource the values that are not written as new ones are."""
        is_stale = self.staleness()
        found: Counter[str] = Counter()
        for (resource, envelope), number in self.counted().live.counts.items():
            if is_stale(resource, envelope):
                found[resource] += number
        return dict(found)

    def writer(self, resource: str) -> Mark | None:
        """Return what new values of a resource carry."""
        return writing(self.seen.configuration, resource)

    def carried(self, mark: Mark) -> int:
        """Count the values that carry a mark, of whatever resource."""
        return self.counted().live.marks()[mark]

    def foreign(self) -> dict[str, int]:
        """Count the values under keys that the file does not have."""
        own = {mark for entry in self.seen.configuration.entries for mark in entry.marks}
        return {str(mark): number for mark, number in self.counted().live.marks().items() if mark not in own}

    def carriers(self, mark: Mark) -> str:
        """Name the resources whose values carry a mark."""
        found: Counter[str] = Counter()
        for (resource, envelope), number in self.counted().live.counts.items():
            if envelope.mark == mark:
                found[resource] += number
        return ", ".join(f"{number} {resource}" for resource, number in sorted(found.items()))

    def keys(self, now: datetime) -> list[dict[str, Any]]:
        """Return what is known of each key, without the key."""
        writes = self.writes
        found: dict[Mark, dict[str, Any]] = {}
        for entry in self.seen.configuration.entries:
            for mark in entry.marks:
                if not mark.key:
                    continue
                moment = made(mark.key)
                row: dict[str, Any] = {
                    "provider": mark.provider,
                    "name": mark.key,
                    "made": f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "",
                    "age_days": (now - moment).days if moment else -1,
                    "values": self.carried(mark),
                    "writing": False,
                }
                if mark.key in writes:
                    row |= {"writes": writes[mark.key].count, "writes_exact": writes[mark.key].exact}
                found.setdefault(mark, row)
                found[mark]["writing"] |= mark == entry.mark
        return list(found.values())


class Observer:
    """Looks at one cluster."""

    def __init__(self, order: Order, redactor: Redactor, progress: Progress) -> None:
        self._order = order
        self.client = Client(order.connection, redactor)
        self.servers = Servers(
            order.servers,
            order.connection,
            redactor,
            progress,
            reload=order.reload,
            timeout=order.reload_timeout,
        )

    def preflight(self) -> None:
        """Stop before the first write when something could not be finished."""
        configuration = self._order.file.require().configuration
        resources = {
            parse_resource(name)
            for entry in configuration.entries
            if self._order.target.concerns(entry)
            for name in entry.resources
        }
        needed = [Permission("patch", group, name) for group, name in resources]
        for verb in ("get", "create", "update", "list"):
            needed.append(Permission(verb, "coordination.k8s.io", "leases", "kube-system"))
        needed += [Permission(verb, "", "configmaps", "kube-system") for verb in ("get", "patch")]
        access.require(self.client, needed)
        with closing(Gateway(self._order.endpoint)) as gateway:
            if gateway.full():
                raise etcd_full()
        self.servers.require_all(self.client, self.servers.look())
        if self._order.target.provider == "kms":
            self._refuse_deaf_kms()

    def _refuse_deaf_kms(self) -> None:
        """Try the plugin's socket where it can be tried: an API server does not come up with a dead one."""
        path = urlsplit(str(self._order.target.kms["endpoint"])).path
        if not (self._order.local or Path(path).exists()):
            return
        try:
            with socket.socket(socket.AF_UNIX) as plugin:
                plugin.settimeout(ANSWER_SECONDS)
                plugin.connect(path)
        except OSError as error:
            raise RampartError(
                f"The KMS plugin {self._order.target.kms['name']} does not answer at {path}: "
                f"{error.strerror or error}. Nothing was written.",
                next_step="start the plugin on the machine of every API server, then run again",
                path=path,
            ) from error

    def look(self) -> Look:
        """Look at everything."""
        file = self._order.file
        seen = file.require()
        states = self.servers.look()
        with closing(Gateway(self._order.endpoint)) as gateway:
            revision = self._patiently(gateway.revision)
        return Look(
            seen,
            file.path.stat().st_mtime,
            states,
            key_notes.read(self.client),
            revision,
            self.client.cluster_uid(),
            self._order.target,
            lambda: self._count(seen),
        )

    def _count(self, seen: Seen) -> Counted:
        tally = tallies(self._order.prefix, (), seen.configuration)
        with closing(Gateway(self._order.endpoint)) as gateway:
            return self._patiently(lambda: count(gateway, self._order.prefix, tally))

    def _patiently(self, ask: Callable[[], Result]) -> Result:
        """Ask etcd again while it is away, for as long as a task's calls may take."""
        deadline = time.monotonic() + self._order.connection.api_timeout
        while True:
            try:
                return ask()
            except EtcdAwayError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE)
