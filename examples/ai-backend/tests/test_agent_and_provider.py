# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider and the agent that asks it, without anything between them but HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from agent import interface as agent
from agent.configuration import Settings as AgentSettings
from ai_provider.interface import Settings as ProviderSettings
from ai_provider.interface import make as make_provider
from fastapi import FastAPI
from fastapi.testclient import TestClient
from props import Mount

KEY = {"Authorization": "Bearer key-of-dev"}
QUESTION = {"model": "example-1", "messages": [{"role": "user", "content": "why?"}]}


@pytest.fixture
def keys(tmp_path: Path) -> Mount:
    mount = Mount(tmp_path / "keys")
    mount.write(dev="key-of-dev", prod="key-of-prod")
    return mount


@pytest.fixture
def provider(keys: Mount) -> FastAPI:
    return make_provider(ProviderSettings.of({"KEY_FOLDER": str(keys.folder)}))


@pytest.fixture
def asked(provider: FastAPI) -> Iterator[TestClient]:
    with TestClient(provider) as client:
        yield client


def test_the_provider_answers_who_has_a_key(asked: TestClient) -> None:
    answer = asked.post("/v1/chat/completions", json=QUESTION, headers=KEY)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "You asked: why?"
    assert answer.json()["usage"]["total_tokens"] == 4
    assert asked.get("/v1/models", headers=KEY).json()["data"][0]["id"] == "example-1"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer another"}, {"Authorization": "Basic key-of-dev"}]
)
def test_the_provider_answers_nobody_else(asked: TestClient, headers: dict[str, str]) -> None:
    answer = asked.post("/v1/chat/completions", json=QUESTION, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_a_key_that_is_taken_back_is_refused_at_once(asked: TestClient, keys: Mount) -> None:
    keys.write(dev="another-key", prod="key-of-prod")
    assert asked.get("/v1/models", headers=KEY).status_code == 401


def test_the_provider_does_not_answer_too_often(keys: Mount) -> None:
    app = make_provider(ProviderSettings.of({"KEY_FOLDER": str(keys.folder), "REQUESTS_PER_MINUTE": "2"}))
    with TestClient(app) as client:
        seen = [client.get("/v1/models", headers=KEY).status_code for _time in range(3)]
        other = client.get("/v1/models", headers={"Authorization": "Bearer key-of-prod"}).status_code
    assert seen == [200, 200, 429]
    assert other == 200


def test_without_keys_the_provider_is_not_ready(tmp_path: Path) -> None:
    app = make_provider(ProviderSettings.of({"KEY_FOLDER": str(tmp_path / "missing")}))
    with TestClient(app) as client:
        assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200
        assert client.get("/v1/models", headers=KEY).status_code == 401


@pytest.fixture
def held(tmp_path: Path) -> Mount:
    mount = Mount(tmp_path / "held")
    mount.write(api__key="key-of-dev\n")
    return mount


def make_agent(held: Mount, transport: httpx.AsyncBaseTransport, **changes: str) -> FastAPI:
    app = agent.make(
        AgentSettings.of(
            {"PROVIDER_URL": "http://provider", "PROVIDER_KEY_FOLDER": str(held.folder), **changes}
        )
    )
    app.state.agent.provider._client = httpx.AsyncClient(base_url="http://provider", transport=transport)
    return app


def answer_of(app: FastAPI, question: str = "why?") -> httpx.Response:
    with TestClient(app) as client:
        found: httpx.Response = client.post("/v1/answers", json={"question": question})
        return found


def test_the_agent_asks_with_its_key(held: Mount, provider: FastAPI) -> None:
    found = answer_of(make_agent(held, httpx.ASGITransport(provider)))
    assert found.json() == {"answer": "You asked: why?"}
    assert "strict-transport-security" in found.headers


def test_the_agent_takes_a_new_key_for_the_next_question(held: Mount, provider: FastAPI, keys: Mount) -> None:
    app = make_agent(held, httpx.ASGITransport(provider))
    with TestClient(app) as client:
        assert client.post("/v1/answers", json={"question": "one"}).status_code == 200
        keys.write(dev="next-key")
        held.write(api__key="next-key")
        assert client.post("/v1/answers", json={"question": "two"}).status_code == 200


def test_a_key_that_arrives_after_its_predecessor_was_refused_is_no_failure(
    held: Mount, provider: FastAPI, keys: Mount
) -> None:
    keys.write(dev="next-key")
    asked = []

    class Arriving(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request.headers["Authorization"])
            response = await super().handle_async_request(request)
            held.write(api__key="next-key")
            return response

    assert answer_of(make_agent(held, Arriving(provider))).status_code == 200
    assert asked == ["Bearer key-of-dev", "Bearer next-key"]


def test_the_agent_says_that_the_provider_is_busy(held: Mount) -> None:
    busy = httpx.MockTransport(lambda _request: httpx.Response(429, headers={"Retry-After": "7"}))
    found = answer_of(make_agent(held, busy))
    assert found.status_code == 429
    assert found.headers["Retry-After"] == "7"


def test_the_agent_tries_again_and_then_gives_up(held: Mount) -> None:
    seen = []

    def broken(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503, text="key-of-dev was here")

    found = answer_of(make_agent(held, httpx.MockTransport(broken)))
    assert found.status_code == 502
    assert "key-of-dev" not in found.text
    assert len(seen) == 3


def test_what_is_wrong_stays_wrong(held: Mount) -> None:
    seen = []

    def refuses(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    assert answer_of(make_agent(held, httpx.MockTransport(refuses))).status_code == 502
    assert len(seen) == 1


def test_the_agent_keeps_to_its_rate(held: Mount, provider: FastAPI) -> None:
    app = make_agent(held, httpx.ASGITransport(provider), REQUESTS_BURST="2")
    with TestClient(app) as client:
        seen = [client.post("/v1/answers", json={"question": "x"}).status_code for _time in range(3)]
    assert seen == [200, 200, 429]


@pytest.mark.parametrize(
    "body", [{}, {"question": ""}, {"question": "x" * 4001}, {"question": "x", "more": 1}]
)
def test_the_agent_takes_questions_only(held: Mount, provider: FastAPI, body: dict[str, object]) -> None:
    with TestClient(make_agent(held, httpx.ASGITransport(provider))) as client:
        assert client.post("/v1/answers", json=body).status_code == 422


def test_without_a_key_the_agent_is_not_ready(tmp_path: Path, provider: FastAPI) -> None:
    app = make_agent(Mount(tmp_path / "missing"), httpx.ASGITransport(provider))
    with TestClient(app) as client:
        assert client.get("/ready").json()["reason"] == "the provider's key cannot be read"
        assert client.post("/v1/answers", json={"question": "x"}).status_code == 502


def test_a_body_that_is_too_large_is_not_read(held: Mount, provider: FastAPI) -> None:
    with TestClient(make_agent(held, httpx.ASGITransport(provider))) as client:
        assert client.post("/v1/answers", content=b"x" * 70_000).status_code == 413
        assert client.post("/v1/answers", content=iter([b"{}"])).status_code == 413
