# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where alerts arrive while detection is proved: a web hook of our own, or a folder with a file per alert."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# An alert is some kilobytes; nobody fills our memory.
MOST_BYTES = 1 << 20
MOST_ALERTS = 10_000
PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Heard:
    """One alert, and when it arrived (nanoseconds since 1970)."""

    alert: Mapping[str, Any]
    at: int


class Sink(ABC):
    """Collects alerts from when it is entered until it is left."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []
        self._news = threading.Condition()

    @abstractmethod
    def __enter__(self) -> Self:
        """Begin to listen; raises RampartError where that cannot be done."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""

    @abstractmethod
    def _look(self) -> None:
        """Fetch what does not come by itself."""

    def _take(self, alert: Any) -> None:
        if not isinstance(alert, dict):
            return
        with self._news:
            if len(self._heard) < MOST_ALERTS:
                self._heard.append(Heard(alert, time.time_ns()))
            self._news.notify_all()

    def heard(self) -> list[Heard]:
        """Return everything that came so far."""
        self._look()
        with self._news:
            return list(self._heard)

    def wait(self, wanted: Callable[[Heard], bool], seconds: float) -> Heard | None:
        """Return the first alert that is wanted, or None when none came in time."""
        end = time.monotonic() + seconds
        seen = 0
        while True:
            self._look()
            with self._news:
                for one in self._heard[seen:]:
                    if wanted(one):
                        return one
                seen = len(self._heard)
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._news.wait(min(left, PAUSE))


class WebHook(Sink):
    """A real receiver of POST requests; its address has to be reachable from the nodes."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._place = (host, port)

    def __enter__(self) -> Self:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            """Takes one alert per request."""

            def do_POST(self) -> None:
                """Take the body, whatever it is."""
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(min(length, MOST_BYTES))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                try:
                    take(json.loads(body))
                except ValueError:
                    return

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: the output of a module is its result."""

        try:
            self._server = ThreadingHTTPServer(self._place, Handler)
        except OSError as error:
            host, port = self._place
            raise RampartError(
                f"Nobody can listen for alerts at {host}:{port}: {error.strerror or error}.",
                next_step="name an address of this machine and a free port that the nodes reach",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(PAUSE,), daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        """Everything comes by itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class QueueFolder(Sink):
    """A folder that others read too: what came about our own probes is taken out, all else stays."""

    def __init__(self, folder: Path, ours: Callable[[Mapping[str, Any]], bool]) -> None:
        super().__init__()
        self._folder = folder
        self._ours = ours
        self._known: set[str] = set()

    def __enter__(self) -> Self:
        if not self._folder.is_dir():
            raise RampartError(
                f"There is no folder {self._folder} where alerts could arrive.",
                next_step="name the folder that the detector writes to",
            )
        self._known = {file.name for file in self._folder.iterdir()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._look()

    def _look(self) -> None:
        for file in sorted(self._folder.glob("*.json")):
            if file.name in self._known:
                continue
            self._known.add(file.name)
            try:
                alert = json.loads(file.read_bytes())
            except (OSError, ValueError):
                continue
            self._take(alert)
            # A probe that does what is forbidden must not become an incident.
            if isinstance(alert, dict) and self._ours(alert):
                file.unlink(missing_ok=True)
