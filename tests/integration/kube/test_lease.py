# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import (
    Lease,
    LeaseHeldError,
    LeaseLostError,
)
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.rig import Rig

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"

# A holder that is killed.
KILLED = """
import os, signal, sys
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
with Lease(Client(Connection(sys.argv[1]), Redactor()), "default", sys.argv[2]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def another(rig: Rig) -> Client:
    return Client(Connection(str(rig.kubeconfig)), Redactor())


def check_until_lost(lease: Lease) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lease.check()
        time.sleep(0.02)


def test_a_second_writer_is_told_who_the_first_is(rig: Rig, client: Client, name: str) -> None:
    with Lease(client, "default", name) as first:
        first.check()
        started = time.monotonic()
        with (
            pytest.raises(LeaseHeldError, match="is held by") as caught,
            Lease(another(rig), "default", name),
        ):
            pass
        assert time.monotonic() - started < 2
        assert caught.value.details["holder"] == first.identity


def test_a_lease_that_was_given_up_is_taken_at_once_with_a_higher_number(
    rig: Rig, client: Client, name: str
) -> None:
    with Lease(client, "default", name) as first:
        pass
    started = time.monotonic()
    with Lease(another(rig), "default", name) as second:
        assert time.monotonic() - started < 1
        assert second.fencing == first.fencing + 1


def test_of_many_takers_one_wins(rig: Rig, name: str) -> None:
    held, refused, done = [], [], threading.Event()

    def take() -> None:
        try:
            with Lease(another(rig), "default", name) as lease:
                held.append(lease.fencing)
                done.wait(20)
        except LeaseHeldError:
            refused.append(1)
            if len(refused) == 7:
                done.set()

    threads = [threading.Thread(target=take) for _unused in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)


def test_a_renewed_lease_is_not_taken_and_a_dead_one_is_after_its_time(
    rig: Rig, client: Client, name: str
) -> None:
    with Lease(client, "default", name, duration=2) as alive:
        with pytest.raises(LeaseHeldError), Lease(another(rig), "default", name, duration=2, patience=5):
            pass
        alive.check()
        # From here on the holder is as good as killed: it renews no more.
        alive._stop.set()
        alive._thread.join()
        died = time.monotonic()
        with Lease(another(rig), "default", name, duration=2, patience=10) as heir:
            assert time.monotonic() - died > 1.5
            assert heir.fencing == alive.fencing + 1
            with pytest.raises(LeaseLostError, match="not ours any more: it could not be renewed"):
                check_until_lost(alive)
    # The dead holder's end must not have taken the lease from its heir.
    assert client.get(f"{LEASES}/{name}")["spec"]["leaseTransitions"] == heir.fencing


def test_a_lease_of_a_process_that_was_killed_here_is_taken_at_once(
    rig: Rig, client: Client, name: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(rig.kubeconfig), name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    held = client.get(f"{LEASES}/{name}")["spec"]
    assert held["holderIdentity"]
    started = time.monotonic()
    with Lease(client, "default", name) as heir:
        assert time.monotonic() - started < 2
        assert heir.fencing == held["leaseTransitions"] + 1


def test_a_lease_that_somebody_deleted_is_lost(client: Client, name: str) -> None:
    with Lease(client, "default", name, duration=1) as lease:
        client.delete(f"{LEASES}/{name}")
        with pytest.raises(LeaseLostError, match="was deleted"):
            check_until_lost(lease)
