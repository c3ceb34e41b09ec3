# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed while images are pushed and archived."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._images import layer
from ansible_collections.rampart.k8s.tests.support.modules import call, run_killed
from ansible_collections.rampart.k8s.tests.support.registries import small_registry


def test_a_run_killed_at_any_point_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "tool"
    source.write_bytes(b"tool" * 100_000)
    # Digests of files that were only just written are not remembered.
    monkeypatch.setattr(layer, "SETTLED_NANOSECONDS", 0)
    point = 0
    killed = True
    while killed:
        folder = tmp_path / str(point)
        folder.mkdir()
        with small_registry() as server:
            images = [
                {
                    "name": name,
                    "tag": "1",
                    "files": [{"path": f"/{name}", "source": str(source)}],
                    "archive": str(folder / name),
                }
                for name in ("a", "b")
            ]
            wanted: dict[str, Any] = {
                "registry": server.url,
                "images": images,
                "digest_cache": str(folder / "digests"),
            }
            killed = run_killed("image_assemble", wanted, point=point, folder=folder)
            # A manifest never names what is not there yet.
            for manifest in server.manifests.values():
                content = json.loads(manifest)
                named = [content["config"], *content["layers"]]
                assert all(blob["digest"] in server.blobs for blob in named)
            answer = call("image_assemble", wanted)
            assert not answer.get("failed"), answer["msg"]
            assert not call("image_assemble", wanted)["changed"]
            for image in answer["images"]:
                stored = server.manifests[f"{image['name']}:1"]
                assert f"sha256:{hashlib.sha256(stored).hexdigest()}" == image["digest"]
            assert not list(folder.rglob(".rampart-*"))
        point += 1
    assert point > 10
