# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One secret and two workloads that use it: what fault tests do to them, and what must be then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.modules import run_apart
from tests.support.rotating import Place, secret


def arguments(place: Place, *secrets: dict[str, Any], **options: Any) -> dict[str, Any]:
    declared = [{"namespace": place.name, **one} for one in secrets or (secret("db"),)]
    # The stand-in for a shell in pods lives in the test's own process.
    return {
        "kubeconfig": str(place.rig.kubeconfig),
        "secrets": declared,
        "inspect_pods": False,
        "max_unavailable": "100%",
        **options,
    }


def killed(place: Place, point: str, folder: Path, **options: Any) -> None:
    ended = run_apart("secret_rotate", arguments(place, **options), point=point, folder=folder)
    assert ended.killed, ended.answer
    _expire_lease(place)


def _expire_lease(place: Place) -> None:
    """Let the lease of the killed run be over at once, as it is after its duration."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{place.name}/leases/rampart-rotation"
    body = {"spec": {"holderIdentity": ""}}
    place.client.call("PATCH", path, body=body, content_type="application/merge-patch+json")


def generations(place: Place) -> list[int]:
    return [place.deployment(name)["metadata"]["generation"] for name in ("api", "web")]


def whole(place: Place) -> None:
    """Say that nothing is left, and everybody holds what the Secret holds."""
    assert place.secrets() == ["db", "rampart-fingerprint-key"]
    for name in ("api", "web"):
        assert place.held(name, "db") == [place.content("db")] * 2
