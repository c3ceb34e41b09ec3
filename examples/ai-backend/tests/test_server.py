# SPDX-License-Identifier: GPL-3.0-or-later
"""The server speaks TLS as strictly as the guideline asks, and takes a new certificate while it runs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from kit import server
from kit.web import application
from props import Mount, certificate, free_port


def app() -> FastAPI:
    async def ready() -> str:
        return ""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    return application("test", "1", ready, lifespan)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[int]:
    port = free_port()
    task = asyncio.create_task(
        server.serve(app(), host="127.0.0.1", port=port, metrics_port=free_port(), tls_folder=folder)
    )
    try:
        for _attempt in range(200):
            await asyncio.sleep(0.02)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def presented(port: int, **limits: ssl.TLSVersion) -> tuple[bytes, str]:
    """Return the certificate that the server shows, and the version that was agreed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # So that the server has to refuse what this side would not even offer by default.
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in limits.items():
        setattr(context, name, value)
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    connection = writer.get_extra_info("ssl_object")
    writer.close()
    return connection.getpeercert(binary_form=True), connection.version()


def test_a_new_certificate_is_shown_to_the_next_connection(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.05)
    mount.write(**certificate("first"))

    async def scenario() -> None:
        async with serving(mount.folder) as port:
            first, version = await presented(port)
            assert version == "TLSv1.3"
            mount.write(tls_crt="broken", tls_key="broken")
            await asyncio.sleep(0.2)
            assert (await presented(port))[0] == first
            mount.write(**certificate("second"))
            await asyncio.sleep(0.3)
            assert (await presented(port))[0] != first

    asyncio.run(scenario())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_of_tls_are_refused(mount: Mount) -> None:
    mount.write(**certificate("first"))

    async def scenario() -> None:
        async with serving(mount.folder) as port:
            _certificate, version = await presented(port, maximum_version=ssl.TLSVersion.TLSv1_2)
            assert version == "TLSv1.2"
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await presented(
                    port, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1
                )

    asyncio.run(scenario())


def test_answers_carry_what_browsers_must_know_and_nothing_of_the_inside(mount: Mount) -> None:
    made = certificate("first")
    mount.write(**made)

    async def scenario() -> None:
        context = ssl.create_default_context(cadata=made["tls_crt"])
        async with serving(mount.folder) as port, httpx.AsyncClient(verify=context) as client:
            health = await client.get(f"https://localhost:{port}/health")
            assert health.json() == {"status": "ok"}
            missing = await client.get(f"https://localhost:{port}/docs")
            assert missing.status_code == 404
            assert "max-age=31536000" in missing.headers["strict-transport-security"]
            assert "server" not in missing.headers

    asyncio.run(scenario())
