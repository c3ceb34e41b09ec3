# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How licences stand to a policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._sbom import documents
from ansible_collections.rampart.k8s.plugins.module_utils._sbom.licences import (
    Component,
    Judge,
    LicencePolicy,
    Standing,
)

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("expression", "standing"),
    [
        ("MIT", Standing.ALLOWED),
        ("mit", Standing.ALLOWED),
        ("Apache-2.0 OR AGPL-3.0-only", Standing.ALLOWED),
        ("MIT AND AGPL-3.0-only", Standing.DENIED),
        ("(MIT OR GPL-2.0-only) AND Apache-2.0", Standing.ALLOWED),
        ("GPL-2.0-only", Standing.DENIED),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Standing.ALLOWED),
        ("GPL-2.0-only WITH GCC-exception-2.0", Standing.DENIED),
        ("public-domain", Standing.UNKNOWN),
        ("MIT OR public-domain", Standing.ALLOWED),
        ("MIT AND public-domain", Standing.UNKNOWN),
        ("AGPL-3.0-only AND public-domain", Standing.DENIED),
        ("MIT OR", Standing.UNKNOWN),
        ("(MIT", Standing.UNKNOWN),
        ("", Standing.UNKNOWN),
    ],
)
def test_an_expression_is_judged_as_spdx_reads_it(expression: str, standing: Standing) -> None:
    policy = LicencePolicy(("MIT", "Apache-*", "GPL-2.0-only WITH Classpath-*"), ("AGPL-*",))
    assert Judge(policy).standing(expression) is standing


def test_without_a_list_everything_known_is_allowed_but_what_is_denied() -> None:
    judge = Judge(LicencePolicy(deny=("GPL-3.0-*",)))
    assert judge.standing("BSD-3-Clause") is Standing.ALLOWED
    assert judge.standing("GPL-3.0-or-later") is Standing.DENIED
    assert judge.standing("LicenseRef-x") is Standing.UNKNOWN


def test_a_policy_with_a_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(RampartError, match="no SPDX identifier"):
        Judge(LicencePolicy(deny=("Appache-2.0",)))


def test_components_are_counted_by_their_worst_licence() -> None:
    components = [
        Component("a", "1", ("MIT",)),
        Component("b", "1", ("MIT", "AGPL-3.0-only")),
        Component("c", "1", ()),
    ]
    policy = LicencePolicy(deny=("AGPL-*",))
    verdict = Judge(policy).judge(components)
    assert verdict.counts == {"denied": 1, "unknown": 1, "allowed": 1}
    assert verdict.violations == ["b 1 carries MIT AND AGPL-3.0-only, which the policy does not allow"]
    assert verdict.warnings == ["c 1 carries no licence, which is not known"]
    strict = Judge(LicencePolicy(deny=("AGPL-*",), unknown="deny")).judge(components)
    assert (len(strict.violations), strict.warnings) == (2, [])
    assert Judge(LicencePolicy(unknown="allow")).judge(components[2:]).warnings == []


def cyclonedx(**more: Any) -> bytes:
    about = {"component": {"name": "i", "version": DIGEST}}
    return json.dumps({"bomFormat": "CycloneDX", "metadata": about, **more}).encode()


def spdx(**more: Any) -> bytes:
    data = {
        "spdxVersion": "SPDX-2.3",
        "packages": [{"SPDXID": "R", "versionInfo": DIGEST}, {"SPDXID": "P"}],
        "relationships": [{"relationshipType": "DESCRIBES", "relatedSpdxElement": "R"}],
    }
    return json.dumps({**data, **more}).encode()


def test_packages_are_read_with_their_licences() -> None:
    components = [
        {"type": "library", "name": "a", "version": "1", "licenses": [{"license": {"id": "MIT"}}]},
        {
            "type": "library",
            "name": "b",
            "licenses": [{"expression": "MIT OR ISC"}, {"license": {"name": "x"}}],
        },
        {"type": "application", "name": "c"},
        {"type": "operating-system", "name": "debian"},
        {"type": "file", "name": "f"},
    ]
    found = documents.cyclonedx(cyclonedx(components=components), "i", DIGEST)
    assert [(each.name, each.licences) for each in found] == [
        ("a", ("MIT",)),
        ("b", ("MIT OR ISC", "x")),
        ("c", ()),
    ]
    # syft leaves the key out when an image has no package.
    assert documents.cyclonedx(cyclonedx(), "i", DIGEST) == []
    assert documents.spdx(spdx(), "i", DIGEST) == 1


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not whole JSON"),
        (b"[]", "not an object"),
        (b"{}", "does not say that it is one"),
        (cyclonedx(metadata={}), "is about nothing"),
        (cyclonedx(metadata={"component": {"version": "sha256:1"}}), "is about sha256:1"),
    ],
)
def test_another_document_is_no_bill_of_materials(raw: bytes, why: str) -> None:
    with pytest.raises(RampartError, match=why):
        documents.cyclonedx(raw, "i", DIGEST)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"{", "not whole JSON"),
        (b"{}", "does not say that it is one"),
        (spdx(relationships=[]), "not about"),
        (spdx(packages=[{"SPDXID": "R", "versionInfo": "sha256:1"}]), "not about"),
    ],
)
def test_another_spdx_document_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(RampartError, match=why):
        documents.spdx(raw, "i", DIGEST)
