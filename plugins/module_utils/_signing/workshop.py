# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the modules of signing have in common: the tools, the ring, and what is attached to an image."""

from __future__ import annotations

import datetime
import secrets
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._oci import absence
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import crane
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import parse
from ansible_collections.rampart.k8s.plugins.module_utils._signing.cosign import PIN, Cosign, Signer
from ansible_collections.rampart.k8s.plugins.module_utils._signing.folder import KeyFolder
from ansible_collections.rampart.k8s.plugins.module_utils._signing.judge import Judgement, collect
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key
from ansible_collections.rampart.k8s.plugins.module_utils._signing.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import Bundle
from ansible_collections.rampart.k8s.plugins.module_utils._signing.store import Store, open_store

TOOLS = ArgumentSpec(
    {
        "cosign": {"type": "path", "default": "cosign"},
        "crane": {"type": "path", "default": "crane"},
        "registry_ca": {"type": "path"},
        "docker_config": {"type": "path"},
    }
)

SECRETS = ArgumentSpec(
    {
        "passphrase": {"type": "str", "no_log": True},
        "passphrase_file": {"type": "path", "no_log": False},
        "pin": {"type": "str", "no_log": True},
        "key_environment": {"type": "dict", "no_log": True, "default": {}},
    },
    mutually_exclusive=(("passphrase", "passphrase_file"),),
)

# cosign and crane wait for files and networks more than they compute.
WORKERS = 4

# Known passphrases are tried offline against a stolen key file; shorter ones fall.
SHORTEST_PASSPHRASE = 12
# Of one that is made here; nobody has to type it.
PASSPHRASE_BYTES = 32

T = TypeVar("T")
R = TypeVar("R")


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def beside(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do the same to several images at once."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, items))


class Workshop:
    """The tools of one task."""

    def __init__(self, parameters: dict[str, Any], redactor: Redactor) -> None:
        ca, config = parameters["registry_ca"], parameters["docker_config"]
        self.cosign = Cosign(parameters["cosign"], redactor, registry_ca=ca, docker_config=config)
        self._crane = crane(parameters["crane"], ca=ca, config=config, redactor=redactor)
        self._parameters = parameters
        self._redactor = redactor
        for secret in (parameters.get("passphrase"), parameters.get("pin")):
            if secret:
                redactor.add(secret)
        redactor.add(*(str(value) for value in (parameters.get("key_environment") or {}).values()))

    def not_there_yet(self, images: Sequence[str]) -> list[str]:
        """Return what check mode cannot work with yet: programs, or else images."""
        missing = absence.programs((self._parameters["cosign"], self._parameters["crane"]))
        return missing or absence.images(images, self._crane)

    def store(self, image: str) -> Store:
        return open_store(parse(image), self.cosign, self._crane)

    def verify(self, bundle: Bundle, key: Key) -> str:
        return self.cosign.refusal(bundle.raw, key.public_key, bundle.statement)

    def collect(self, store: Store, digest: str, policy: Policy, moment: datetime.datetime) -> Judgement:
        return collect(digest, store.bundles(digest), policy, self.verify, moment)

    def passphrase(self, *, make: bool = False) -> str:
        """Return what opens private keys in files; ``make`` a file for it that is not there yet."""
        file = self._parameters.get("passphrase_file")
        found = self._from_file(Path(file), make) if file else str(self._parameters.get("passphrase") or "")
        if len(found) < SHORTEST_PASSPHRASE:
            raise RampartError(
                f"A private key in a file needs a passphrase of at least {SHORTEST_PASSPHRASE} characters.",
                next_step="give one from a vault, not from a file beside the key",
            )
        return found

    def _from_file(self, file: Path, make: bool) -> str:
        if make and not file.exists():
            write_atomic(file, secrets.token_urlsafe(PASSPHRASE_BYTES).encode())
        try:
            if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RampartError(
                    f"The passphrase in {file} can be read by others.", next_step=f"chmod 0600 {file}"
                )
            found = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise RampartError(
                f"Could not read the passphrase of the signing keys in {file}: {error.strerror}.",
                next_step="bring the file back; without it the keys that it opens have to be replaced",
            ) from error
        self._redactor.add(found)
        return found

    def signer(self, folder: KeyFolder, key: Key) -> Signer:
        """Return what opens a private key of the ring."""
        reference = folder.reference(key)
        if key.source.startswith("file:"):
            return Signer(reference, self.passphrase())
        return self.external(reference)

    def external(self, reference: str) -> Signer:
        """Return what opens a key that lives in a token or in a KMS."""
        if "pin-value" in reference:
            raise RampartError(
                "The PIN stands in the URI of the key, where every process can read it.",
                next_step="remove pin-value from the URI and give the PIN by the option pin",
            )
        environment = {
            str(key): str(value) for key, value in (self._parameters["key_environment"] or {}).items()
        }
        if reference.startswith("pkcs11:"):
            environment[PIN] = str(self._parameters["pin"] or "")
        return Signer(reference, environment=environment)
