# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Takes evidence of one pod through the API server: no packet to the pod's own network is needed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm.logs import learn
from ansible_collections.rampart.k8s.plugins.module_utils._incident import evidence, names
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell

LOG_BYTES = 8 << 20
EXEC_SECONDS = 15.0
# So much of the end of the audit log is looked through.
AUDIT_BYTES = 64 << 20


class Collector:
    """Yields files by name; what could not be had stands in ``missing``, with the reason."""

    def __init__(self, client: Client, redactor: Redactor, pod: Mapping[str, Any], audit_log: str) -> None:
        self._client = client
        self._redactor = redactor
        self._pod = pod
        self._audit_log = audit_log
        self._namespace = str(pod["metadata"]["namespace"])
        self._name = str(pod["metadata"]["name"])
        self.missing: dict[str, str] = {}

    def files(self) -> Iterator[tuple[str, str]]:
        """Take everything, the most fleeting first."""
        if not learn(self._client, self._redactor, self._pod):
            known = "the Secrets that the pod was given cannot be read, so they could not be taken out of it"
            self.missing |= {"processes": known, "logs": known}
        else:
            for container in self._running():
                yield from self._try(f"processes-{container}.json", partial(self._processes, container))
            for container, previous in self._logged():
                name = f"log-{container}{'-previous' if previous else ''}.txt"
                yield from self._try(name, partial(self._log, container, previous))
        yield "pod.json", self._json(evidence.pod(self._pod))
        yield from self._try("events.json", self._events)
        yield from self._try("audit.json", self._audit)

    def _try(self, name: str, take: Callable[[], str]) -> Iterator[tuple[str, str]]:
        try:
            taken = take()
        except (RampartError, OSError) as error:
            said = error.message if isinstance(error, RampartError) else str(error.strerror)
            self.missing[name] = evidence.masked(said, self._redactor)
            return
        yield name, taken

    def _json(self, data: Any) -> str:
        return evidence.masked(json.dumps(data, indent=2, sort_keys=True), self._redactor) + "\n"

    def _statuses(self) -> list[Mapping[str, Any]]:
        status = self._pod.get("status") or {}
        groups = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        return [one for group in groups for one in status.get(group) or []]

    def _running(self) -> list[str]:
        return [str(one["name"]) for one in self._statuses() if "running" in (one.get("state") or {})]

    def _logged(self) -> Iterator[tuple[str, bool]]:
        for one in self._statuses():
            yield str(one["name"]), False
            if one.get("restartCount"):
                yield str(one["name"]), True

    def _processes(self, container: str) -> str:
        done = Shell(self._client).run(
            self._namespace, self._name, container, ["sh", "-c", evidence.PROCESSES], timeout=EXEC_SECONDS
        )
        found = evidence.processes(done.output)
        if done.refused or not found["processes"]:
            raise RampartError(
                f"No process could be listed in {container}: {done.refused or done.said.strip()}."
            )
        return self._json(found)

    def _log(self, container: str, previous: bool) -> str:
        query = {
            "container": container,
            "timestamps": "true",
            "limitBytes": LOG_BYTES,
            "previous": str(previous).lower(),
        }
        path = f"{names.pod_path(self._namespace, self._name)}/log"
        answer = self._client.transport.send("GET", path, query=query, accept="*/*", once=True)
        if answer.status >= 300:
            raise RampartError(f"The log of the container {container} cannot be read ({answer.status}).")
        return evidence.masked(answer.body.decode(errors="replace"), self._redactor)

    def _events(self) -> str:
        selector = f"involvedObject.uid={self._pod['metadata']['uid']}"
        path = f"/api/v1/namespaces/{self._namespace}/events"
        found, _version = self._client.list_all(path, query={"fieldSelector": selector}, target="its events")
        for event in found:
            event["metadata"].pop("managedFields", None)
        return self._json(found)

    def _audit(self) -> str:
        if not self._audit_log:
            raise RampartError("The audit log of the API server is not reachable from here.")
        with Path(self._audit_log).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - AUDIT_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        read = (evidence.audit_line(line, self._namespace, self._name) for line in lines)
        return self._json([event for event in read if event is not None])
