# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs cosign: signs and verifies statements, and moves bundles to and from registries.

Every signature is made and judged as a statement about a digest (``attest-blob``), so that one way
holds for registries and for layouts that never see one. No transparency log and no timestamp
authority is asked: trust stands on the key alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import trust
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import Statement

MAJOR = 3
TIMEOUT = 120.0

# The two are cosign's way to say: no log, no timestamp authority, nothing fetched.
OFFLINE = ("--use-signing-config=false", "--tlog-upload=false", "--yes")

PIN = "COSIGN_PKCS11_PIN"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and what opens it."""

    # A path, a pkcs11: URI without a PIN, or the URI of a KMS.
    reference: str
    # Goes to standard input; cosign reads it there when its variable is not set.
    passphrase: str = ""
    # What cosign takes from its environment only: the PIN of a token, the credentials of a KMS.
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Cosign:
    """cosign on this machine."""

    def __init__(
        self,
        program: str,
        redactor: Redactor,
        *,
        registry_ca: str | None = None,
        docker_config: str | None = None,
    ) -> None:
        self._program = program
        self._redactor = redactor
        self._environment = trust(registry_ca, docker_config)
        self._cli = self._with({})
        self._checked = False

    def _with(self, environment: Mapping[str, str]) -> Cli:
        return Cli(
            self._program,
            environment={**self._environment, **environment},
            redactor=self._redactor,
            timeout=TIMEOUT,
        )

    def version(self) -> str:
        """Return the version; refuse one that speaks otherwise."""
        version = self._cli.version("version", pattern=r"GitVersion:\s+v?(\d+\.\d+\.\d+\S*)")
        if not version.startswith(f"{MAJOR}."):
            raise RampartError(
                f"{self._program} is cosign {version}, but its commands are known for {MAJOR}.x only.",
                next_step="install it by the role rampart.k8s.tools",
                version=version,
            )
        return version

    def generate(self, folder: Path, passphrase: str) -> tuple[bytes, str]:
        """Make a key pair; return the encrypted private key and the public one."""
        with tempfile.TemporaryDirectory(prefix=".rampart-", dir=folder) as work:
            self._cli.run("generate-key-pair", stdin=passphrase, cwd=work)
            return (Path(work) / "cosign.key").read_bytes(), (Path(work) / "cosign.pub").read_text()

    def public_key(self, signer: Signer) -> str:
        """Ask for the public part of a key."""
        done = self._with(signer.environment).run(
            "public-key", "--key", signer.reference, stdin=signer.passphrase
        )
        return done.stdout

    def sign(self, statement: Statement, signer: Signer) -> bytes:
        """Sign a statement; return the bundle."""
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            said, bundle = Path(work) / "statement.json", Path(work) / "bundle.json"
            said.write_bytes(statement.document())
            self._with(signer.environment).run(
                "attest-blob",
                *OFFLINE,
                "--key",
                signer.reference,
                "--statement",
                str(said),
                "--bundle",
                str(bundle),
                stdin=signer.passphrase,
            )
            return bundle.read_bytes()

    def refusal(self, bundle: bytes, public_key: str, statement: Statement) -> str:
        """Verify that a key signed this bundle about this digest; return why not, empty when it did."""
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            key, file = Path(work) / "key.pub", Path(work) / "bundle.json"
            key.write_text(public_key)
            file.write_bytes(bundle)
            algorithm, _unused, value = statement.digest.partition(":")
            done = self._cli.run(
                "verify-blob-attestation",
                "--insecure-ignore-tlog",
                "--key",
                str(key),
                "--bundle",
                str(file),
                "--type",
                statement.predicate_type,
                "--digest",
                value,
                "--digestAlg",
                algorithm,
                accept=(0, 1),
            )
            if done.rc == 0 and "Verified OK" in done.stderr + done.stdout:
                return ""
            said = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
            return (said[-1] if said else done.stderr.strip()[-200:]).removeprefix(
                "Error: "
            ) or "no reason given"

    def attached(self, reference: str) -> list[bytes]:
        """Return the bundles that a registry holds about an image, given by its digest."""
        done = self._cli.run("download", "attestation", reference)
        return [line.encode() for line in done.stdout.splitlines() if line.strip()]

    def attach(self, reference: str, bundle: bytes) -> None:
        """Give a registry a bundle about an image, given by its digest."""
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            file = Path(work) / "bundle.json"
            file.write_bytes(bundle)
            self._cli.run("attach", "attestation", "--attestation", str(file), reference)
