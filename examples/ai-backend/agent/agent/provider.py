# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an OpenAI-compatible provider, with a key that is read again whenever its file changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import httpx
from kit.client import trust
from kit.mounted import Mounted, text
from kit.tracing import tracer
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge

TRIES = 3
FIRST_PAUSE = 0.2
# Worth another try: the provider says that it is not our fault.
AGAIN = frozenset({500, 502, 503, 504})

ANSWERS = Counter("provider_answers_total", "What the provider answered, by status.", ["status"])
KEY = Gauge("provider_key_version", "How often a key was read from its file since the start.")

_log = logging.getLogger(__name__)


class ProviderError(Exception):
    """The provider gave no answer."""


class BusyError(ProviderError):
    """The provider wants to be left alone for some seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


def parse(files: Mapping[str, bytes]) -> str:
    """Read the key; one that no header could carry is no key."""
    key = text(files["api-key"])
    if not key.isascii() or not key.isprintable():
        raise ValueError("not a key")
    return key


class Provider:
    """The provider's interface."""

    def __init__(self, url: str, ca: Path | None, model: str, key_folder: Path, timeout: float) -> None:
        self._model = model
        self._key: Mounted[str] = Mounted(key_folder, ("api-key",), parse)
        self._client = httpx.AsyncClient(
            base_url=url, timeout=httpx.Timeout(timeout, connect=3.0), verify=trust(ca)
        )

    async def close(self) -> None:
        await self._client.aclose()

    def load(self) -> None:
        """Read the key; raises MountError when there is none."""
        self._key.value()
        KEY.set(self._key.version)

    async def complete(self, question: str) -> str:
        """Return the model's answer."""
        pause, refused = FIRST_PAUSE, ""
        for attempt in range(1, TRIES + 1):
            self.load()
            key = self._key.value()
            try:
                response = await self._ask(question, key)
            except httpx.HTTPError as error:
                refused = type(error).__name__
            else:
                ANSWERS.labels(response.status_code).inc()
                if response.status_code == httpx.codes.OK:
                    return _content(response)
                refused = f"status {response.status_code}"
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    raise BusyError(_seconds(response.headers.get("Retry-After")))
                if response.status_code == httpx.codes.UNAUTHORIZED:
                    # A key that was taken back while its successor was on the way here is no failure yet.
                    _log.warning("the provider refused the key", extra={"event": "provider_key_refused"})
                elif response.status_code not in AGAIN:
                    break
            if attempt < TRIES:
                await asyncio.sleep(pause)
                pause *= 3
        raise ProviderError(refused)

    async def _ask(self, question: str, key: str) -> httpx.Response:
        with tracer().start_as_current_span("provider completion", kind=SpanKind.CLIENT) as span:
            headers = {"Authorization": f"Bearer {key}"}
            propagate.inject(headers)
            response = await self._client.post(
                "/v1/chat/completions",
                json={"model": self._model, "messages": [{"role": "user", "content": question}]},
                headers=headers,
            )
            span.set_attribute("http.response.status_code", response.status_code)
            return response


def _content(response: httpx.Response) -> str:
    try:
        return str(response.json()["choices"][0]["message"]["content"])
    except (ValueError, LookupError, TypeError):
        raise ProviderError("an answer without content") from None


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 1))
    except ValueError:
        return 1.0
