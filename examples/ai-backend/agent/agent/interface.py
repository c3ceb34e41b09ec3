# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface: the backend asks here, and nobody else reaches it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, HTTPException, Request
from kit.mounted import MountError
from kit.rate_limit import RateLimit, retry_after
from kit.web import application
from pydantic import BaseModel, ConfigDict, Field

from agent.configuration import Settings
from agent.provider import BusyError, Provider, ProviderError

_log = logging.getLogger(__name__)


class Asked(BaseModel):
    """What the backend sends."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1, max_length=4000)]


class State:
    """What the interface works with."""

    def __init__(self, settings: Settings) -> None:
        self.provider = Provider(
            settings.provider_url,
            settings.provider_ca,
            settings.provider_model,
            settings.key_folder,
            settings.provider_timeout,
        )
        # One bucket for all: the provider counts by key, and there is one.
        self.limit = RateLimit(settings.requests_burst, settings.requests_per_minute)
        self.parallel = asyncio.Semaphore(settings.parallel)

    async def ready(self) -> str:
        """Say why no question could be answered now. The provider is not asked: each question costs."""
        try:
            self.provider.load()
        except MountError:
            return "the provider's key cannot be read"
        return ""


def make(settings: Settings) -> FastAPI:
    """Make the application."""
    state = State(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await state.provider.close()

    app = application("agent", settings.common.version, state.ready, lifespan)
    app.state.agent = state
    app.include_router(router)
    return app


router = APIRouter(prefix="/v1")


@router.post("/answers")
async def answer(asked: Asked, request: Request) -> dict[str, str]:
    """Answer a question."""
    state: State = request.app.state.agent
    if wait := state.limit.take("provider"):
        raise HTTPException(429, "Too many questions.", retry_after(wait))
    try:
        async with state.parallel:
            return {"answer": await state.provider.complete(asked.question)}
    except BusyError as error:
        raise HTTPException(429, "The provider is busy.", retry_after(error.retry_after)) from None
    except (ProviderError, MountError) as error:
        _log.error("the provider gave no answer", extra={"reason": str(error)})
        raise HTTPException(502, "No answer now.") from None
