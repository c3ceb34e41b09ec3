# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves an application, its metrics on a port of their own, and TLS whose files are read again."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from prometheus_client import start_http_server

from kit.mounted import Mounted, MountError

# Strong and known to everybody; TLS 1.3 chooses its own.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
LOOK_SECONDS = 10.0
# Longer than any request is allowed to take.
GRACE_SECONDS = 25

_log = logging.getLogger(__name__)


class ServerTls:
    """The certificate of this server; connections that begin after a change get the new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Mounted[Mapping[str, bytes]] = Mounted(
            folder, ("tls.crt", "tls.key"), lambda files: files
        )
        self._loaded = 0
        self.context: ssl.SSLContext | None = None

    def load(self, context: ssl.SSLContext) -> None:
        """Give a context the certificate, if it changed."""
        self._files.value()
        if self._files.version != self._loaded:
            context.load_cert_chain(self._folder / "tls.crt", self._folder / "tls.key")
            self._loaded = self._files.version

    async def watch(self) -> None:
        """Look now and then."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.context is not None:
                try:
                    self.load(self.context)
                except (MountError, ssl.SSLError, OSError) as error:
                    _log.error("the new certificate cannot be used", extra={"error": type(error).__name__})


async def serve(app: FastAPI, *, host: str, port: int, metrics_port: int, tls_folder: Path | None) -> None:
    """Serve until a signal; running requests are answered first."""
    start_http_server(metrics_port, addr=host)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=5,
        limit_concurrency=256,
        h11_max_incomplete_event_size=32 * 1024,
    )
    watching: asyncio.Task[None] | None = None
    if tls_folder is not None:
        tls = ServerTls(tls_folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        tls.load(context)
        tls.context = context
        config.load()
        config.ssl = context
        watching = asyncio.create_task(tls.watch())
    try:
        await uvicorn.Server(config).serve()
    finally:
        if watching is not None:
            watching.cancel()
