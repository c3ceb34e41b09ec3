# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How an API server is started anew: by a command, or by the supervisor of a cluster on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.daemon import stop_programs
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.rpc import NoAnswerError, Supervisor

PROGRAM = "kube-apiserver"


def by_command(command: Sequence[str], redactor: Redactor) -> Callable[[], object]:
    """Return what runs a command."""
    program, *arguments = command
    cli = Cli(program, redactor=redactor)
    return lambda: cli.run(*arguments)


def by_supervisor(cluster_root: str) -> Callable[[], object]:
    """Return what has the supervisor of a cluster end its API server and start it again."""
    layout = Layout(Path(cluster_root))

    def restart() -> None:
        supervisor = Supervisor(layout.socket)
        try:
            stop_programs(supervisor, [PROGRAM])
            supervisor.start(PROGRAM)
        except NoAnswerError as error:
            raise RampartError(
                f"The supervisor of {cluster_root} does not answer: {error}.",
                next_step="start the cluster (playbooks/cluster.yml), then run again",
            ) from error

    return restart
