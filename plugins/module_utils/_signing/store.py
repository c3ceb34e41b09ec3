# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Where the bundles about an image are kept: beside it in its layout, or in its registry."""

from __future__ import annotations

import datetime
import json
from abc import ABC, abstractmethod

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST, Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, Reference
from ansible_collections.rampart.k8s.plugins.module_utils._signing.cosign import Cosign
from ansible_collections.rampart.k8s.plugins.module_utils._signing.statement import BUNDLE_TYPE, read_bundle


class Store(ABC):
    """One image with what is attached to it."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    @abstractmethod
    def digest(self) -> str:
        """Say which image the reference means now; its manifest is checked against the digest."""

    @abstractmethod
    def names(self, digest: str) -> list[str]:
        """Return the digests that verdicts can be about: the image's own and its configuration's."""

    @abstractmethod
    def bundles(self, digest: str) -> list[bytes]:
        """Return everything that is attached to the image as a bundle."""

    @abstractmethod
    def attach(self, digest: str, bundle: bytes) -> None:
        """Attach one more."""


class LayoutStore(Store):
    """An image that need not ever see a registry."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self._layout = Layout(reference.path)

    def _descriptor(self) -> Descriptor:
        return self._layout.resolve(self.reference)

    def digest(self) -> str:
        """Check every byte that the digest stands for: nobody else does so before the image is loaded."""
        descriptor = self._descriptor()
        self._layout.check(descriptor)
        return descriptor.digest

    def names(self, digest: str) -> list[str]:
        config = self._layout.document(self._descriptor()).get("config") or {}
        return [digest, *([str(config["digest"])] if config.get("digest") else [])]

    def bundles(self, digest: str) -> list[bytes]:
        return [b"".join(self._layout.stream(found)) for found in self._layout.referrers(digest, BUNDLE_TYPE)]

    def attach(self, digest: str, bundle: bytes) -> None:
        descriptor = self._descriptor()
        if descriptor.digest != digest:
            raise RampartError(
                f"{self.reference} is {descriptor.digest} now; {digest} was signed.",
                next_step="look who else writes to the layout, then run again",
                image=str(self.reference),
            )
        created = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._layout.attach(
            descriptor,
            BUNDLE_TYPE,
            bundle,
            {
                "org.opencontainers.image.created": created,
                "dev.sigstore.bundle.content": "dsse-envelope",
                "dev.sigstore.bundle.predicateType": read_bundle(bundle).statement.predicate_type,
            },
        )


class RegistryStore(Store):
    """An image in a registry; credentials are those of the docker configuration of whoever runs the play."""

    def __init__(self, reference: Reference, cosign: Cosign, crane: Cli) -> None:
        super().__init__(reference)
        self._cosign = cosign
        self._crane = crane

    def digest(self) -> str:
        name = str(self.reference)
        found = self._crane.run("digest", name).stdout.strip()
        if not DIGEST.fullmatch(found) or (self.reference.digest and found != self.reference.digest):
            raise RampartError(
                f"The registry says that {name} is {found or 'nothing'}.",
                next_step="look into the registry; it does not give what it is asked for",
                image=name,
            )
        return found

    def names(self, digest: str) -> list[str]:
        raw = self._crane.run("manifest", self._exact(digest)).stdout
        try:
            config = json.loads(raw).get("config") or {}
        except ValueError as error:
            raise RampartError(
                f"The manifest of {self.reference} is not JSON.",
                next_step="look into the registry; it does not give what it is asked for",
                image=str(self.reference),
            ) from error
        return [digest, *([str(config["digest"])] if config.get("digest") else [])]

    def _exact(self, digest: str) -> str:
        return f"{self.reference.location}@{digest}"

    def bundles(self, digest: str) -> list[bytes]:
        return self._cosign.attached(self._exact(digest))

    def attach(self, digest: str, bundle: bytes) -> None:
        self._cosign.attach(self._exact(digest), bundle)


def open_store(reference: Reference, cosign: Cosign, crane: Cli) -> Store:
    """Return the store of an image."""
    if reference.place is Place.LAYOUT:
        return LayoutStore(reference)
    if reference.place is Place.REGISTRY:
        return RegistryStore(reference, cosign, crane)
    raise RampartError(
        f"{reference} is an archive, which cannot carry a signature.",
        next_step="keep the image as an OCI layout (oci:/FOLDER) or in a registry",
        image=str(reference),
    )
