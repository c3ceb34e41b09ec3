# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test rig at a terminal."""

from __future__ import annotations

import argparse
import signal

from tests.rig.rig import Rig


def main() -> None:
    """Start a rig, say where it is, and keep it until told to end."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig", description=__doc__)
    parser.add_argument("--controllers", action="store_true", help="run kube-controller-manager too")
    parser.add_argument("--durable", action="store_true", help="let etcd sync every write to the disk")
    arguments = parser.parse_args()
    ends = {signal.SIGINT, signal.SIGTERM}
    # Blocked before the start: an early Ctrl-C must not leave a half-started rig.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with Rig(controllers=arguments.controllers, durable=arguments.durable) as rig:
        print(f"export KUBECONFIG={rig.kubeconfig}")
        print(f"# audit log: {rig.audit_log}")
        print(f"# etcd: {rig.etcd_endpoint}", flush=True)
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
