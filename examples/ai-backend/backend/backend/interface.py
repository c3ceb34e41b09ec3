# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface: everything below /v1 needs a valid token."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from kit.mounted import MountError
from kit.rate_limit import RateLimit, retry_after
from kit.web import application
from pydantic import BaseModel, ConfigDict, Field

from backend.agent import Agent, AgentError
from backend.configuration import Settings
from backend.database import Database, UnavailableError
from backend.questions import Questions
from backend.tokens import Caller, RefusedError, Tokens

_log = logging.getLogger(__name__)
_bearer = HTTPBearer(auto_error=False)


class Asked(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    # Chosen by the caller, so that asking again after a lost answer keeps one question.
    id: uuid.UUID | None = None


class State:
    """What the interface works with."""

    def __init__(self, settings: Settings) -> None:
        self.tokens = Tokens(settings.jwks_folder, settings.jwt_issuer, settings.jwt_audience)
        self.agent = Agent(settings.agent_url, settings.agent_ca, settings.agent_timeout)
        self.limit = RateLimit(settings.requests_burst, settings.requests_per_minute)
        self.database = Database(
            host=settings.database_host,
            port=settings.database_port,
            name=settings.database_name,
            credential_folder=settings.database_folder,
            ca_folder=settings.database_ca_folder,
            connections=settings.database_connections,
        )
        self.questions = Questions(self.database)

    async def ready(self) -> str:
        """Say why no request could be answered now."""
        try:
            self.tokens.load()
            await self.questions.alive()
        except MountError:
            return "the key set cannot be read"
        except UnavailableError:
            return "the database does not answer"
        return ""


def make(settings: Settings) -> FastAPI:
    """Make the application."""
    state = State(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(state.database.follow())
        yield
        following.cancel()
        await state.agent.close()
        await state.database.close()

    app = application("backend", settings.common.version, state.ready, lifespan)
    app.state.backend = state
    app.include_router(router)
    return app


def _state(request: Request) -> State:
    found: State = request.app.state.backend
    return found


def caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Let nobody in without a valid token, and nobody too often."""
    state = _state(request)
    try:
        if credentials is None:
            raise RefusedError("no token")
        found = state.tokens.caller(credentials.credentials)
    except RefusedError:
        raise HTTPException(401, "Invalid token.", {"WWW-Authenticate": "Bearer"}) from None
    except MountError:
        raise HTTPException(503, "Not ready.") from None
    if wait := state.limit.take(found.subject):
        _log.warning("too many requests", extra={"event": "rate_limited"})
        raise HTTPException(429, "Too many requests.", retry_after(wait))
    return found


Somebody = Annotated[Caller, Depends(caller)]
router = APIRouter(prefix="/v1")


@router.get("/me")
async def me(who: Somebody) -> dict[str, str]:
    """Say who the token is."""
    return {"subject": who.subject}


@router.post("/questions", status_code=201)
async def ask(asked: Asked, who: Somebody, request: Request) -> dict[str, object]:
    """Have a question answered, and keep both."""
    state = _state(request)
    try:
        answer = await state.agent.answer(asked.text)
        kept = await state.questions.keep(asked.id or uuid.uuid4(), who.subject, asked.text, answer)
    except AgentError as error:
        _log.error("the agent gave no answer", extra={"reason": str(error)})
        headers = {"Retry-After": error.retry_after} if error.retry_after else None
        raise HTTPException(error.status, "No answer now.", headers) from None
    except UnavailableError:
        raise HTTPException(503, "Not now.", retry_after(1)) from None
    if kept is None:
        raise HTTPException(409, "This identity is taken.")
    return kept.data()


@router.get("/questions")
async def latest(
    who: Somebody, request: Request, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[dict[str, object]]:
    """Return the caller's newest questions."""
    try:
        return [question.data() for question in await _state(request).questions.latest(who.subject, limit)]
    except UnavailableError:
        raise HTTPException(503, "Not now.", retry_after(1)) from None


@router.get("/questions/{question}")
async def find(question: uuid.UUID, who: Somebody, request: Request) -> dict[str, object]:
    """Return one of the caller's own questions; those of others are not there."""
    try:
        found = await _state(request).questions.find(question, who.subject)
    except UnavailableError:
        raise HTTPException(503, "Not now.", retry_after(1)) from None
    if found is None:
        raise HTTPException(404, "Not found.")
    return found.data()
