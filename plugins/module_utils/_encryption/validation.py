# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The rules of the API server for an EncryptionConfiguration, and the two that it lacks.

They follow k8s.io/apiserver 1.36 (strict decoding, ValidateEncryptionConfiguration, and the
masking check made while the transformers are built). Stricter than the API server: names of keys
are unique within a provider and hold no colon, because the API server picks the key of a stored
value by ``<name>:`` alone and would try the wrong one; and nothing may follow the file's single
YAML document.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._encryption.document import Document, Problem
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    API_VERSION,
    KEY_SIZES,
    KEYED,
    KIND,
    PROVIDERS,
    parse_resource,
)

_KMS_FIELDS = ("apiVersion", "name", "endpoint", "timeout", "cachesize")
_DURATION = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*")
_NO_API = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")


class _Check:
    """Collects the problems of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = []
        self._kms_names: set[str] = set()

    def problem(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, self._document.line(path), reason))

    def mapping(self, value: Any, path: str, allowed: tuple[str, ...]) -> dict[str, Any]:
        """Return the fields of a mapping; unknown ones are problems, as in a strict decoder."""
        if not isinstance(value, dict):
            self.problem(path, "is not a mapping")
            return {}
        for name in value:
            if name not in allowed:
                self.problem(f"{path}.{name}" if path else name, "is not a known field")
        return value

    def items(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list) or not value:
            self.problem(path, "is not a list" if value and not isinstance(value, list) else "holds nothing")
            return []
        return value

    def text(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not value:
            self.problem(path, "is missing" if value in (None, "") else "is not a text; quote it")
            return ""
        return value

    def root(self) -> None:
        data = self.mapping(self._document.data, "", ("apiVersion", "kind", "resources"))
        if not isinstance(self._document.data, dict):
            return
        if data.get("apiVersion") != API_VERSION:
            self.problem("apiVersion", f"is not {API_VERSION}")
        if data.get("kind") != KIND:
            self.problem("kind", f"is not {KIND}")
        earlier: list[str] = []
        for index, entry in enumerate(self.items(data.get("resources"), "resources")):
            self.entry(entry, f"resources[{index}]", earlier)

    def entry(self, value: Any, path: str, earlier: list[str]) -> None:
        entry = self.mapping(value, path, ("resources", "providers"))
        names_path = f"{path}.resources"
        names = []
        for index, item in enumerate(self.items(entry.get("resources"), names_path)):
            name = self.text(item, f"{names_path}[{index}]")
            if name:
                self.resource(name, f"{names_path}[{index}]")
                names.append(name)
        self.overlap(names, names_path)
        for index, name in enumerate(names):
            group, _resource = parse_resource(name)
            for rule in earlier:
                if parse_resource(rule) in ((group, "*"), ("*", "*")):
                    reason = f"{name} is masked by the earlier rule {rule}"
                    self.problem(f"{names_path}[{index}]", reason)
                    break
        earlier.extend(names)
        for index, provider in enumerate(self.items(entry.get("providers"), f"{path}.providers")):
            self.provider(provider, f"{path}.providers[{index}]")

    def resource(self, name: str, path: str) -> None:
        group, resource = parse_resource(name)
        if name.lower() != name:
            self.problem(path, f"{name} has capital letters")
        elif name == "*":
            self.problem(path, "use '*.' for the core group or '*.*' for everything")
        elif name in _NO_API:
            self.problem(path, f"{name} has no API and cannot be encrypted")
        elif group == "events.k8s.io":
            self.problem(path, "events of events.k8s.io are stored in the core group; use 'events'")
        elif group == "extensions":
            self.problem(path, "the group extensions is gone")
        elif group == "*" and resource != "*":
            self.problem(path, f"{name}: one resource across groups cannot be encrypted")

    def overlap(self, names: list[str], path: str) -> None:
        parsed = [parse_resource(name) for name in names]
        if len(set(parsed)) != len(parsed):
            self.problem(path, "the same resource stands twice")
        everything = ("*", "*") in parsed and len(set(parsed)) > 1
        wild = {group for group, resource in parsed if resource == "*"}
        narrow = {group for group, resource in parsed if resource != "*"}
        if everything or wild & narrow:
            self.problem(path, "a wildcard and a resource that it covers stand in one list")

    def provider(self, value: Any, path: str) -> None:
        provider = self.mapping(value, path, PROVIDERS)
        kinds = [kind for kind in provider if kind in PROVIDERS and provider[kind] is not None]
        if len(kinds) != 1:
            known = ", ".join(PROVIDERS)
            self.problem(path, f"names {len(kinds)} providers; it has to be exactly one of {known}")
            return
        kind = kinds[0]
        if kind in KEYED:
            body = self.mapping(provider[kind], f"{path}.{kind}", ("keys",))
            self.keys(body.get("keys"), f"{path}.{kind}.keys", KEY_SIZES[kind])
        elif kind == "kms":
            self.kms(provider[kind], f"{path}.kms")
        else:
            self.mapping(provider[kind], f"{path}.identity", ())

    def keys(self, value: Any, path: str, sizes: tuple[int, ...]) -> None:
        seen: set[str] = set()
        for index, item in enumerate(self.items(value, path)):
            at = f"{path}[{index}]"
            key = self.mapping(item, at, ("name", "secret"))
            name = self.text(key.get("name"), f"{at}.name")
            if ":" in name:
                self.problem(f"{at}.name", "has a colon, which ends the name in the stored values")
            if name and name in seen:
                self.problem(f"{at}.name", f"{name} is the name of two keys; values of one become unreadable")
            seen.add(name)
            secret = self.text(key.get("secret"), f"{at}.secret")
            if secret:
                self.secret(secret, f"{at}.secret", sizes)

    def secret(self, secret: str, path: str, sizes: tuple[int, ...]) -> None:
        try:
            # Go's decoder skips line ends and nothing else.
            length = len(base64.b64decode(secret.replace("\n", "").replace("\r", ""), validate=True))
        except (binascii.Error, ValueError):
            self.problem(path, "is not base64")
            return
        if length not in sizes:
            wanted = ", ".join(str(size) for size in sizes)
            self.problem(path, f"decodes to {length} bytes; the provider takes {wanted}")

    def kms(self, value: Any, path: str) -> None:
        kms = self.mapping(value, path, _KMS_FIELDS)
        name = self.text(kms.get("name"), f"{path}.name")
        if ":" in name:
            self.problem(f"{path}.name", "has a colon")
        if name and name in self._kms_names:
            self.problem(f"{path}.name", f"{name} is the name of two KMS providers")
        self._kms_names.add(name)
        if kms.get("apiVersion") != "v2":
            # A missing version means v1, which the API server refuses unless a feature gate revives it.
            self.problem(f"{path}.apiVersion", "is not v2; version 1 is off in the API server")
        if kms.get("cachesize") is not None:
            self.problem(f"{path}.cachesize", "is not a field of version 2")
        endpoint = self.text(kms.get("endpoint"), f"{path}.endpoint")
        if endpoint and urlsplit(endpoint).scheme != "unix":
            self.problem(f"{path}.endpoint", "is not a unix:// address")
        timeout = kms.get("timeout")
        if timeout is not None and not positive_duration(timeout):
            self.problem(f"{path}.timeout", "is not a positive duration such as 3s")


def positive_duration(value: Any) -> bool:
    """Tell whether Go reads a text as a duration that is more than nothing."""
    return isinstance(value, str) and bool(_DURATION.fullmatch(value)) and bool(re.search("[1-9]", value))


def validate(document: Document) -> list[Problem]:
    """Return everything that is wrong with a document, in the order of its lines."""
    check = _Check(document)
    if document.data is not None:
        check.root()
    return sorted([*document.problems, *check.problems], key=lambda problem: problem.line)
