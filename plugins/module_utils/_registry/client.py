# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Speaks the distribution API with one registry, and moves only what it lacks."""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import ssl
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob, measure
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import MANIFEST_TYPE
from ansible_collections.rampart.k8s.plugins.module_utils._registry.credentials import Credentials

# Which nobody writes down.
_PORTS = {"https": 443, "http": 80}

ANSWER_SECONDS = 60.0
TAIL = 500

# How many names are asked for at once.
PAGE = 500

# Whatever the tag names now is compared by its digest, in any of these forms.
ACCEPTED = (
    f"{MANIFEST_TYPE}, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)


class NotUpError(Exception):
    """Nobody listens at the registry's address (yet)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the registry is, and whom to trust there."""

    scheme: str
    host: str
    port: int
    ca: str | None
    # The value of the header of that name; empty for a registry that asks nobody who he is.
    authorization: str = field(default="", repr=False)

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def leads(self, to: urllib.parse.SplitResult) -> bool:
        """Whether a link of the registry leads to itself."""
        return (to.hostname, to.port or _PORTS.get(to.scheme)) == (self.host, self.port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_address(url: str, ca: str | None, credentials: Credentials | None = None) -> Address:
    """Accept https, and http on this machine only: others could change images on the way."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    host = parts.hostname or ""
    plain = parts.scheme in ("http", "https") and host and parts.path in ("", "/")
    if not plain or parts.query or parts.username is not None:
        raise RampartError(
            "The address of the registry is not of the form https://HOST:PORT.",
            next_step="give scheme, host and port only",
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise RampartError(
            f"The registry {host} would be spoken to without TLS, although it is not on this machine.",
            next_step="use https with a certificate, or a registry on a loopback address",
        )
    address = Address(parts.scheme, host, port or _PORTS[parts.scheme], ca)
    return replace(address, authorization=credentials.of(address.authority)) if credentials else address


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


class Registry:
    """One connection to a registry, kept open between calls."""

    def __init__(self, address: Address) -> None:
        self._address = address
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=address.ca)
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                address.host, address.port, timeout=ANSWER_SECONDS, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(address.host, address.port, timeout=ANSWER_SECONDS)

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        accept: tuple[int, ...],
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        known = {"Authorization": self._address.authorization} if self._address.authorization else {}
        try:
            self._connection.request(method, path, body=body, headers={**known, **(headers or {})})
            response = self._connection.getresponse()
            answer = Answer(response.status, dict(response.getheaders()), response.read())
        except ConnectionRefusedError as error:
            self._connection.close()
            raise NotUpError(self._address.url) from error
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise RampartError(
                f"The registry {self._address.url} did not answer {method} {path.partition('?')[0]}: "
                f"{error or type(error).__name__}.",
                next_step="look into the registry's log, then run again",
            ) from error
        if answer.status not in accept:
            refused = answer.status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN)
            raise RampartError(
                f"The registry {self._address.url} answered {method} {path.partition('?')[0]} with "
                f"{answer.status}: {answer.body[-TAIL:].decode('utf-8', errors='replace').strip()}",
                next_step="give the credentials of somebody who may do that (docker_config)"
                if refused
                else "look into the registry's log, then run again",
                status=answer.status,
            )
        return answer

    def tagged(self, name: str, tag: str) -> str:
        """Return the digest that a tag names; empty when there is no such tag."""
        path = f"/v2/{name}/manifests/{tag}"
        answer = self._ask("HEAD", path, accept=(200, 404), headers={"Accept": ACCEPTED})
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return ""
        return answer.header("Docker-Content-Digest") or self.read_manifest(name, tag)

    def read_manifest(self, name: str, tag: str) -> str:
        """Read a manifest back and return the digest of what was read."""
        path = f"/v2/{name}/manifests/{tag}"
        answer = self._ask("GET", path, accept=(200,), headers={"Accept": ACCEPTED})
        return measure(iter((answer.body,))).digest

    def has(self, name: str, blob: Blob) -> bool:
        answer = self._ask("HEAD", f"/v2/{name}/blobs/{blob.digest}", accept=(200, 404))
        return answer.status == http.HTTPStatus.OK and answer.header("Content-Length") == str(blob.size)

    def push_blob(self, name: str, blob: Blob, content: Iterable[bytes]) -> None:
        """Send one blob; the registry itself refuses what does not have the digest."""
        started = self._ask("POST", f"/v2/{name}/blobs/uploads/", accept=(202,))
        location = urllib.parse.urlsplit(
            urllib.parse.urljoin(self._address.url + "/", started.header("Location"))
        )
        if not self._address.leads(location):
            raise RampartError(
                f"The registry {self._address.url} sends uploads to {location.netloc}.",
                next_step="configure the registry's own host, or give the address it sends to",
            )
        query = "&".join(
            part for part in (location.query, urllib.parse.urlencode({"digest": blob.digest})) if part
        )
        self._ask(
            "PUT",
            f"{location.path}?{query}",
            accept=(201,),
            body=content,
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)},
        )

    def push_manifest(
        self, name: str, reference: str, manifest: bytes, media_type: str = MANIFEST_TYPE
    ) -> None:
        """Store a manifest under a tag or under its digest."""
        self._ask(
            "PUT",
            f"/v2/{name}/manifests/{reference}",
            accept=(201,),
            body=manifest,
            headers={"Content-Type": media_type},
        )

    def manifest(self, name: str, reference: str) -> bytes:
        """Read a manifest; empty when it is not there."""
        path = f"/v2/{name}/manifests/{reference}"
        answer = self._ask("GET", path, accept=(200, 404), headers={"Accept": ACCEPTED})
        return answer.body if answer.status == http.HTTPStatus.OK else b""

    def blob(self, name: str, digest: str) -> bytes:
        """Read a small blob, such as a configuration."""
        return self._ask("GET", f"/v2/{name}/blobs/{digest}", accept=(200,)).body

    def delete_manifest(self, name: str, digest: str) -> None:
        """Delete a manifest with all tags that mean it; one that is gone is no error."""
        self._ask("DELETE", f"/v2/{name}/manifests/{digest}", accept=(202, 404))

    def repositories(self) -> list[str]:
        """Return the names of all repositories."""
        return self._listed("/v2/_catalog", "repositories")

    def tags(self, name: str) -> list[str]:
        """Return the tags of a repository; one whose tags were all deleted has none."""
        return self._listed(f"/v2/{name}/tags/list", "tags")

    def _listed(self, path: str, key: str) -> list[str]:
        """Read a list page by page."""
        found: list[str] = []
        following = f"{path}?n={PAGE}"
        while following:
            answer = self._ask("GET", following, accept=(200, 404))
            if answer.status == http.HTTPStatus.NOT_FOUND:
                return []
            found += self._parsed(answer, path).get(key) or []
            link = re.match(r'<([^>]+)>; *rel="next"', answer.header("Link"))
            parts = urllib.parse.urlsplit(link[1]) if link else None
            following = f"{parts.path}?{parts.query}" if parts else ""
        return found

    def _parsed(self, answer: Answer, path: str) -> dict[str, Any]:
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise RampartError(
                f"The registry {self._address.url} answered GET {path} with what is no JSON object.",
                next_step="check that the address is a registry's",
            )
        return content
