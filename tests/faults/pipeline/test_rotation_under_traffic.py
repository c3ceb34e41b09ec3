# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callers who go the whole way through the application, while what it uses is rotated under it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.support import caller
from tests.support.example import Callers
from tests.support.example_site import ENVIRONMENT, Run, Site

CALLERS = 3
# What the application holds, serves with, signs with and logs in with.
SECRETS = ("backend-database", "postgresql-tls", "jwt-signing", "agent-provider")
LONG_AGO = "rampart.k8s/rotated-at=2024-01-01T00:00:00Z"


def under_load(site: Site, act: Callable[[], Run]) -> tuple[Callers, Run]:
    """Do something while several callers ask all the time; they begin before it and end after it."""
    address = site.ask("get", "service", "backend")["spec"]["clusterIP"]
    token = caller.token(site.kubeconfig, ENVIRONMENT)
    callers = Callers(f"http://{address}:{caller.PORT}", {"Authorization": f"Bearer {token}"})

    async def both() -> Run:
        stop = asyncio.Event()
        asking = [asyncio.create_task(callers.keep_asking(stop)) for _number in range(CALLERS)]
        try:
            return await asyncio.to_thread(act)
        finally:
            stop.set()
            await asyncio.gather(*asking)

    return callers, asyncio.run(both())


def test_no_request_fails_while_everything_is_rotated(site: Site) -> None:
    site.kubectl("annotate", "--overwrite", "secret", *SECRETS, LONG_AGO)
    before = site.live().pods
    callers, run = under_load(site, lambda: site.play("rotate"))
    for name in SECRETS:
        assert f"rotated: {ENVIRONMENT}/{name}, it is due since" in run.words
    print(f"{callers.answered} requests answered, {len(callers.failed)} failed")
    assert callers.failed == []
    assert callers.answered > 10 * CALLERS
    # All of them load it by themselves.
    assert site.live().pods == before
    site.serves()
    assert site.play("rotate").changed == 0
