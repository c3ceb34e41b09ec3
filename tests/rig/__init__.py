# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real etcd and a real kube-apiserver for tests, ready in a few seconds, gone without a trace.

In a test::

    from tests.rig import Rig

    with Rig() as rig:                       # Rig(controllers=True) adds kube-controller-manager
        rig.kubeconfig                       # path: user "admin", group system:masters
        rig.kubeconfig_for("eve", "guests")  # path: any user and groups, by client certificate
        rig.etcd_endpoint                    # http://127.0.0.1:PORT, without TLS
        rig.stored()                         # every key of etcd with its last revision: equal = no write
        rig.audit_log                        # path: one JSON line per answered request
        rig.audit(since=rig.mark())          # the same, parsed; mark() remembers a place in it

At a terminal, from the root of the project (stays until Ctrl-C or SIGTERM)::

    python -m tests.rig [--controllers] [--durable]

The programs come from the folder named by RAMPART_TOOLS_BIN, or from ~/.cache/rampart/bin where the
role rampart.k8s.tools puts them. Every rig has its own ports and its own temporary folder, so many
can run at once.
"""

from __future__ import annotations

from tests.rig.rig import MissingToolError, Rig

__all__ = ["MissingToolError", "Rig"]
