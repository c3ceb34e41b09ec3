# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lets only those images through that somebody who counts has signed, and that the gates have passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._signing.verdicts import Verdicts
from ansible_collections.rampart.k8s.plugins.module_utils._signing.verify_operation import accepted, judged
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop, now


class LoadGate:
    """What is demanded of every image that a node lacks."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._now = now()
        self._verdicts = Verdicts.of(parameters, self._now, check_mode=check_mode, act="loaded")
        self._gates = parameters["require_verdicts"]
        self._signed = bool(parameters["keyring"] or parameters["public_keys"])
        self._parameters = parameters
        self._redactor = redactor

    def __call__(self, wanted: Wanted, image: NodeImage) -> None:
        """Raise RampartError for an image that may not be loaded."""
        if self._signed:
            self._signatures(wanted, image)
        for gate in self._gates:
            self._verdicts.newest(gate, image.name, sorted(image.digests))

    def _signatures(self, wanted: Wanted, image: NodeImage) -> None:
        if not wanted.signed_as:
            raise RampartError(
                f"{image.name} comes from a {wanted.source}, which carries no signature. It is not loaded.",
                next_step="load it from an OCI layout or from a registry, where it was signed",
                image=image.name,
            )
        workshop = Workshop(dict(self._parameters), self._redactor)
        found = judged(workshop, wanted.signed_as, accepted(self._parameters), self._now)
        violations = list(found.violations)
        if found.digest != image.target.digest:
            violations.append(
                f"what is signed is {found.digest}, and what would be loaded {image.target.digest}"
            )
        if violations:
            raise RampartError(
                f"{image.name} is not loaded: {'; '.join(violations)}.",
                next_step="build and sign it by the pipeline; what nobody vouches for reaches no node",
                image=image.name,
                violations=violations,
            )
