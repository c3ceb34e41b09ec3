# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes the new content of a declared secret, key by key."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import (
    certificates,
    key_pairs,
    key_sets,
    password,
    texts,
)
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Fate
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Certificate
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import (
    DOCKER_KEY,
    Definition,
    Key,
)

Content = Mapping[str, bytes]
# Asks a signer of the Kubernetes API: certificate, signer and algorithm in, the entries of the Secret out.
Sign = Callable[[Certificate, str, str], dict[str, bytes]]


@dataclass(frozen=True, slots=True)
class Material:
    """What values are made from."""

    now: datetime.datetime
    # What the backend issued.
    issued: Content = field(default_factory=dict)
    # The new contents of the secrets that this one follows from.
    sources: Mapping[str, Content] = field(default_factory=dict)
    sign: Sign | None = None


def check(definition: Definition) -> None:
    """Refuse what cannot be made, before anything is looked at."""
    for key in definition.keys:
        _check_key(definition, key)


def _check_key(definition: Definition, key: Key) -> None:
    options, where = key.options, f"{key.name} of {definition}"
    match key.generator:
        case "password":
            password.check(options.get("alphabet", password.ALPHABET), options["entropy_bits"])
        case "bytes":
            password.check_bytes(options["size"])
        case "key_pair":
            key_pairs.check(options.get("algorithm", key_pairs.DEFAULT))
        case "signing_keys":
            key_pairs.check(options.get("algorithm", key_sets.DEFAULT), key_sets.ALGORITHMS)
        case "tls" | "authority":
            key_pairs.check(options.get("algorithm", certificates.ALGORITHM), certificates.ALGORITHMS)
            if key.generator == "tls":
                certificates.wanted(options, definition.name)
            else:
                certificates.authority(options, definition.name)
        case _:
            _require(definition, key, where)


def _require(definition: Definition, key: Key, where: str) -> None:
    """Check what a generator cannot do without."""
    needed = {
        "jwks": ("source", "source_key"),
        "docker_config": ("registry", "username"),
        "template": ("text",),
        "constant": ("text",),
    }.get(key.generator, ())
    missing = [name for name in needed if not key.options.get(name)]
    if missing:
        raise RampartError(
            f"The generator {key.generator} for {where} needs {' and '.join(missing)}.", next_step="add them"
        )
    if key.generator == "template":
        unknown = sorted(
            texts.names(key.options["text"]) - set(definition.outputs)
            | ({key.name} & texts.names(key.options["text"]))
        )
        if unknown:
            raise RampartError(
                f"The template for {where} names {', '.join(unknown)}, which the Secret does not make.",
                next_step="declare these keys too",
            )
    if key.generator == "docker_config" and key.name != DOCKER_KEY:
        raise RampartError(
            f"The configuration of a registry in {definition} has the key {key.name}.",
            next_step=f"name it {DOCKER_KEY}, where the kubelet looks for it",
        )


def given(key: Key) -> bytes | None:
    """Return the value that a lookup or a file gives; None where neither does."""
    if key.value is not None:
        return key.value
    path = key.options.get("file")
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RampartError(
            f"The value of {key.name} could not be read from {path}: {error.strerror}.",
            next_step="correct the path or make the file readable for the user that runs this module",
            path=path,
        ) from error


def make(definition: Definition, material: Material) -> dict[str, bytes]:
    """Make every entry; those that are put together from others come last."""
    made: dict[str, bytes] = {}
    for key in sorted(definition.keys, key=lambda one: one.generator == "template"):
        made |= _make_key(definition, key, material, made)
    return made


def _make_key(definition: Definition, key: Key, material: Material, made: Content) -> dict[str, bytes]:
    options, where = key.options, f"{key.name} of Secret {definition}"
    match key.generator:
        case "password":
            return {key.name: _password(key)}
        case "bytes":
            return {key.name: password.make_bytes(options["size"], options["encoding"])}
        case "key_pair":
            return dict(
                zip(key.outputs, key_pairs.make(options.get("algorithm", key_pairs.DEFAULT)), strict=False)
            )
        case "signing_keys":
            return {key.name: key_sets.make(options.get("algorithm", key_sets.DEFAULT))}
        case "jwks":
            source = _source(material, options["source"], options["source_key"], where)
            return {key.name: key_sets.public(source, where)}
        case "tls":
            return _certificate(definition, key, material)
        case "authority":
            algorithm = options.get("algorithm", certificates.ALGORITHM)
            wanted = certificates.authority(options, definition.name)
            return certificates.make_authority(wanted, algorithm, material.now)
        case "docker_config":
            secret = _given(key, where) if key.is_given else material.issued.get(key.name) or _password(key)
            return {key.name: texts.docker_config(options["registry"], options["username"], secret)}
        case "template":
            return {key.name: texts.fill(options["text"], made, where)}
        case "constant":
            return {key.name: options["text"].encode()}
        case "backend":
            return {key.name: _issued(material, key, where)}
        case _:
            return {key.name: _given(key, where)}


def _password(key: Key) -> bytes:
    return password.make(key.options.get("alphabet", password.ALPHABET), key.options["entropy_bits"])


def _given(key: Key, where: str) -> bytes:
    value = given(key)
    if not value:
        raise RampartError(
            f"No value is given for {where}.", next_step="give one by a lookup (value) or a file (file)"
        )
    return value


def _issued(material: Material, key: Key, where: str) -> bytes:
    if key.name not in material.issued:
        raise RampartError(
            f"The backend issued nothing for {where}.",
            next_step="see what it answers, and which results the request names",
        )
    return material.issued[key.name]


def _source(material: Material, name: str, entry: str, where: str) -> bytes:
    try:
        return material.sources[name][entry]
    except KeyError:
        raise RampartError(
            f"{where} follows from {entry} of Secret {name}, which is not there.",
            next_step="declare that secret in the same list, or make it first",
        ) from None


def _certificate(definition: Definition, key: Key, material: Material) -> dict[str, bytes]:
    wanted = certificates.wanted(key.options, definition.name)
    algorithm = key.options.get("algorithm", certificates.ALGORITHM)
    if key.options.get("ca"):
        signer = material.sources.get(key.options["ca"]) or {}
        return certificates.make(wanted, algorithm, signer, material.now)
    if material.sign is None:
        raise ValueError("nobody can ask the signer")
    return material.sign(wanted, key.options["signer_name"], algorithm)


def fates(definition: Definition, rotating: frozenset[str], published: frozenset[str]) -> dict[str, Fate]:
    """Say how each entry goes from old to new.

    ``rotating`` names the secrets that change in the same rotation, ``published`` those of them whose
    public half another secret carries.
    """
    found: dict[str, Fate] = {}
    for key in definition.keys:
        plain = dict.fromkeys(key.outputs, Fate.PLAIN)
        shared = key.options.get("algorithm") == key_sets.SHARED
        match key.generator:
            case "jwks":
                plain = {key.name: Fate.KEY_SET}
            case "signing_keys" if shared:
                plain = {key.name: Fate.SHARED_SET}
            case "signing_keys" if definition.name in published:
                plain = {key.name: Fate.WAITS}
            case "authority":
                plain = _waiting()
            case "tls" if key.options.get("ca") in rotating:
                plain = _waiting()
        found |= plain
    return found


def _waiting() -> dict[str, Fate]:
    return {
        certificates.CERTIFICATE: Fate.WAITS,
        certificates.KEY: Fate.WAITS,
        certificates.BUNDLE: Fate.BUNDLE,
    }


def confidential(definition: Definition, content: Content) -> list[bytes]:
    """Return the values that must not be seen; a user's name is none, and masking it would hide the rest."""
    found = [value for name, value in content.items() if name not in definition.public_outputs]
    for key in definition.keys:
        if key.generator == "docker_config" and key.name in content:
            secret = texts.docker_password(content[key.name], key.options["registry"])
            found += [secret] if secret else []
    return found
