# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A caller of the example's backend, with a token that the environment's own key has signed.

``python -m tests.support.caller KUBECONFIG NAMESPACE`` prints such a token.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import uuid
from pathlib import Path

import httpx
import jwt

from tests.support.asking import kubectl

PORT = 8000
SECONDS = 30.0


def token(kubeconfig: Path, namespace: str, subject: str = "caller", seconds: int = 60) -> str:
    """Sign a token for somebody that lives for so many seconds."""
    here = f"--namespace={namespace}"
    settings = kubectl(kubeconfig, "get", "configmap", "backend", here)["data"]
    kept = kubectl(kubeconfig, "get", "secret", "jwt-signing", here)["data"]["jwks.json"]
    entry = next(each for each in json.loads(base64.b64decode(kept))["keys"] if "d" in each)
    now = int(time.time())
    claims = {
        "iss": settings["JWT_ISSUER"],
        "aud": settings["JWT_AUDIENCE"],
        "sub": subject,
        "iat": now,
        "exp": now + seconds,
    }
    key = jwt.PyJWK(entry, algorithm="RS256").key
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": entry["kid"]})


def served(kubeconfig: Path, namespace: str) -> None:
    """Go the whole way through the Service's own address: a stranger is refused, a question is answered."""
    service = kubectl(kubeconfig, "get", "service", "backend", f"--namespace={namespace}")
    question = str(uuid.uuid4())
    with httpx.Client(
        base_url=f"http://{service['spec']['clusterIP']}:{PORT}", timeout=SECONDS, trust_env=False
    ) as client:
        assert client.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
        client.headers["Authorization"] = f"Bearer {token(kubeconfig, namespace)}"
        answered = client.post("/v1/questions", json={"text": f"Is {question} answered?"})
        assert answered.status_code == httpx.codes.CREATED, answered.text
        assert question in answered.json()["answer"]
        kept = client.get(f"/v1/questions/{answered.json()['id']}")
        assert kept.json() == answered.json()


if __name__ == "__main__":
    print(token(Path(sys.argv[1]), sys.argv[2]))
