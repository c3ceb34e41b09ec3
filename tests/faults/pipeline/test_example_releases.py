# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of the example that are broken, delivered by its own pipeline with all gates on.

Each ends in a verified return to the last good release in bounded time, with the cause named. What came of it
is asked of Helm, of kubectl and of the application, never of the collection. Needs root and the tools.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.example_site import DELIVER, SECONDS, Live, Run, Site, descendants, upgrading

# helm_deploy_timeout holds once for the verdict, and once for the proof of the return.
BOUND = 2 * SECONDS
# What a writer that was killed is outlived in.
LEASE = 15
VALUES = "charts/ai-backend/values-dev.yaml"
REPLICAS = "backend:\n  replicas: 1\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A version that is broken in one way."""

    # By file: a text and what it is replaced with.
    edits: dict[str, tuple[str, str]]
    # The stages that take it to its delivery.
    stages: str
    # What is told of it.
    told: tuple[str, ...]
    # An image that is gone from the node when it is delivered.
    gone: str = ""


CASES = {
    "an image that no node has": Case(
        {"agent/agent/interface.py": ('"No answer now."', '"No answer yet."')},
        "build,load,package",
        (
            "Deployment dev/agent .*container agent of Pod agent-",
            "(ErrImagePull|ImagePullBackOff), .*rampart.local/ai-backend/agent@{agent}",
        ),
        gone="agent",
    ),
    "a program that crashes": Case(
        {
            "backend/backend/__main__.py": (
                "    settings = Settings.of(os.environ)\n",
                '    settings = Settings.of(os.environ)\n    raise RuntimeError("schema 7 is not known")\n',
            )
        },
        "build,load,package",
        (
            "Deployment dev/backend .*container backend of Pod backend-",
            "CrashLoopBackOff, it ended with code 1 .*RuntimeError: schema 7 is not known",
        ),
    ),
    "a program that does the wrong thing": Case(
        {"agent/agent/interface.py": ("complete(asked.question)", 'complete("anything")')},
        "build,load,package",
        ("the test backend-test failed: .*Job dev/backend-test .*the answer is not about the question",),
    ),
    "too little memory": Case(
        {
            VALUES: (
                REPLICAS,
                f"{REPLICAS}  resources:\n"
                "    requests: {cpu: 50m, memory: 32Mi, ephemeral-storage: 16Mi}\n"
                '    limits: {cpu: "1", memory: 32Mi, ephemeral-storage: 64Mi}\n',
            )
        },
        "package",
        (
            "Deployment dev/backend .*container backend of Pod backend-",
            "CrashLoopBackOff, it ended with code 137",
        ),
    ),
    "a database that is not there": Case(
        {VALUES: (REPLICAS, f"  progressDeadlineSeconds: 30\n{REPLICAS}  database: {{host: nowhere}}\n")},
        "package",
        ("Deployment dev/backend .*ProgressDeadlineExceeded",),
    ),
}
# The same pod as the test's, which does its work before an upgrade, and takes long.
MIGRATION = {
    "charts/ai-backend/charts/backend/templates/migration.tpl": (
        "",
        '{{ include "backend.test" . | replace "backend-test" "migration"\n'
        '   | replace "hook: test" "hook: pre-upgrade"\n'
        '   | replace "-m, backend.smoke" "-c, import time; time.sleep(600)" }}\n',
    )
}


def returned(site: Site, before: Live) -> Live:
    """Compare what serves with what served before: a new revision, and else the same."""
    after = site.live()
    assert (after.status, after.description) == ("deployed", f"Rollback to {before.revision}")
    assert after.images == before.images
    site.serves()
    return after


def goes_on(site: Site, stages: str, after: Live) -> None:
    """Run the good version again: nothing has to be delivered."""
    site.reset()
    run = site.pipeline(f"{stages},deploy,verify_release")
    assert site.live().revision == after.revision, run.words[-4000:]
    site.serves()


def in_time(run: Run, bound: float) -> None:
    print(f"{run.seconds[DELIVER]:.0f} s: {run.failures.get(DELIVER, 'delivered')}")
    assert run.seconds[DELIVER] < bound


@pytest.mark.parametrize("what", CASES)
def test_a_broken_version_ends_in_the_last_good_one(site: Site, what: str) -> None:
    case, before = CASES[what], site.live()
    site.commit(case.edits)
    site.pipeline(case.stages)
    if case.gone:
        site.forget(case.gone)
    run = site.pipeline("deploy", fails=True)
    told = run.failures[DELIVER]
    for each in case.told:
        assert re.search(each.replace("{agent}", site.digest("agent")), told), told
    assert f"It was returned to revision {before.revision}" in told
    assert "and that was verified" in told
    in_time(run, BOUND)
    goes_on(site, "build,load,package", returned(site, before))


def test_a_value_that_the_schema_refuses_touches_nothing(site: Site) -> None:
    before = site.live()
    site.commit({VALUES: (REPLICAS, REPLICAS.replace("1", "101"))})
    for stage, name in (("package", "Package the chart"), ("deploy", DELIVER)):
        run = site.pipeline(stage, fails=True)
        assert "at '/backend/replicas': maximum: got 101, want 100" in run.failures[name]
        assert run.seconds[name] < SECONDS
    assert site.live() == before
    goes_on(site, "package", before)


@dataclass(frozen=True, slots=True)
class Halfway:
    """A delivery whose Helm waits for the migration, and what served before it."""

    process: subprocess.Popen[str]
    before: Live


@pytest.fixture
def halfway(site: Site) -> Iterator[Halfway]:
    """Begin such a delivery."""
    before = site.live()
    site.commit(MIGRATION)
    site.pipeline("package")
    process = site.start("pipeline", "--tags=deploy")
    try:
        site.kubectl("wait", "job/migration", "--for=create", "--timeout=60s")
        assert site.history()[-1]["status"] == "pending-upgrade"
        yield Halfway(process, before)
    finally:
        process.kill()
        site.kubectl("delete", "job", "migration", "--ignore-not-found")


def test_a_helm_that_is_killed_is_returned_from(site: Site, halfway: Halfway) -> None:
    (helm,) = upgrading(halfway.process.pid)
    os.kill(helm, signal.SIGKILL)
    run = site.finish(halfway.process, fails=True)
    told = run.failures[DELIVER]
    assert "Helm could not upgrade the release dev/ai-backend: it was ended by signal 9 (Killed)" in told
    assert f"It was returned to revision {halfway.before.revision}" in told
    assert "and that was verified" in told
    in_time(run, BOUND)
    goes_on(site, "package", returned(site, halfway.before))


def test_a_run_that_is_killed_with_its_helm_is_repaired_by_the_next(site: Site, halfway: Halfway) -> None:
    for process in (halfway.process.pid, *descendants(halfway.process.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    halfway.process.communicate(timeout=60)
    assert site.history()[-1]["status"] == "pending-upgrade"
    site.reset()
    run = site.pipeline("package,deploy,verify_release")
    in_time(run, LEASE + BOUND)
    returned(site, halfway.before)
    assert site.pipeline("package,deploy,verify_release").changed == 0
