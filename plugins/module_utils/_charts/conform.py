# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets kubeconform judge rendered manifests by the schemas of the cluster that they are meant for."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts import schemas
from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import found
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._core.sandbox import Sandbox
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

MEMORY_MB, CORES = 512, 2
SECONDS = 60.0
AT = re.compile(r"- at '([^']*)': (.*?)(?=\s+- at '|$)")
# A node of the tree; its reasons stand below it.
INNER = ("validation failed", "'allOf' failed", "'anyOf' failed", "'oneOf' failed, none matched")
# As kubeconform fills it in for an object.
PLACE = "{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json"

# Group, version and kind.
Kind = tuple[str, str, str]


def path_of(group: str, version: str) -> str:
    """Return what the API server calls the document of a group."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


def file_of(group: str, version: str, kind: str) -> str:
    """Return the name of a schema's file; kubeconform takes the core group's version for its name."""
    return f"{kind.lower()}-{group or version}-{version}.json"


class Schemas:
    """Schemas of one cluster, kept in a folder by the digests that the API server gives its documents."""

    def __init__(self, client: Client, cache: Path) -> None:
        self._client = client
        self._cache = cache
        self._links: dict[str, str] = {}

    def collect(self, wanted: Iterable[Kind], folder: Path) -> set[Kind]:
        """Put the schemas of some kinds into a folder; return the kinds that the cluster does not know."""
        missing = set()
        for each in set(wanted):
            content = self._of(*each)
            if content is None:
                missing.add(each)
            else:
                (folder / file_of(*each)).write_bytes(content)
        return missing

    def _of(self, group: str, version: str, kind: str) -> bytes | None:
        if not self._links:
            index = self._client.get("/openapi/v3", target="the OpenAPI documents of the cluster")
            self._links = {
                path: str(entry["serverRelativeURL"]) for path, entry in (index.get("paths") or {}).items()
            }
        link = self._links.get(path_of(group, version))
        if link is None:
            return None
        # The link carries a digest of the document: what is kept under it is never out of date.
        kept = self._cache / hashlib.sha256(link.encode()).hexdigest()[:32]
        file = kept / file_of(group, version, kind)
        if not file.exists():
            self._fill(link, kept)
        return file.read_bytes() if file.exists() else None

    def _fill(self, link: str, kept: Path) -> None:
        path, _mark, query = link.partition("?")
        pairs = [part.partition("=")[::2] for part in query.split("&") if part]
        document = self._client.get(path, query=dict(pairs), target=f"the OpenAPI document {path}")
        kept.mkdir(parents=True, exist_ok=True)
        for group, version, kind, name in schemas.kinds(document):
            made = json.dumps(schemas.schema(document, name), separators=(",", ":")).encode()
            write_atomic(kept / file_of(group, version, kind), made, mode=0o644, durable=False)


def judge(
    objects: Iterable[Mapping[str, Any]], kept: Schemas, kubeconform: str, redactor: Redactor
) -> list[str]:
    """Return what in the objects no schema allows; a kind without a schema is a violation too."""
    listed = [(_kind(item), item) for item in objects]
    with tempfile.TemporaryDirectory(prefix="rampart-schemas-") as work:
        folder = Path(work)
        missing = kept.collect((kind for kind, _item in listed), folder)
        violations = [
            f"the cluster does not serve {kind} of {f'{group}/' if group else ''}{version}"
            for group, version, kind in sorted(missing)
        ]
        known = [json.dumps(item) for kind, item in listed if kind not in missing]
        if known:
            violations += _run("\n---\n".join(known), folder, kubeconform, redactor, len(known))
        return violations


def _kind(item: Mapping[str, Any]) -> Kind:
    group, _slash, version = str(item["apiVersion"]).rpartition("/")
    return group, version, str(item["kind"])


def _run(text: str, folder: Path, kubeconform: str, redactor: Redactor, count: int) -> list[str]:
    sandbox = Sandbox(MEMORY_MB, CORES)
    argv = [*sandbox.prefix(), found(kubeconform), "-strict", "-output", "json", "-verbose"]
    argv += ["-schema-location", f"{folder}/{PLACE}", "-"]
    tool = Cli(argv[0], environment=sandbox.environment(folder), redactor=redactor, timeout=SECONDS)
    done = tool.run(*argv[1:], stdin=text, accept=(0, 1), cwd=str(folder))
    answer = done.json()
    resources = answer.get("resources") if isinstance(answer, dict) else None
    if not isinstance(resources, list) or len(resources) != count:
        raise RampartError(
            f"kubeconform was given {count} objects and answered for {len(resources or ())}.",
            next_step="run it by hand on the rendered chart; what is not judged does not pass",
        )
    return [
        f"{each.get('kind')} {each.get('name')}: {'; '.join(complaints(each))}"
        for each in resources
        if each.get("status") != "statusValid"
    ]


def complaints(resource: Mapping[str, Any]) -> list[str]:
    """Take the places that are wrong out of the tree of reasons, which kubeconform writes as one text."""
    said = str(resource.get("msg") or resource.get("status"))
    found = [f"{path or '/'}: {why.strip()}" for path, why in AT.findall(said)]
    return [each for each in found if not each.endswith(INNER)] or [said]
