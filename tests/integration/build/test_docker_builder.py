# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker Engine builds what BuildKit builds otherwise, by the role, and the same bytes each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ground.packages import shared_folder
from tests.support.dockers import available, docker

ROOT = Path(__file__).parents[3]
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS build
COPY --chown=65532:65532 app/ /tmp/app/
RUN ["/usr/bin/busybox", "sh", "-c", "date > /tmp/app/built; touch /tmp/app/empty"]
FROM ${BASE}
COPY --from=build /tmp/app/greeting /tmp/app/empty /app/
USER 65532:65532
CMD ["/usr/bin/busybox", "cat", "/app/greeting"]
"""

pytestmark = pytest.mark.skipif(not available(), reason="there is no dockerd, or it may not run")


def play(folder: Path, host: str, images: str) -> str:
    """Run the role, and return what Ansible said."""
    sources = folder / "src"
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "cluster_state_dir": str(folder / "state"),
        "image_build_builder": "docker",
        "image_build_docker_host": host,
        "image_build_dir": str(folder / images),
        "image_build_cache_dir": str(shared_folder() / "bases"),
        "image_build_version": "1.0.0",
        "image_build_gates": [],
        "image_build_bases": [
            {
                "name": "rampart.test/base/tiny",
                "packages": ["busybox-static", "base-files"],
                "without": ["awk"],
            }
        ],
        "image_build_images": [
            {
                "name": "rampart.test/docker/app",
                "base": "rampart.test/base/tiny",
                "dockerfile": str(sources / "Dockerfile"),
                "context": {"app": str(sources / "app")},
            }
        ],
    }
    playbook = folder / "play.yml"
    playbook.write_text(
        yaml.safe_dump(
            [{"hosts": "all", "gather_facts": False, "vars": variables, "roles": ["rampart.k8s.image_build"]}]
        )
    )
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "docker,", str(playbook)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def digest(folder: Path, images: str) -> str:
    index = json.loads((folder / images / "app/index.json").read_text())
    assert index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == "1.0.0"
    return str(index["manifests"][0]["digest"])


def test_an_engine_builds_the_same_image_again_and_nothing_that_did_not_change(tmp_path: Path) -> None:
    (tmp_path / "src/app").mkdir(parents=True)
    (tmp_path / "src/app/greeting").write_text("hello\n")
    (tmp_path / "src/Dockerfile").write_text(DOCKERFILE)
    with docker(tmp_path / "engine") as engine:
        assert "changed=0" not in play(tmp_path, engine.host, "first")
        assert "changed=0" in play(tmp_path, engine.host, "first")
        # Nothing of the first build is left in the engine, and its clock went on.
        engine.run("system", "prune", "--all", "--force")
        play(tmp_path, engine.host, "second")
    assert digest(tmp_path, "first") == digest(tmp_path, "second")
    assert not (tmp_path / "second/.staged/app").exists()
    # Where nothing has to be built no engine is needed.
    assert "changed=0" in play(tmp_path, "unix:///nowhere.sock", "second")
