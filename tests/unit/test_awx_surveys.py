# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surveys of the job templates: in step with the roles, and refusing what those refuse."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from scripts import awx_templates
from tests.support import awx
from tests.unit.collection import ROOT, load, playbooks

ASKED = [
    (one["name"], asked) for one in awx.data()["controller_templates"] for asked in awx.questions(one["name"])
]
QUESTIONS = [pytest.param(asked, id=f"{name}-{asked['variable']}".replace(" ", "-")) for name, asked in ASKED]
# Words of a key that holds a secret.
SECRET = re.compile(r"password|token|passphrase|private|(^|_)pin$|secret_values|api_key")


@cache
def option(variable: str) -> dict[str, Any]:
    """Return the option of the role that a question answers."""
    for entry in load("awx/job_templates.yml")["awx_job_templates"]:
        for asked in entry.get("survey", []):
            if asked["variable"] == variable:
                found = awx_templates.options(ROOT / "roles")[asked.get("option", variable)]
                return {
                    name: value
                    for name, value in found.items()
                    if name not in ("description", "version_added")
                }
    raise AssertionError(f"no survey asks about {variable}")


def judged(variable: str, answer: Any) -> list[str]:
    """Return what the argument specification of the role says against an answer."""
    done = ArgumentSpecValidator({variable: option(variable)}).validate({variable: answer})
    return list(done.error_messages)


def test_the_job_templates_are_made_of_the_specifications() -> None:
    assert awx_templates.TARGET.read_text(encoding="utf-8") == awx_templates.rendered(), (
        "run scripts/awx_templates.py"
    )


def test_every_playbook_has_a_job_template() -> None:
    wanted = [name for name in playbooks() if name != "playbooks/site.yml"]
    assert sorted(one["playbook"] for one in awx.data()["controller_templates"]) == sorted(wanted)


@pytest.mark.parametrize("asked", QUESTIONS)
def test_what_a_survey_lets_through_the_role_takes(asked: dict[str, Any]) -> None:
    variable = asked["variable"]
    choices = asked.get("choices", [])
    taken: dict[str, list[Any]] = {
        "multiplechoice": choices,
        "multiselect": [choices],
        "integer": [asked.get("min"), asked.get("max")],
        "text": ["one"],
    }
    for answer in [*taken[asked["type"]], *([asked["default"]] if "default" in asked else [])]:
        assert awx.refusal(asked, {variable: answer}) == ""
        assert judged(variable, answer) == []


@pytest.mark.parametrize("asked", QUESTIONS)
def test_what_the_role_refuses_the_survey_refuses(asked: dict[str, Any]) -> None:
    variable = asked["variable"]
    for answer in ("maybe", ["maybe"], {"a": "b"}, 10**9, -1, 1.5, None, "x" * 2000):
        if judged(variable, answer):
            assert awx.refusal(asked, {variable: answer}) != "", answer
    if asked["required"]:
        assert awx.refusal(asked, {}) != ""


def test_a_survey_never_asks_for_a_secret() -> None:
    found = [
        one["variable"] for _name, one in ASKED if SECRET.search(one["variable"]) or one["type"] == "password"
    ]
    assert found == []


@pytest.mark.parametrize(
    ("entry", "spec", "said"),
    [
        ({"variable": "a_b", "question": "?"}, {"type": "dict", "description": "x"}, "dictionary"),
        ({"variable": "a_b", "question": "?"}, {"type": "int", "description": "x"}, "needs limits"),
        (
            {"variable": "a_b", "question": "?", "choices": ["c"]},
            {"choices": ["a", "b"], "description": "x"},
            "not among",
        ),
    ],
)
def test_a_question_that_cannot_be_asked_is_an_error(entry: Any, spec: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        awx_templates.question(entry, spec)


def test_a_question_is_what_the_specification_says() -> None:
    entry = {"variable": "role_mode", "question": "How"}
    spec = {"description": ["Whether V(a) or C(b)."], "choices": ["a", "b"], "default": "a"}
    assert awx_templates.question(entry, spec) == {
        "question_name": "How",
        "question_description": "Whether a or b.",
        "variable": "role_mode",
        "required": False,
        "type": "multiplechoice",
        "choices": ["a", "b"],
        "default": "a",
    }
