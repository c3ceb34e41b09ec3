# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example's services as processes, each with mounted folders, and callers that never stop asking."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.postgres import EXAMPLE
from tests.support.registries import free_port

SECONDS = 60.0
PACKAGES = {"backend": "backend", "agent": "agent", "ai-provider": "ai_provider"}


@dataclass(frozen=True, slots=True)
class Service:
    """One running service."""

    name: str
    port: int
    metrics_port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5).text

    def until(self, line: str) -> None:
        """Wait until a metric says something."""
        ends = time.monotonic() + SECONDS
        while line not in self.metrics().splitlines():
            assert time.monotonic() < ends, f"{line} never came: {self.log.read_text()[-2000:]}"
            time.sleep(0.05)


@contextmanager
def running(name: str, folder: Path, **environment: str) -> Iterator[Service]:
    """Run a service until the block ends; it is alive at its beginning."""
    port, metrics_port = free_port(), free_port()
    log = folder / f"{name}.log"
    own = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(EXAMPLE / part) for part in ("common", name)),
        "LISTEN_HOST": "127.0.0.1",
        "LISTEN_PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        **environment,
    }
    with ExitStack() as stack:
        stream = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", PACKAGES[name]], env=own, stdout=stream, stderr=stream
        )
        stack.callback(_end, process)
        service = Service(name, port, metrics_port, process, log)
        ends = time.monotonic() + SECONDS
        while True:
            try:
                if httpx.get(f"{service.url}/health", timeout=5).is_success:
                    break
            except httpx.HTTPError:
                pass
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < ends, log.read_text()[-2000:]
            time.sleep(0.1)
        yield service


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(slots=True)
class Callers:
    """Several callers at once, who ask and look up what was kept, and remember what was not answered.

    An application that limits its callers is asked at a pace: each question is looked up so many times,
    with a pause in seconds before each.
    """

    url: str
    headers: Mapping[str, str]
    lookups: int = 1
    pause: float = 0.0
    answered: int = 0
    failed: list[str] = field(default_factory=list)

    async def keep_asking(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            while not stop.is_set():
                asked = await client.post("/v1/questions", json={"text": "why?"}, headers=self.headers)
                self._count(asked, 201)
                for _lookup in range(self.lookups):
                    await asyncio.sleep(self.pause)
                    if asked.status_code == 201:
                        found = await client.get(f"/v1/questions/{asked.json()['id']}", headers=self.headers)
                        self._count(found, 200)

    def _count(self, response: httpx.Response, wanted: int) -> None:
        self.answered += response.status_code == wanted
        if response.status_code != wanted:
            self.failed.append(f"{response.request.method} {response.status_code} {response.text[:100]}")
