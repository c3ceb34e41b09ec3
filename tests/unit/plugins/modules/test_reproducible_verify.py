# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes two builds differ is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.layouts import layout
from tests.support.modules import call

FILES: dict[str, bytes] = {"app/": b"", "app/main.py": b"print(1)\n", "app/z": b"z"}


def compared(tmp_path: Path, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    for name, options in (("a", first), ("b", second)):
        layout(tmp_path / name, options.pop("layers", [FILES]), **options)
    pair = {"name": "app", "first": f"oci:{tmp_path / 'a'}", "second": f"oci:{tmp_path / 'b'}"}
    return call("reproducible_verify", {"pairs": [pair]})


def test_the_same_image_passes(tmp_path: Path) -> None:
    answer = compared(tmp_path, {}, {})
    assert answer["passed"]
    assert answer["pairs"][0]["identical"]


@pytest.mark.parametrize(
    ("second", "where", "cause"),
    [
        ({"mtime": 42}, "layer 1 /app (mtime)", "SOURCE_DATE_EPOCH"),
        ({"created": "2026-01-01T00:00:00Z"}, "configuration.created", "SOURCE_DATE_EPOCH"),
        ({"config": {"Env": ["ID=2"]}}, "configuration.config.Env", "other things"),
        ({"layers": [{**FILES, "app/z": b"y"}]}, "layer 1 /app/z (content)", "writes other content"),
        ({"layers": [{**FILES, "x.pyc": b"y"}]}, "layer 1 /x.pyc", "compiled Python"),
        ({"layers": [{**FILES, "new": b"y"}]}, "layer 1 /new", "only one build makes this file"),
        ({"layers": [dict(reversed(FILES.items()))]}, "layer 1 /app", "in the order of the disk"),
        ({"layers": [FILES, {"x": b"x"}]}, "layer 2", "more steps"),
        ({"compress": True}, "layer 1", "packed in another way"),
    ],
)
def test_the_first_difference_is_named_with_its_cause(
    tmp_path: Path, second: dict[str, Any], where: str, cause: str
) -> None:
    answer = compared(tmp_path, {}, second)
    assert answer["failed"]
    first = answer["pairs"][0]["differences"][0]
    assert first["where"].startswith(where)
    assert cause in first["cause"]
    assert first["cause"] in answer["msg"]


def test_folders_are_compared_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wheel.whl").write_bytes(b"same")
        (tmp_path / name / "link").symlink_to("wheel.whl")
    pair = {"name": "wheels", "first": str(tmp_path / "a"), "second": str(tmp_path / "b")}
    assert call("reproducible_verify", {"pairs": [pair]})["passed"]
    (tmp_path / "b" / "wheel.whl").write_bytes(b"other")
    answer = call("reproducible_verify", {"pairs": [pair]})
    assert "/wheel.whl" in answer["msg"]
    assert "an archive, which holds" in answer["msg"]


def test_what_proves_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    same = {"name": "x", "first": str(tmp_path / "a"), "second": str(tmp_path / "a")}
    assert "with itself" in call("reproducible_verify", {"pairs": [same]})["msg"]
    empty = {**same, "second": str(tmp_path / "b")}
    assert "something in it" in call("reproducible_verify", {"pairs": [empty]})["msg"]
    assert "nothing to judge" in call("reproducible_verify", {"pairs": []})["msg"]
