# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface: chat completions and models, for callers with an accepted key.

Each file of the mounted folder is one accepted key; the file's name tells who has it. Two files at once are
what a rotation needs, and a file that is gone is a key that is taken back.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from kit.mounted import Mounted, MountError, text
from kit.rate_limit import RateLimit, retry_after
from kit.service import Common
from kit.web import application
from prometheus_client import Counter
from pydantic import BaseModel, Field

MODEL = "example-1"
SHOWN = 200

ASKED = Counter("provider_requests_total", "Requests by the name of their key.", ["key", "status"])

_log = logging.getLogger(__name__)
_bearer = HTTPBearer(auto_error=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, checked at the start."""

    common: Common
    key_folder: Path
    requests_per_minute: float

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Read the environment."""
        return cls(
            common=Common.of(environ),
            key_folder=Path(environ.get("KEY_FOLDER", "/run/secrets/ai-provider-keys")),
            requests_per_minute=float(environ.get("REQUESTS_PER_MINUTE", "600")),
        )


class Message(BaseModel):
    """One turn of a conversation."""

    role: str
    content: str


class Completion(BaseModel):
    """What is asked for; fields that nothing here uses are let through, as providers do."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1, max_length=100)]


class ApiError(Exception):
    """An error in the words of the interface."""

    def __init__(
        self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = dict(headers or {})


class Keys:
    """The accepted keys."""

    def __init__(self, folder: Path) -> None:
        self._keys: Mounted[dict[str, bytes]] = Mounted(
            folder, (), lambda files: {name: _hash(text(content)) for name, content in files.items()}
        )

    def load(self) -> None:
        """Read the keys; raises MountError when the folder is not there."""
        self._keys.value()

    def name(self, shown: str) -> str | None:
        """Return whose key this is. All are compared, so that time tells nothing."""
        digest = _hash(shown)
        found = [name for name, known in self._keys.value().items() if hmac.compare_digest(known, digest)]
        return found[0] if found else None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def make(settings: Settings) -> FastAPI:
    """Make the application."""
    keys = Keys(settings.key_folder)

    async def ready() -> str:
        try:
            keys.load()
        except MountError:
            return "the keys cannot be read"
        return ""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = application("ai-provider", settings.common.version, ready, lifespan)
    app.state.keys = keys
    app.state.limit = RateLimit(int(settings.requests_per_minute), settings.requests_per_minute)
    app.include_router(router)

    @app.exception_handler(ApiError)
    async def worded(_request: Request, error: ApiError) -> JSONResponse:
        content = {"error": {"message": str(error), "type": error.kind, "param": None, "code": error.kind}}
        return JSONResponse(content, error.status, error.headers)

    return app


def holder(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Let nobody in without an accepted key."""
    try:
        name = request.app.state.keys.name(credentials.credentials) if credentials else None
    except MountError:
        name = None
    if name is None:
        ASKED.labels("unknown", 401).inc()
        _log.warning("key refused", extra={"event": "authentication_failed"})
        raise ApiError(401, "invalid_api_key", "Incorrect API key provided.")
    if wait := request.app.state.limit.take(name):
        ASKED.labels(name, 429).inc()
        raise ApiError(429, "rate_limit_exceeded", "Rate limit reached.", retry_after(wait))
    ASKED.labels(name, 200).inc()
    return str(name)


Holder = Annotated[str, Depends(holder)]
router = APIRouter(prefix="/v1")


@router.get("/models")
async def models(who: Holder) -> dict[str, Any]:
    """List the one model."""
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "example"}]}


@router.post("/chat/completions")
async def complete(asked: Completion, who: Holder) -> dict[str, Any]:
    """Answer always the same to the same question."""
    if asked.model != MODEL:
        raise ApiError(404, "model_not_found", f"The model {asked.model[:SHOWN]!r} does not exist.")
    question = asked.messages[-1].content
    words = f"You asked: {question[:SHOWN]}"
    prompt, completion = len(question.split()), len(words.split())
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    }
