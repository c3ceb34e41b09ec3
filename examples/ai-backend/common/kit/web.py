# SPDX-License-Identifier: GPL-3.0-or-later
"""The application frame: health, metrics, traces, headers, and errors that tell nothing of the inside."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram

from kit.tracing import tracer

Ready = Callable[[], Awaitable[str]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

LARGEST_BODY = 64 * 1024
PROBES = ("/health", "/ready")

REQUESTS = Counter("http_requests_total", "Requests by route and status.", ["method", "route", "status"])
SECONDS = Histogram("http_request_duration_seconds", "How long requests took.", ["method", "route"])
BUSY = Gauge("http_requests_in_progress", "Requests that are being answered.")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
}

_log = logging.getLogger(__name__)


def application(title: str, version: str, ready: Ready, lifespan: Lifespan) -> FastAPI:
    """Make an application. ``ready`` returns why it is not ready, or nothing."""
    # Neither a schema nor pages of documentation: they tell a stranger where to knock.
    app = FastAPI(
        title=title, version=version, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
    )

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def readiness() -> JSONResponse:
        why = await ready()
        return JSONResponse(
            {"status": "not ready", "reason": why} if why else {"status": "ok"}, 503 if why else 200
        )

    @app.middleware("http")
    async def frame(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path in PROBES:
            return await call_next(request)
        context = propagate.extract(dict(request.headers))
        started = time.monotonic()
        with (
            BUSY.track_inprogress(),
            tracer().start_as_current_span(request.method, context, kind=SpanKind.SERVER) as span,
        ):
            response = await _answer(request, call_next)
            route = getattr(request.scope.get("route"), "path", "unknown")
            span.update_name(f"{request.method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status_code)
            seconds = time.monotonic() - started
            _log.info(
                "request",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": response.status_code,
                    "seconds": round(seconds, 4),
                },
            )
        REQUESTS.labels(request.method, route, response.status_code).inc()
        SECONDS.labels(request.method, route).observe(seconds)
        response.headers.update(HEADERS)
        return response

    return app


async def _answer(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY or "transfer-encoding" in request.headers:
        return JSONResponse({"detail": "The body is too large, or its length is not given."}, 413)
    try:
        return await call_next(request)
    except Exception:
        _log.exception("an error that nobody foresaw")
        return JSONResponse({"detail": "Internal error."}, 500)
