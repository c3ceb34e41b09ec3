# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster's own documents as JSON schemas, and what kubeconform makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts import conform, schemas

PREFIX = "#/components/schemas/"
DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "io.Widget": {
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {"type": "string"},
                    "spec": {"allOf": [{"$ref": f"{PREFIX}io.Spec"}], "default": {}},
                    "free": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                        "properties": {},
                    },
                    "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {}},
                },
                "x-kubernetes-group-version-kind": [{"group": "io", "version": "v1", "kind": "Widget"}],
            },
            "io.Spec": {
                "type": "object",
                "properties": {
                    "port": {"x-kubernetes-int-or-string": True},
                    "size": {"type": "string", "format": "quantity", "enum": ["s", "l"]},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "next": {"$ref": f"{PREFIX}io.Spec"},
                },
            },
            "io.Unused": {"type": "string"},
        }
    }
}


def test_a_document_tells_its_kinds() -> None:
    assert list(schemas.kinds(DOCUMENT)) == [("io", "v1", "Widget", "io.Widget")]
    assert conform.file_of("io", "v1", "Widget") == "widget-io-v1.json"
    # As kubeconform looks for it.
    assert conform.file_of("", "v1", "Secret") == "secret-v1-v1.json"
    assert (conform.path_of("", "v1"), conform.path_of("io", "v1")) == ("api/v1", "apis/io/v1")


def test_a_schema_holds_all_that_it_refers_to_and_no_more() -> None:
    made = schemas.schema(DOCUMENT, "io.Widget")
    assert set(made["definitions"]) == {"io.Widget", "io.Spec"}
    spec = made["definitions"]["io.Spec"]["properties"]
    assert spec["next"] == {"$ref": "#/definitions/io.Spec"}


def test_unknown_fields_are_errors_but_where_the_server_takes_them() -> None:
    widget = schemas.schema(DOCUMENT, "io.Widget")["definitions"]["io.Widget"]
    assert widget["additionalProperties"] is False
    assert "additionalProperties" not in widget["properties"]["free"]
    assert "additionalProperties" not in widget["properties"]["pod"]


def test_null_stands_for_what_may_be_left_out() -> None:
    definitions = schemas.schema(DOCUMENT, "io.Widget")["definitions"]
    assert definitions["io.Widget"]["type"] == "object"
    assert definitions["io.Widget"]["properties"]["kind"]["type"] == "string"
    spec = definitions["io.Spec"]
    assert spec["type"] == ["object", "null"]
    assert spec["properties"]["size"] == {"type": ["string", "null"], "enum": ["s", "l", None]}
    assert {"type": "null"} in spec["properties"]["port"]["oneOf"]
    assert spec["properties"]["labels"]["additionalProperties"]["type"] == ["string", "null"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "problem validating schema. Check JSON formatting: jsonschema validation failed with 'file'"
            " - at '/spec': validation failed - at '/spec/replicas': got string, want null or integer"
            " - at '/spec': additional properties 'x' not allowed",
            [
                "/spec/replicas: got string, want null or integer",
                "/spec: additional properties 'x' not allowed",
            ],
        ),
        ("could not read it", ["could not read it"]),
    ],
)
def test_the_places_that_are_wrong_are_named(message: str, said: list[str]) -> None:
    assert conform.complaints({"msg": message}) == said
