# SPDX-License-Identifier: GPL-3.0-or-later
"""The helm test: a stranger is refused, a caller with a signed token is answered, and it is kept.

It signs its token itself with the mounted set of private keys, so it proves the whole way: signing key,
public set, backend, agent, provider and database.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from kit.client import trust

from backend.tokens import ALGORITHM

TRIES = 80
PAUSE = 0.25


def signing_keys(folder: Path) -> list[tuple[str, Any]]:
    """Return the private keys of the mounted set with their identities."""
    (file,) = [path for path in sorted(folder.iterdir()) if path.suffix == ".json"]
    entries = json.loads(file.read_bytes())["keys"]
    return [
        (str(entry["kid"]), jwt.PyJWK(entry, algorithm=ALGORITHM).key) for entry in entries if "d" in entry
    ]


def token(key: Any, kid: str, **changes: Any) -> str:
    """Sign a token that lives for a minute."""
    now = int(time.time())
    claims = {
        "iss": os.environ["JWT_ISSUER"],
        "aud": os.environ["JWT_AUDIENCE"],
        "sub": "helm-test",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})


def expect(what: str, wanted: int, ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until the status is the wanted one: a Service may need a moment to find its pods."""
    seen: object = None
    for _attempt in range(TRIES):
        try:
            response = ask()
        except httpx.HTTPError as error:
            seen = type(error).__name__
        else:
            seen = response.status_code
            if seen == wanted:
                print(f"passed: {what}: {wanted}", flush=True)
                return response
            if wanted == httpx.codes.UNAUTHORIZED and response.is_success:
                break
        time.sleep(PAUSE)
    raise SystemExit(f"failed: {what}: {seen} instead of {wanted}")


def main() -> int:
    keys = signing_keys(Path(os.environ.get("SIGNING_FOLDER", "/run/secrets/jwt-signing")))
    kid, key = keys[0]
    ca = os.environ.get("BACKEND_CA")
    client = httpx.Client(
        base_url=os.environ["BACKEND_URL"], timeout=30, verify=trust(Path(ca) if ca else None)
    )

    def shown(value: str) -> Callable[[], httpx.Response]:
        return lambda: client.get("/v1/me", headers={"Authorization": f"Bearer {value}"})

    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    expect("ready", 200, lambda: client.get("/ready"))
    expect("nobody without a token", 401, lambda: client.get("/v1/me"))
    expect("nobody with a key of their own", 401, shown(token(foreign, kid)))
    expect("nobody with an unknown key", 401, shown(token(foreign, "unknown")))
    expect("nobody after the end", 401, shown(token(key, kid, exp=int(time.time()) - 60)))
    expect("nobody for another audience", 401, shown(token(key, kid, aud="another")))
    expect("nobody from another issuer", 401, shown(token(key, kid, iss="another")))
    for each, private in keys:
        expect(f"the key {each}", 200, shown(token(private, each)))
    mine = {"Authorization": f"Bearer {token(key, kid)}"}
    question = str(uuid.uuid4())
    body = {"id": question, "text": f"Is {question} answered?"}
    answered = expect("a question", 201, lambda: client.post("/v1/questions", json=body, headers=mine)).json()
    if question not in (answered["answer"] or ""):
        raise SystemExit("failed: the answer is not about the question")
    kept = expect("what is kept", 200, lambda: client.get(f"/v1/questions/{question}", headers=mine)).json()
    if kept != answered:
        raise SystemExit("failed: what is kept is not what was answered")
    print("passed: all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
