# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Has syft write the bills of materials of one image, once for each image and version of syft."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, Reference

FORMS = {"cyclonedx": "cyclonedx-json", "spdx": "spdx-json"}
ENDINGS = {"cyclonedx": "cdx.json", "spdx": "spdx.json"}

# Nothing is fetched, and no file is listed that no package brought: an SBOM names packages.
ENVIRONMENT = {
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_FILE_METADATA_SELECTION": "none",
    "SYFT_RELATIONSHIPS_PACKAGE_FILE_OWNERSHIP": "false",
}


@dataclass(frozen=True, slots=True)
class Source:
    """An image as syft is given it."""

    name: str
    digest: str
    # Names the content whatever registry compressed it, and so the cache.
    config_digest: str


class Syft:
    """syft on this machine."""

    def __init__(self, program: str, *, timeout: float, registry_ca: str | None) -> None:
        environment = {**ENVIRONMENT, **({"SSL_CERT_FILE": registry_ca} if registry_ca else {})}
        self._cli = Cli(program, environment=environment, timeout=timeout)

    def version(self) -> str:
        return self._cli.version("--version", pattern=r"(\d+\.\d+\.\d+\S*)")

    def write(self, argument: str, source: Source, folder: Path) -> dict[str, bytes]:
        """Let syft look once and write every form."""
        files = {form: folder / ending for form, ending in ENDINGS.items()}
        outputs = [part for form, file in files.items() for part in ("--output", f"{FORMS[form]}={file}")]
        self._cli.run(
            "scan",
            argument,
            "--quiet",
            "--source-name",
            source.name,
            # The document says itself which image it is about.
            "--source-version",
            source.digest,
            *outputs,
        )
        try:
            return {form: file.read_bytes() for form, file in files.items()}
        except OSError as error:
            raise RampartError(
                f"syft ended well on {source.name} and wrote no {Path(error.filename).name}.",
                next_step="run syft by hand on the image and look at what it prints",
                image=source.name,
            ) from error


def describe(reference: Reference, crane: Cli) -> Source:
    """Say which image is meant."""
    name = str(reference)
    if reference.place is Place.LAYOUT:
        layout = Layout(reference.path)
        found = layout.resolve(reference)
        layout.check(found)
        config = layout.document(found).get("config") or {}
        return Source(name, found.digest, str(config.get("digest") or found.digest))
    if reference.place is Place.REGISTRY:
        digest = crane.run("digest", name).stdout.strip()
        if not DIGEST.fullmatch(digest) or (reference.digest and digest != reference.digest):
            raise RampartError(
                f"The registry says that {name} is {digest or 'nothing'}.",
                next_step="look into the registry; it does not give what it is asked for",
                image=name,
            )
        manifest = json.loads(crane.run("manifest", f"{reference.location}@{digest}").stdout)
        return Source(name, digest, str((manifest.get("config") or {}).get("digest") or digest))
    raise RampartError(
        f"{name} is an archive, which has no digest that a registry or a signature would know.",
        next_step="keep the image as an OCI layout (oci:/FOLDER) or in a registry",
        image=name,
    )


@contextmanager
def argument(reference: Reference, source: Source) -> Iterator[str]:
    """Yield what syft is asked to look into: exactly the image of the digest, and nothing beside it."""
    if reference.place is Place.REGISTRY:
        yield f"registry:{reference.location}@{source.digest}"
        return
    layout = Layout(reference.path)
    with tempfile.TemporaryDirectory(prefix="rampart-") as work:
        view = Path(work)
        entries = [each for each in layout.index()["manifests"] if each["digest"] == source.digest][:1]
        (view / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (view / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
        (view / "blobs").symlink_to(layout.folder / "blobs")
        yield f"oci-dir:{view}"


class Cache:
    """Bills of materials by what they depend on: the content of the image, its digest, and the tool."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version

    def path(self, source: Source, form: str) -> Path:
        identity = f"{source.config_digest} {source.digest} {self._version}"
        name = hashlib.sha256(identity.encode()).hexdigest()[:32]
        return self._folder / f"{name}.{ENDINGS[form]}"

    def read(self, source: Source) -> dict[str, bytes] | None:
        """Return all forms, or nothing when one is missing."""
        try:
            return {form: self.path(source, form).read_bytes() for form in FORMS}
        except OSError:
            return None

    def write(self, source: Source, documents: dict[str, bytes]) -> None:
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for form, content in documents.items():
            write_atomic(self.path(source, form), content, mode=0o644)
