# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registry keeps: the newest, and whatever anybody could start again."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._registry import usage
from ansible_collections.rampart.k8s.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.rampart.k8s.plugins.module_utils._registry.retention import Stored, decide
from ansible_collections.rampart.k8s.plugins.module_utils._registry.usage import Use, used, uses


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def image(
    letter: str, *tags: str, created: str = "", parts: tuple[str, ...] = (), repository: str = "app"
) -> Stored:
    return Stored(repository, digest(letter), tags, created, parts)


def kept(stored: list[Stored], *needed: Use, newest: int = 1) -> set[str]:
    return {verdict.stored.tags[0] for verdict in decide(stored, needed, newest=newest) if verdict.kept}


DAYS = [image(letter, letter, created=f"2026-01-0{day}T00:00:00Z") for day, letter in enumerate("abcd", 1)]


def test_the_newest_stay() -> None:
    assert kept(DAYS, newest=2) == {"c", "d"}
    assert kept(DAYS, newest=9) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("reference", ["a", digest("a")])
def test_what_somebody_needs_stays_however_old(reference: str) -> None:
    assert kept(DAYS, Use("app", reference, "pods x/y")) == {"a", "d"}
    # The same tag of another repository is another image.
    assert kept(DAYS, Use("other", reference, "pods x/y")) == {"d"}


def test_images_with_one_time_are_ordered_by_version() -> None:
    """Whoever builds the same bytes each time dates them all alike."""
    same = [
        image(letter, tag, created="1970-01-01T00:00:00Z")
        for letter, tag in zip("abc", ("1.10.0", "1.9.0", "1.2.0"), strict=True)
    ]
    assert kept(same) == {"1.10.0"}
    assert kept(same, newest=2) == {"1.10.0", "1.9.0"}


def test_what_does_not_say_when_it_was_made_counts_as_new() -> None:
    assert kept([*DAYS, image("e", "undated")]) == {"undated"}


def test_what_is_about_an_image_stays_and_goes_with_it() -> None:
    about = [
        image("e", f"sha256-{'a' * 64}"),
        image("f", f"sha256-{'d' * 64}"),
        image("1", f"sha256-{'9' * 64}.sig"),
    ]
    assert kept([*DAYS, *about]) == {"d", f"sha256-{'d' * 64}"}
    assert kept([*DAYS, *about], Use("app", "a", "x")) == {
        "a",
        "d",
        f"sha256-{'d' * 64}",
        f"sha256-{'a' * 64}",
    }


def test_a_part_of_an_image_for_several_platforms_keeps_it() -> None:
    index = image("e", "old", created="2020-01-01T00:00:00Z", parts=(digest("7"),))
    assert kept([*DAYS, index], Use("app", digest("7"), "x")) == {"d", "old"}


def references(value: Any) -> set[tuple[str, str]]:
    return {(use.repository, use.reference) for use in uses(value, "x")}


def test_images_are_found_wherever_an_object_names_them() -> None:
    pod = {
        "spec": {
            "containers": [{"image": f"registry.test:5000/team/app:1@{digest('a')}"}],
            "initContainers": [{"image": "registry.test/team/init"}],
            "ephemeralContainers": [{"image": "debug:2"}],
            "volumes": [{"image": {"reference": "registry.test/team/data:3"}}],
        },
        "status": {
            "containerStatuses": [
                {
                    "image": f"sha256:{'1' * 64}",
                    "imageID": f"docker-pullable://registry.test/team/app@{digest('b')}",
                }
            ]
        },
    }
    assert references(pod) == {
        ("team/app", digest("a")),
        ("team/init", "latest"),
        ("library/debug", "2"),
        ("team/data", "3"),
        ("team/app", digest("b")),
    }


class Cluster:
    """Answers lists; a path that is not given is refused."""

    def __init__(self, lists: Mapping[str, list[dict[str, Any]]]) -> None:
        self._lists = lists

    def list_all(self, path: str, *, query: Any = None) -> tuple[list[dict[str, Any]], str]:
        if path not in self._lists:
            raise RampartError(f"list of {path} is forbidden")
        return self._lists[path], "1"


def release(manifest: str, hook: str) -> dict[str, Any]:
    content = {"name": "app", "manifest": manifest, "hooks": [{"manifest": hook}]}
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode()))
    return {
        "metadata": {"namespace": "prod", "name": "sh.helm.release.v1.app.v1"},
        "data": {"release": base64.b64encode(packed).decode()},
    }


def cluster(**more: list[dict[str, Any]]) -> Cluster:
    lists: dict[str, list[dict[str, Any]]] = {path: [] for path in (*usage.OBJECTS, usage.SECRETS)}
    for name, items in more.items():
        [path] = [path for path in lists if path.endswith(f"/{name}")]
        lists[path] = items
    return Cluster(lists)


def test_a_cluster_needs_what_it_runs_and_what_it_may_return_to() -> None:
    template = {"spec": {"containers": [{"image": "r.test/app:2"}]}}
    replica_set = {"metadata": {"namespace": "prod", "name": "app-1"}, "spec": {"template": template}}
    helm = release(
        "kind: Deployment\nspec: {template: {spec: {containers: [{image: r.test/app:3}]}}}\n---\n",
        "kind: Pod\nspec: {containers: [{image: r.test/test:1}]}\n",
    )
    found = used(cluster(replicasets=[replica_set], secrets=[helm]))  # type: ignore[arg-type]
    assert found == [
        Use("app", "2", "replicasets prod/app-1"),
        Use("app", "3", "release prod/sh.helm.release.v1.app.v1"),
        Use("test", "1", "release prod/sh.helm.release.v1.app.v1"),
    ]


def test_what_cannot_be_asked_or_read_is_an_error() -> None:
    with pytest.raises(RampartError, match="is forbidden"):
        used(Cluster({}))  # type: ignore[arg-type]
    with pytest.raises(RampartError, match="not known what it needs"):
        used(cluster(secrets=[release("a: [", "")]))  # type: ignore[arg-type]
    with pytest.raises(RampartError, match="cannot be read"):
        used(cluster(secrets=[{"metadata": {"name": "x"}, "data": {}}]))  # type: ignore[arg-type]


def test_credentials_are_found_and_never_shown(tmp_path: Path) -> None:
    packed = base64.b64encode(b"pusher:correct-horse").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"r.test:5000": {"auth": packed}}}))
    redactor = Redactor()
    found = Credentials(tmp_path, redactor)
    assert found.of("r.test:5000") == f"Basic {packed}"
    assert redactor.text(f"correct-horse {packed}") == "******** ********"
    assert found.of("other.test:5000") == ""
    assert Credentials(tmp_path / "config.json", redactor).of("r.test:5000") == f"Basic {packed}"
    assert Credentials(None, redactor).of("r.test:5000") == ""
    assert Credentials(tmp_path / "absent", redactor).of("r.test:5000") == ""


@pytest.mark.parametrize(
    "content", ["{", '{"auths": {"r.test:1": {"auth": "!"}}}', '{"auths": {"r.test:1": {"auth": "YQ=="}}}']
)
def test_broken_credentials_are_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RampartError, match="cannot be read"):
        Credentials(tmp_path, Redactor()).of("r.test:1")
