# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Helm keeps of releases, as Helm 3.22 and Helm 4.3 wrote it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm import history, manifests
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import VERIFIED, Head
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import Revision, decode

from tests.support.helm import MAJORS, packed, recorded


@pytest.mark.parametrize("major", MAJORS)
def test_what_a_real_helm_wrote_is_read(major: int) -> None:
    revision = Revision.of(decode(recorded(major)))
    assert (revision.number, revision.status, revision.chart) == (4, "superseded", "probe-0.1.0")
    assert revision.description == "Rollback to 2"
    assert [(hook.kind, hook.events) for hook in revision.hooks] == [("Pod", ("test",))]
    kinds = [item["kind"] for item in manifests.parse(revision.manifest, "it")]
    assert sorted(kinds) == ["ConfigMap", "Deployment", "Service"]
    assert revision.values["message"] == "bye"
    assert "bye" not in repr(revision)


@pytest.mark.parametrize("major", MAJORS)
def test_two_revisions_are_the_same_when_they_install_the_same(major: int) -> None:
    data = decode(recorded(major))
    other = {**data, "version": 9, "info": {**data["info"], "description": "x"}}
    assert Revision.of(data).same_content(Revision.of(other))
    for key, value in {"manifest": "x", "config": {"message": "other"}, "hooks": []}.items():
        assert not Revision.of(data).same_content(Revision.of({**data, key: value}))
    hook = {name: value for name, value in data["hooks"][0].items() if name != "delete_policies"}
    ran = {**hook, "delete_policies": ["before-hook-creation"]}
    assert Revision.of({**data, "hooks": [hook]}).same_content(Revision.of({**data, "hooks": [ran]}))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"release": "***"},
        {"release": base64.b64encode(b"no base64 !").decode()},
        {"release": base64.b64encode(base64.b64encode(b"\x1f\x8bbroken")).decode()},
        {"release": base64.b64encode(base64.b64encode(b"[]")).decode()},
    ],
)
def test_what_cannot_be_read_is_an_error(data: dict[str, Any]) -> None:
    with pytest.raises(RampartError, match="cannot be read"):
        decode({"metadata": {"name": "s"}, "data": data})


def test_a_status_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(RampartError, match="nobody here knows"):
        Revision.of(decode(packed({"name": "a", "info": {"status": "sideways"}})))


def head(number: int, status: str, verified: int = 0) -> Head:
    labels = {VERIFIED: str(verified)} if verified else {}
    return Head(f"s{number}", number, status, labels, "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ([head(1, "superseded"), head(2, "deployed"), head(3, "pending-upgrade")], 2),
        ([head(1, "superseded", 1), head(2, "superseded"), head(3, "deployed")], 1),
        # Helm hands labels on: only what names its own revision counts.
        ([head(1, "superseded", 1), head(2, "superseded", 1), head(3, "failed")], 1),
        ([head(1, "failed"), head(2, "failed"), head(3, "deployed")], None),
        ([head(3, "deployed", 3)], None),
        ([], None),
    ],
)
def test_the_last_good_revision_is_one_that_was_verified_or_else_deployed(
    heads: list[Head], expected: int | None
) -> None:
    found = history.good(heads, 3)
    assert (found.number if found else None) == expected


@pytest.mark.parametrize(
    ("label", "ours"),
    [("3-4", True), ("3-5", False), ("3-6", False), ("2-4", False), ("", False), ("3-x", False)],
)
def test_who_began_with_a_revision_is_known_by_its_lease(label: str, ours: bool) -> None:
    pending = Head("s", 3, "pending-upgrade", {history.WRITER: label}, "2026-01-01T00:00:00Z")
    assert pending.begun_under(5) is ours
