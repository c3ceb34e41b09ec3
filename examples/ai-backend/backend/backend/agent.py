# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the agent, which alone knows the provider's key."""

from __future__ import annotations

from pathlib import Path

import httpx
from kit.client import trust
from kit.tracing import tracer
from opentelemetry import propagate
from opentelemetry.trace import SpanKind


class AgentError(Exception):
    """The agent gave no answer; ``retry_after`` says when to come again, if it said so."""

    def __init__(self, reason: str, status: int, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after


class Agent:
    """The agent's interface."""

    def __init__(self, url: str, ca: Path | None, timeout: float) -> None:
        # Proxies of the environment are not asked: the agent is next door.
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=2.0),
            verify=trust(ca),
            transport=httpx.AsyncHTTPTransport(retries=2, verify=trust(ca)),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def answer(self, text: str) -> str:
        """Return the answer to a question."""
        with tracer().start_as_current_span("agent answer", kind=SpanKind.CLIENT):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            try:
                response = await self._client.post("/v1/answers", json={"question": text}, headers=headers)
            except httpx.HTTPError as error:
                raise AgentError(type(error).__name__, 503) from None
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise AgentError("busy", 429, response.headers.get("Retry-After"))
        if response.status_code != httpx.codes.OK:
            raise AgentError(f"status {response.status_code}", 502)
        return str(response.json()["answer"])
