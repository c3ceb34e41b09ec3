# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Secrets' certificates a server is asked to show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import Hook
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Fate, Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import hooks, served, verify
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition, Key

HELD = {"tls.crt": b"new", "tls.key": b"new", "ca.crt": b"new"}


def pod(**volume: Any) -> dict[str, Any]:
    """Return a pod that mounts a Secret."""
    mounts = [{"name": "v", "mountPath": "/tls"}]
    return {
        "metadata": {"name": "web-0"},
        "spec": {
            "containers": [{"name": "main", "volumeMounts": mounts}],
            "volumes": [{"name": "v", "secret": {"secretName": "web-tls", **volume}}],
        },
        "status": {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "now"}}}]},
    }


@pytest.mark.parametrize(
    ("volume", "is_asked"),
    [
        ({}, True),
        ({"items": [{"key": "tls.crt", "path": "server.crt"}]}, True),
        ({"items": [{"key": "ca.crt", "path": "ca.crt"}]}, False),
    ],
)
def test_a_server_shows_only_the_certificate_that_it_holds(
    monkeypatch: pytest.MonkeyPatch, volume: dict[str, Any], is_asked: bool
) -> None:
    asked: list[str] = []
    probe = Hook(port=443, certificate_after="")
    monkeypatch.setattr(hooks, "probe_of", lambda _consumer: probe)
    monkeypatch.setattr(served, "wait", lambda _shop, _probe, name, _held, _secret: asked.append(name))
    definition = Definition("prod", "web-tls", "tls", (Key("tls.crt", "tls", {"ca": "ca"}),))
    member = Member(definition, "web-tls", dict.fromkeys(HELD, Fate.PLAIN), old=HELD, new=HELD)
    member.objects = dict.fromkeys(Stage, "web-tls")
    use = verify.Use(Group([member]), member, SimpleNamespace(), "web-tls")  # type: ignore[arg-type]
    nobody: Any = None
    verify._served(nobody, use, pod(**volume), Stage.INTRODUCE)
    assert asked == (["web-0"] if is_asked else [])
