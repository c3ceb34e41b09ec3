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

# Together they ask twice a second, which is what the agent allows; each stays below what the backend allows.
CALLERS = 4
LOOKUPS = 3
PAUSE = 2 / LOOKUPS
# What the application holds, serves with, signs with and logs in with.
SECRETS = ("backend-database", "postgresql-tls", "jwt-signing", "agent-provider")
LONG_AGO = "rampart.k8s/rotated-at=2024-01-01T00:00:00Z"


def under_load(site: Site, act: Callable[[], Run]) -> tuple[list[Callers], Run]:
    """Do something while several callers ask all the time; they begin before it and end after it."""
    address = site.ask("get", "service", "backend")["spec"]["clusterIP"]
    url = f"http://{address}:{caller.PORT}"
    tokens = [
        caller.token(site.kubeconfig, ENVIRONMENT, f"caller-{number}", 600) for number in range(CALLERS)
    ]
    callers = [Callers(url, {"Authorization": f"Bearer {token}"}, LOOKUPS, PAUSE) for token in tokens]

    async def both() -> Run:
        stop = asyncio.Event()
        asking = [asyncio.create_task(each.keep_asking(stop)) for each in callers]
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
    answered = sum(each.answered for each in callers)
    failed = [line for each in callers for line in each.failed]
    print(f"{answered} requests answered, {len(failed)} failed")
    assert failed == []
    assert all(each.answered > 2 * LOOKUPS for each in callers)
    # All of them load it by themselves.
    assert site.live().pods == before
    site.serves()
    assert site.play("rotate").changed == 0
