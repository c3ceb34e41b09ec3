# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a secret is due, by what is observed of it."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import certificates, texts
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Authority, Certificate
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition, read
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Observed, decide

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
PASSWORD = {"name": "password", "generator": "password", "entropy_bits": 192}


def define(*keys: dict[str, Any], **more: Any) -> Definition:
    return Definition.of(
        {
            "namespace": "dev",
            "name": "db",
            "secret_class": "database",
            "keys": list(keys or (PASSWORD,)),
            **more,
        }
    )


def live(
    content: dict[str, bytes], *, created: str = "2026-05-01T00:00:00Z", **annotations: str
) -> dict[str, Any]:
    data = {key: base64.b64encode(value).decode() for key, value in content.items()}
    return {
        "metadata": {"name": "db", "creationTimestamp": created, "annotations": annotations},
        "data": data,
    }


def why(definition: Definition, secret: dict[str, Any] | None, **order: Any) -> tuple[bool, str]:
    found = decide(
        Observed(definition, classes.CLASSES[definition.secret_class], secret),
        **{"scope": "due", "now": NOW, **order},
    )
    return found.is_due, found.reason


def rotated(when: str) -> dict[str, str]:
    return {names.ROTATED_AT: when}


@pytest.mark.parametrize(
    ("secret", "order", "expected"),
    [
        (None, {}, (True, "it does not exist")),
        (None, {"scope": "missing"}, (True, "it does not exist")),
        (live({}), {"scope": "missing"}, (True, "it lacks password")),
        (live({"password": b"x"}), {}, (False, "it is due at 2026-07-30T00:00:00Z")),
        (
            live({"password": b"x"}, created="2026-01-01T00:00:00Z"),
            {},
            (True, "it is due since 2026-04-01T00:00:00Z"),
        ),
        (
            live({"password": b"x"}, created="2026-01-01T00:00:00Z"),
            {"scope": "missing"},
            (False, "it is due at 2026-04-01T00:00:00Z"),
        ),
        (
            live({"password": b"x"}, created="2020-01-01T00:00:00Z", **rotated("2026-05-31T00:00:00Z")),
            {},
            (False, "it is due at 2026-08-29T00:00:00Z"),
        ),
        (live({"password": b"x"}, **rotated("not a time")), {}, (False, "it is due at 2026-07-30T00:00:00Z")),
        (
            live({"password": b"x"}),
            {"scope": "all", "cause": "incident"},
            (True, "all are asked for (incident)"),
        ),
        (
            live({"password": b"x"}, **{names.ROTATION_ID: "now-1"}),
            {"scope": "all", "rotation": "now-1"},
            (False, "it is due at 2026-07-30T00:00:00Z"),
        ),
    ],
    ids=str,
)
def test_age_and_presence_decide(secret: Any, order: dict[str, Any], expected: tuple[bool, str]) -> None:
    assert why(define(), secret, **order) == expected


@pytest.mark.parametrize(
    ("key", "held", "is_due"),
    [
        ({"generator": "constant", "text": "a"}, b"a", False),
        ({"generator": "constant", "text": "a"}, b"b", True),
        ({"generator": "value", "value": "given"}, b"given", False),
        ({"generator": "value", "value": "given"}, b"other", True),
        ({"generator": "value"}, b"other", False),
        ({"generator": "template", "text": "x-${password}"}, b"x-p", False),
        ({"generator": "template", "text": "y-${password}"}, b"x-p", True),
    ],
    ids=str,
)
def test_another_declaration_is_a_reason(key: dict[str, Any], held: bytes, is_due: bool) -> None:
    definition = define(PASSWORD, {"name": "k", **key})
    assert why(definition, live({"password": b"p", "k": held}))[0] is is_due


DOCKER = {"name": ".dockerconfigjson", "generator": "docker_config", "registry": "r", "username": "u"}
GIVEN = {".dockerconfigjson": texts.docker_config("r", "u", b"given")}


@pytest.mark.parametrize(
    ("key", "held"),
    [
        ({"name": "k", "generator": "value", "value": "given"}, {"k": b"given"}),
        ({**DOCKER, "value": "given"}, GIVEN),
    ],
    ids=str,
)
@pytest.mark.parametrize("scope", ["due", "all"])
def test_a_value_that_is_given_cannot_be_made_anew_by_age(
    key: dict[str, Any], held: dict[str, bytes], scope: str
) -> None:
    found = why(define(key), live(held, created="2020-01-01T00:00:00Z"), scope=scope)
    assert found == (
        False,
        "its value is given and has not changed; it is due since 2020-03-31T00:00:00Z, give another one",
    )
    assert why(define(key), live(held), scope=scope)[1].endswith("; it is due at 2026-07-30T00:00:00Z")
    assert why(define({**key, "value": "another"}), live(held))[0] is True


def test_a_password_of_a_registry_is_given_by_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"given")
    definition = define({**DOCKER, "file": str(path)})
    assert why(definition, live(GIVEN, created="2020-01-01T00:00:00Z"))[0] is False
    assert why(define(DOCKER), live(GIVEN, created="2020-01-01T00:00:00Z"))[0] is True


def test_a_certificate_is_due_when_two_thirds_of_its_life_are_over() -> None:
    born = NOW - datetime.timedelta(days=61)
    signer = certificates.make_authority(Authority("ca", "ca", 3650), "ec-p256", born)
    wanted = Certificate("db", "ca", "db", (), ("server",), ("db",), (), 90)
    held = certificates.make(wanted, "ec-p256", signer, born)
    key = {"name": "tls.crt", "generator": "tls", "ca": "ca", "dns": ["db"], "days": 90}
    definition = define(key, secret_class="tls")
    assert why(definition, live(held))[0] is True
    assert why(definition, live(held), now=NOW - datetime.timedelta(days=2))[0] is False
    other = define({**key, "dns": ["db", "db2"]}, secret_class="tls")
    assert why(other, live(held), now=born) == (True, "tls.crt is not what is declared")


def test_classes_can_be_changed_and_added() -> None:
    found = classes.merge({"database": {"max_age_days": 7}, "odd": {"max_age_days": 1, "sensitivity": "low"}})
    assert (found["database"].max_age_days, found["database"].sensitivity) == (7, "critical")
    assert found["odd"].max_age_days == 1


@pytest.mark.parametrize(
    "given",
    [
        {"odd": {}},
        {"odd": {"max_age_days": 0}},
        {"api_key": {"max_age_days": True}},
        {"api_key": {"grace_seconds": -1}},
        {"api_key": {"sensitivity": "huge"}},
        {"api_key": {"max_age": 3}},
    ],
    ids=str,
)
def test_a_class_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RampartError):
        classes.merge(given)


@pytest.mark.parametrize(
    "given",
    [
        {"namespace": "Dev"},
        {"name": "a_b"},
        {"keys": []},
        {"keys": [PASSWORD, PASSWORD]},
        {"keys": [{"name": "a/b", "generator": "password"}]},
        {"keys": [{"name": "k", "generator": "backend"}]},
        {"keys": [{"name": "k", "generator": "jwks", "source": "db", "source_key": "k"}]},
        {"name": "n" * 60, "strategy": "versioned"},
    ],
    ids=str,
)
def test_a_declaration_that_is_not_sound_is_refused(given: dict[str, Any]) -> None:
    whole = {"namespace": "dev", "name": "db", "secret_class": "database", "keys": [PASSWORD], **given}
    with pytest.raises(RampartError, match="not sound"):
        read([whole])


def test_a_secret_is_declared_once() -> None:
    one = {"namespace": "dev", "name": "db", "secret_class": "database", "keys": [PASSWORD]}
    with pytest.raises(RampartError, match="more than once: dev/db"):
        read([one, one])


def test_a_journal_keeps_a_declaration_without_its_value() -> None:
    definition = define({"name": "k", "generator": "value", "value": "correct-horse"})
    assert "correct-horse" not in str(definition.as_data())
    assert "correct-horse" not in repr(definition)
    assert Definition.of(definition.as_data()).as_data() == definition.as_data()
