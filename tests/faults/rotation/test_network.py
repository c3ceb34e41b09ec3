# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fault cases of the reliability page, by number: what is in between, and who else writes."""

from __future__ import annotations

import base64
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.failpoints import observed
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.rotated_pair import whole
from tests.support.rotating import Place, secret


@pytest.fixture
def proxy(ready: Place, tmp_path: Path) -> Iterator[FaultProxy]:
    """Put a proxy in front of the API server."""
    with FaultProxy(ready.rig, ready.client, tmp_path) as made:
        yield made


def through(proxy: FaultProxy, place: Place, **options: Any) -> dict[str, Any]:
    given = {"scope": "all", "rollout_timeout": 60, "max_unavailable": "100%", **options}
    return place.rotate(secret("db"), kubeconfig=str(proxy.kubeconfig), **given)


def test_11_too_many_requests_are_waited_for_as_told(ready: Place, proxy: FaultProxy) -> None:
    until = time.monotonic() + 4
    moments: dict[str, list[float]] = defaultdict(list)

    def rule(method: str, path: str) -> Fault | None:
        if method == "PATCH" and time.monotonic() < until:
            moments[path].append(time.monotonic())
            return Fault(status=429, headers={"Retry-After": "2"})
        return None

    proxy.rule = rule
    result = through(proxy, ready)
    assert not result.get("failed"), result["msg"]
    assert result["retries"] >= 2
    for asked in moments.values():
        assert all(later - earlier >= 1.9 for earlier, later in itertools.pairwise(asked))
    whole(ready)


@pytest.mark.parametrize("status", [500, 503])
def test_12_three_errors_of_the_server_are_overcome(ready: Place, proxy: FaultProxy, status: int) -> None:
    left = {"POST": 3, "PATCH": 3, "DELETE": 3}

    def rule(method: str, _path: str) -> Fault | None:
        if left.get(method, 0) > 0:
            left[method] -= 1
            return Fault(status=status)
        return None

    proxy.rule = rule
    result = through(proxy, ready)
    assert not result.get("failed"), result["msg"]
    assert result["retries"] >= 9
    whole(ready)


def test_12_errors_for_ever_end_with_the_last_status(ready: Place, proxy: FaultProxy) -> None:
    old = ready.content("db")
    proxy.rule = lambda method, path: (
        Fault(status=503) if method == "PATCH" and path.endswith("/secrets/db") else None
    )
    began = time.monotonic()
    result = through(proxy, ready, api_timeout=6)
    assert result["failed"]
    assert "503" in result["msg"]
    assert time.monotonic() - began < 60
    proxy.rule = lambda _method, _path: None
    assert ready.content("db") == old
    assert not through(proxy, ready).get("failed")
    whole(ready)


@pytest.mark.parametrize(
    "fault",
    [Fault(reset=True), Fault(reset_after=True), Fault(truncate=True)],
    ids=["before", "after", "truncated"],
)
def test_14_broken_connections_change_nothing(ready: Place, proxy: FaultProxy, fault: Fault) -> None:
    broken: set[tuple[str, str]] = set()

    def rule(method: str, path: str) -> Fault | None:
        # A server that has never answered is not asked a second time, and the first lists go side by side.
        if len(proxy.seen) < 20 or "leases" in path or (method, path) in broken:
            return None
        broken.add((method, path))
        return fault

    proxy.rule = rule
    result = through(proxy, ready)
    assert not result.get("failed"), result["msg"]
    assert result["retries"] >= 10
    whole(ready)


def test_15_what_somebody_edits_meanwhile_stays(ready: Place) -> None:
    path = f"/api/v1/namespaces/{ready.name}/secrets/db"
    edits = iter(range(2))

    def observer(name: str) -> None:
        number = next(edits, None) if name == "before stage introduce" else None
        if number is not None:
            body = {"metadata": {"labels": {f"edit-{number}": "kept"}}}
            ready.client.call("PATCH", path, body=body, content_type="application/merge-patch+json")

    with observed(observer):
        result = ready.rotate(secret("db"), scope="all")
    assert not result.get("failed"), result["msg"]
    labels = ready.client.get(path)["metadata"]["labels"]
    assert (labels["edit-0"], labels["edit-1"]) == ("kept", "kept")
    whole(ready)


def test_15_who_edits_all_the_time_is_told_of(ready: Place) -> None:
    path, old = f"/api/v1/namespaces/{ready.name}/secrets/db", ready.content("db")

    def observer(name: str) -> None:
        if name == "before stage introduce":
            body = {"metadata": {"labels": {"edit": f"n{time.monotonic_ns()}"}}}
            ready.client.call("PATCH", path, body=body, content_type="application/merge-patch+json")

    with observed(observer):
        result = ready.rotate(secret("db"), scope="all")
    assert "somebody else changed it 5 times" in result["msg"]
    assert result["rollback"] == "verified"
    assert ready.content("db") == old
    whole(ready)


def test_15_a_value_of_somebody_else_is_never_overwritten(ready: Place) -> None:
    path = f"/api/v1/namespaces/{ready.name}/secrets/db"
    foreign = {"data": {"password": base64.b64encode(b"by-hand-12345678").decode()}}

    def observer(name: str) -> None:
        if name == "before pending":
            ready.client.call("PATCH", path, body=foreign, content_type="application/merge-patch+json")

    with observed(observer):
        result = ready.rotate(secret("db"), scope="all")
    assert "neither the rotation nor anybody before it wrote" in result["msg"]
    assert ready.content("db")["password"] == b"by-hand-12345678"


def test_17_watches_that_end_miss_nothing(ready: Place, proxy: FaultProxy) -> None:
    began = time.monotonic()
    proxy.rule = lambda _method, _path: Fault(close_watch_after=1)
    result = through(proxy, ready)
    assert not result.get("failed"), result["msg"]
    # Each watch ends with its first event: there are many, and none is opened in a busy loop.
    watches = sum("watch=true" in path for _method, path in proxy.seen)
    assert 1 <= watches < 12 * (time.monotonic() - began)
    whole(ready)
