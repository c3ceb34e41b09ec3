# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments, documentation and refusals of the two modules; their work is tested on a real API server."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.doc_fragments.kubernetes import ModuleDocFragment
from ansible_collections.rampart.k8s.plugins.module_utils._kube import manifest, ready
from ansible_collections.rampart.k8s.plugins.modules import manifest_apply, resource_ready

from tests.rig.modules import run_module

CANARY = "correct-horse-battery-staple"
ROOT = Path(__file__).parents[4]
SHARED = set(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"])

# They keep values out of the log, or are filled in by the action plugin: nothing for the reader.
SILENT = ("no_log",)
HIDDEN = {"_progress_file"}


def documented(options: dict[str, Any]) -> dict[str, Any]:
    """Reduce documented options to what the argument specification says as well."""
    found = {}
    for name, option in options.items():
        found[name] = {
            key: option[key] for key in ("type", "elements", "default", "choices") if key in option
        }
        if option.get("required"):
            found[name]["required"] = True
        if "suboptions" in option:
            found[name]["options"] = documented(option["suboptions"])
    return found


def specified(options: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, option in options.items():
        if name in HIDDEN or name in SHARED:
            continue
        found[name] = {
            key: value
            for key, value in option.items()
            if key not in (*SILENT, "options", "required_one_of", "mutually_exclusive")
        }
        if "options" in option:
            found[name]["options"] = specified(option["options"])
    return found


@pytest.mark.parametrize(("module", "spec"), [(manifest_apply, manifest.SPEC), (resource_ready, ready.SPEC)])
def test_the_documentation_is_the_specification(module: Any, spec: Any) -> None:
    assert documented(yaml.safe_load(module.DOCUMENTATION)["options"]) == specified(spec.options)
    assert spec.options.keys() >= SHARED


def test_both_belong_to_the_action_group() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert {"manifest_apply", "resource_ready"} <= set(groups["kubernetes"])


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}


@pytest.mark.parametrize(
    ("definitions", "said"),
    [
        ([secret(stringData={"a": CANARY * 50_000})], "holds 1400000 bytes"),
        ([secret(data={"a": CANARY})], "is not base64"),
        ([secret(stringData={"a": CANARY}), {"kind": "X"}], "has no apiVersion"),
        ([secret(stringData={"a": CANARY})] * 2, "defined more than once"),
        ([secret(stringData={"a": CANARY})], "There is no kubeconfig"),
    ],
)
def test_a_refusal_shows_no_secret(definitions: list[dict[str, Any]], said: str) -> None:
    given = {"kubeconfig": "/nonexistent/kubeconfig", "definitions": definitions}
    result = run_module("manifest_apply", given)
    assert result["failed"]
    assert said in result["msg"]
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode()[:-2]):
        assert form not in result["_text"]


def test_an_empty_list_is_fine_and_changes_nothing() -> None:
    result = run_module("manifest_apply", {"kubeconfig": "/nonexistent/x", "definitions": []}, check=True)
    assert (result["changed"], result["reason"]) == (False, "the list is empty")


def test_names_stay_readable_in_results() -> None:
    definitions = [secret(stringData={"a": CANARY})]
    result = run_module(
        "manifest_apply", {"kubeconfig": "/nonexistent/x", "definitions": definitions}, check=True
    )
    assert result["objects"] == [
        {
            "kind": "Secret",
            "namespace": "",
            "name": "s",
            "action": "created",
            "reason": "there is no cluster yet",
        }
    ]
    # ansible-core 2.21 returns the arguments only when it is told to.
    told = result.get("invocation", {"module_args": {"definitions": []}})["module_args"]["definitions"]
    assert told in ([], [{"apiVersion": "v1", "kind": "Secret"}])
    assert CANARY not in str(result)


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"api_version": "v1", "kind": "Pod"}, "one of the following is required: name, label_selector"),
        ({"api_version": "v1", "kind": "Pod", "name": "a", "label_selector": "b"}, "mutually exclusive"),
    ],
)
def test_what_to_wait_for_must_be_clear(resource: dict[str, Any], said: str) -> None:
    assert said in run_module("resource_ready", {"resources": [resource]})["msg"]
