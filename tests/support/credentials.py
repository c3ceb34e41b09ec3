# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials for tests, made anew each time: none stands in a committed file, and none opens anything.

Each kind is written as people write it. Decoys look like credentials and are none.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALNUM = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
URL_SAFE = ALNUM + "-_"


@dataclass(frozen=True)
class Planted:
    """One credential: its kind, the credential alone, and the lines that hold it."""

    kind: str
    secret: str
    text: str


class Maker:
    """Makes credentials from a seed."""

    def __init__(self, seed: int) -> None:
        # The same seed must give the same corpus; nothing that is made here protects anything.
        self._random = random.Random(seed)  # noqa: S311

    def some(self, alphabet: str, length: int) -> str:
        return "".join(self._random.choice(alphabet) for _unused in range(length))

    def _json64(self, data: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    def _pem(self) -> str:
        key = ec.derive_private_key(self._random.getrandbits(250), ec.SECP256R1())
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def all(self) -> list[Planted]:
        """Return one of each kind."""
        some = self.some
        digits = string.digits
        simple: dict[str, tuple[str, str]] = {
            "aws_access_key": ("AKIA" + some(BASE32, 16), "aws_access_key_id = {}"),
            "aws_secret_key": (some(ALNUM + "/+", 40), "aws_secret_access_key = {}"),
            "github_pat": ("ghp_" + some(ALNUM, 36), "GITHUB_TOKEN={}"),
            "gitlab_pat": ("glpat-" + some(ALNUM, 20), "token: {}"),
            "slack_bot": (f"xoxb-{some(digits, 12)}-{some(digits, 12)}-{some(ALNUM, 24)}", "SLACK={}"),
            "stripe": ("sk_" + "live_" + some(ALNUM, 24), 'stripe.api_key = "{}"'),
            "google_api": ("AIza" + some(ALNUM + "-_", 35), 'key: "{}"'),
            "generic_api_key": (some(ALNUM, 32), 'api_key = "{}"'),
            "postgres_url": (some(ALNUM, 18), "DATABASE_URL=postgresql://app:{}@db.internal:5432/app"),
            "redis_url": (some(ALNUM, 18), "REDIS_URL=redis://:{}@cache:6379/0"),
            "basic_auth_url": (some(ALNUM, 16), "git clone https://deploy:{}@git.internal/team/app.git"),
            "password_env": (some(ALNUM, 16), "DB_PASSWORD={}"),
            "password_yaml": (some(ALNUM + "!#-_", 16), 'password: "{}"'),
            "npm": ("npm_" + some(string.ascii_lowercase + digits, 36), "//registry/:_authToken={}"),
            "pypi": ("pypi-AgEIcHlwaS5vcmc" + some(URL_SAFE, 80), "password = {}"),
            "hugging_face": ("hf_" + some(string.ascii_letters, 34), "HF_TOKEN={}"),
            "openai": (f"sk-{some(ALNUM, 20)}T3Blbk" + f"FJ{some(ALNUM, 20)}", "OPENAI_API_KEY={}"),
            "anthropic": ("sk-ant-" + f"api03-{some(URL_SAFE, 93)}AA", "ANTHROPIC_API_KEY={}"),
            "vault": ("hvs." + some(URL_SAFE, 95), "VAULT_TOKEN={}"),
            "sendgrid": (f"SG.{some(URL_SAFE, 22)}." + some(URL_SAFE, 43), "SENDGRID={}"),
            "age_key": ("AGE-SECRET-" + "KEY-1" + some("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58), "{}"),
            "netrc": (some(ALNUM, 18), "machine git.internal login bot password {}"),
            "docker_auth": (
                base64.b64encode(f"bot:{some(ALNUM, 20)}".encode()).decode(),
                '{{"auths": {{"registry.internal": {{"auth": "{}"}}}}}}',
            ),
        }
        found = [Planted(kind, secret, text.format(secret)) for kind, (secret, text) in simple.items()]
        token = f"{self._json64({'alg': 'HS256', 'typ': 'JWT'})}.{self._json64({'sub': some(ALNUM, 12)})}"
        token += f".{some(URL_SAFE, 43)}"
        found.append(Planted("jwt", token, f"Authorization: Bearer {token}"))
        pem = self._pem()
        found.append(Planted("private_key", pem.splitlines()[1], pem))
        hidden = "AKIA" + some(BASE32, 16)
        encoded = base64.b64encode(f"[default]\naws_access_key_id = {hidden}\n".encode()).decode()
        found.append(Planted("aws_in_base64", hidden, f"credentials: {encoded}"))
        return found

    def decoys(self) -> list[str]:
        """Return lines that look like credentials and are none."""
        some = self.some
        makers: list[Callable[[], str]] = [
            lambda: f"image: registry.internal/app@sha256:{some(HEX, 64)}",
            lambda: f"commit {some(HEX, 40)}",
            lambda: 'password: "{{ vault_db_password }}"',
            lambda: "DB_PASSWORD=${DB_PASSWORD}",
            lambda: "password: <your password here>",
            lambda: "DATABASE_URL=postgresql://app:$(DB_PASSWORD)@db:5432/app",
            lambda: "postgresql://user:password@localhost/db",
            lambda: f"uid: {some(HEX, 8)}-{some(HEX, 4)}-{some(HEX, 4)}-{some(HEX, 4)}-{some(HEX, 12)}",
            lambda: "passwordSecretRef: database-credentials",
            lambda: "password_file: /run/secrets/db_password",
            lambda: "if password == os.environ['DB_PASSWORD']:",
            lambda: "secretKeyRef: {name: db, key: password}",
            lambda: f"integrity: sha512-{base64.b64encode(some(ALNUM, 64).encode()).decode()}",
            lambda: "-----BEGIN PUBLIC KEY-----",
        ]
        return [make() for make in makers]
