# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One writer for each release: the lease that everything holds that changes one."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import DURATION, Lease

# A run that was killed lets go of its lease after its duration; one that lives shows it by renewing it.
PATIENCE = DURATION + 5.0


def name_of(release: str) -> str:
    """Name the lease of a release."""
    return f"helm-{release}"


def writer(client: Client, namespace: str, release: str) -> Lease:
    """Return the lease of a release; a second writer is told who holds it."""
    client.transport.extend(PATIENCE + DURATION)
    return Lease(client, namespace, name_of(release), patience=PATIENCE, outlive_only=True)
