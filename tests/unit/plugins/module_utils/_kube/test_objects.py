# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import objects
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, **fields}


def test_plain_values_of_a_secret_become_data() -> None:
    made, warnings = objects.prepare(secret(stringData={"a": "new"}, data={"a": "b2xk", "b": "eA=="}), 0)
    assert made["data"] == {"a": base64.b64encode(b"new").decode(), "b": "eA=="}
    assert "stringData" not in made
    assert warnings == []


def test_what_the_server_writes_is_left_out() -> None:
    exported = secret(status={}, data={})
    exported["metadata"].update(resourceVersion="1", uid="u", managedFields=[], creationTimestamp=None)
    made, _unused = objects.prepare(exported, 0)
    assert made == secret(data={})
    assert exported["metadata"]["uid"] == "u", "the input is not touched"


def test_the_annotation_of_kubectl_is_removed_with_a_warning_for_secrets() -> None:
    definition = secret(data={})
    definition["metadata"]["annotations"] = {objects.LAST_APPLIED: "{}"}
    made, warnings = objects.prepare(definition, 0)
    assert "annotations" not in made["metadata"]
    assert "Secret n/s carried" in warnings[0]
    assert objects.prepare({**definition, "kind": "ConfigMap"}, 0)[1] == []


def test_a_secret_that_is_too_big_is_refused_before_it_is_sent() -> None:
    fits = objects.MAX_SECRET_BYTES
    objects.prepare(secret(stringData={"a": "x" * fits}), 0)
    with pytest.raises(RampartError, match=r"holds 1048577 bytes.*Nothing was written"):
        objects.prepare(secret(stringData={"a": "x" * (fits + 1)}), 0)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"kind": "X", "metadata": {"name": "a"}}, r"definitions\[3\] has no apiVersion"),
        ({"apiVersion": "v1", "metadata": {"name": "a"}}, "has no kind"),
        ({"apiVersion": "v1", "kind": "X"}, "no metadata.name"),
        ({"apiVersion": "v1", "kind": "X", "metadata": {"generateName": "a-"}}, "no metadata.name"),
        ({"apiVersion": "v1", "kind": "X", "metadata": {"name": 7}}, "no metadata.name as a text"),
        ({"apiVersion": "v1", "kind": "X", "metadata": {"name": "../x"}}, "no name"),
        ({"apiVersion": "v1", "kind": "X", "metadata": {"name": ".."}}, "no name"),
        ({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "namespace": "b/c"}}, "no name"),
        (secret(data={"a": "not base64!"}), "data.a of Secret n/s is not base64"),
        (secret(data={"a": 5}), "data.a of Secret n/s is not base64"),
        (secret(stringData={"a": 5}), "stringData.a of Secret n/s is not a text"),
    ],
)
def test_what_cannot_be_applied_is_named(definition: dict[str, Any], said: str) -> None:
    with pytest.raises(RampartError, match=said):
        objects.prepare(definition, 3)


def test_all_forms_of_a_secret_are_known() -> None:
    value = base64.b64encode(b"correct-horse").decode()
    definition = secret(data={"a": value, "b": 5, "c": "?"}, stringData={"d": "battery"})
    definition["metadata"]["annotations"] = {objects.LAST_APPLIED: "{...}"}
    assert set(objects.secret_values(definition)) == {value, b"correct-horse", "?", "battery", "{...}"}
    assert list(objects.secret_values({**definition, "kind": "ConfigMap"})) == []


def test_an_object_that_stands_twice_is_refused_in_any_version() -> None:
    refs = [Ref("apps/v1", "D", "n", "a"), Ref("apps/v1beta1", "D", "n", "a"), Ref("apps/v1", "D", "m", "a")]
    with pytest.raises(RampartError, match="more than once: D n/a"):
        objects.reject_duplicates(refs)
    objects.reject_duplicates(refs[1:])
