# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A budget is judged by what an image takes on a node, however it is packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.layouts import layout
from tests.support.modules import call

MEGABYTE = 1024 * 1024


def judged(*images: dict[str, Any], **more: Any) -> dict[str, Any]:
    return call("image_budget", {"images": list(images), **more})


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "packed"])
def test_the_unpacked_size_counts(tmp_path: Path, compress: bool) -> None:
    layout(tmp_path / "image", [{"big": b"x" * MEGABYTE}, {"small": b"y"}], compress=compress)
    image = f"oci:{tmp_path}/image"
    passed = judged({"image": image, "max_size_mb": 2, "max_layers": 2})
    assert passed["passed"]
    assert passed["images"][0]["size"] > MEGABYTE
    assert passed["images"][0]["layers"] == 2
    refused = judged({"image": image, "max_size_mb": 1, "max_layers": 1})
    assert refused["failed"]
    assert "the budget is 1 MB" in refused["violations"][0]
    assert "it has 2 layers, the budget is 1" in refused["violations"][1]
    assert not judged({"image": image, "max_layers": 1}, report_only=True)["passed"]


def test_without_a_budget_it_is_only_measured(tmp_path: Path) -> None:
    layout(tmp_path / "image", [{"big": b"x" * MEGABYTE}])
    assert judged({"image": f"oci:{tmp_path}/image"})["passed"]


def test_each_verdict_is_kept(tmp_path: Path) -> None:
    digest = layout(tmp_path / "image", [{"a": b"x"}])
    answer = judged({"image": f"oci:{tmp_path}/image"}, evidence_dir=str(tmp_path / "evidence"))
    (record,) = answer["evidence"]
    kept = call("evidence_info", {"evidence_dir": str(tmp_path / "evidence")})
    assert [(each["id"], each["gate"], each["verdict"]) for each in kept["records"]] == [
        (record, "image_budget", "passed")
    ]
    assert kept["records"][0]["subject"]["digest"] == digest


def test_an_image_that_is_not_there_is_told_in_check_mode_only(tmp_path: Path) -> None:
    image = {"image": f"oci:{tmp_path}/missing"}
    told = call("image_budget", {"images": [image]}, check=True)
    assert not told.get("failed")
    assert "would be judged" in told["reason"]
    assert judged(image)["failed"]
    assert judged({"image": "registry.test/a:1"})["failed"]
