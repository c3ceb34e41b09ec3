# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds that are killed before any of their steps: the next run finishes, and makes the same image."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ground.packages import shared_folder
from tests.support.modules import call, run_killed
from tests.support.programs import tool

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY app/ /app/
RUN ["/usr/bin/busybox", "true"]
CMD ["/usr/bin/busybox", "cat", "/app/greeting"]
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not tool("buildkitd").exists(), reason="BuildKit is not brought, or may not run"
)


def bases() -> dict[str, Any]:
    folder = shared_folder() / "bases"
    base = {
        "name": "rampart.test/base/tiny",
        "packages": ["busybox-static", "base-files"],
        "without": ["awk"],
        "user": "0:0",
        "layout": str(folder / "tiny"),
    }
    return {"bases": [base], "cache_dir": str(folder)}


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, Any]:
    made = call("image_base", bases())
    assert not made.get("failed"), made
    (tmp_path / "src/app").mkdir(parents=True)
    (tmp_path / "src/app/greeting").write_text("hello\n")
    (tmp_path / "src/Dockerfile").write_text(DOCKERFILE)
    return {
        "images": [
            {
                "name": "rampart.test/faults/app",
                "tag": "1.0.0",
                "layout": str(tmp_path / "images/app"),
                "dockerfile": str(tmp_path / "src/Dockerfile"),
                "context": {"app": str(tmp_path / "src/app")},
                "bases": [{"name": "rampart.test/base/tiny", "layout": bases()["bases"][0]["layout"]}],
            }
        ],
        "tags_file": str(tmp_path / "images/tags.json"),
        "builder_dir": str(tmp_path / "builder"),
        "cache_dir": str(tmp_path / "cache"),
        **{name: str(tool(name)) for name in ("buildkitd", "buildctl")},
    }


def test_killed_before_every_step_the_next_run_makes_the_same(wanted: dict[str, Any], tmp_path: Path) -> None:
    images = tmp_path / "images"
    whole = call("image_build", wanted)
    assert whole["changed"], whole
    digest = whole["images"][0]["digest"]
    died = point = 0
    while True:
        subprocess.run(["rm", "-rf", str(images)], check=True)
        killed = run_killed("image_build", wanted, point=point, folder=images)
        died += killed
        after = call("image_build", wanted)
        assert not after.get("failed"), (point, after)
        assert after["images"][0]["digest"] == digest, point
        # Nothing of the killed run is left, and nothing is left to be done.
        assert sorted(path.name for path in images.iterdir()) == ["app", "tags.json"], point
        assert json.loads((images / "tags.json").read_text()) == {
            "rampart.test/faults/app": {"1.0.0": digest}
        }
        assert not call("image_build", wanted)["changed"], point
        if not killed:
            break
        point += 1
    assert died > 10


def test_a_base_that_was_killed_before_any_step_is_made_again(tmp_path: Path) -> None:
    wanted = bases()
    whole = call("image_base", wanted)
    digest = whole["bases"][0]["digest"]
    layout = tmp_path / "bases/tiny"
    wanted["bases"][0]["layout"] = str(layout)
    point = 0
    while run_killed("image_base", wanted, point=point, folder=layout.parent):
        after = call("image_base", wanted)
        assert after["bases"][0]["digest"] == digest, point
        assert [path.name for path in layout.parent.iterdir()] == ["tiny"], point
        assert not call("image_base", wanted)["changed"], point
        subprocess.run(["rm", "-rf", str(layout)], check=True)
        point += 5
    assert point > 10
