# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Keeps the configuration with the keys that are about to be dropped: older backups of etcd need them."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import MODE, Seen
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotate_look import Order


def refuse(order: Order) -> None:
    """Refuse a place that is lost together with what it is to save."""
    if order.backup_dir is None:
        return
    place, root = order.backup_dir.resolve(), order.state_root.resolve()
    if place == root or root in place.parents:
        raise RampartError(
            f"The backup would lie in {place}, below {root}, and be lost with it.",
            next_step="name a folder elsewhere, best on another machine's disk",
            path=str(place),
        )


def write(order: Order, seen: Seen, cluster_uid: str) -> str:
    """Write the file as it is now; the writing key names it, so that a rerun writes the same."""
    if order.backup_dir is None:
        return ""
    writers = "-".join(
        dict.fromkeys(entry.mark.key for entry in seen.configuration.entries if entry.mark.key)
    )
    target = order.backup_dir / f"encryption-{cluster_uid[:8]}-{writers[:128]}.yaml"
    try:
        order.backup_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(target, seen.content, mode=MODE)
        whole = target.read_bytes() == seen.content
    except OSError as error:
        raise RampartError(
            f"Could not back up the configuration to {target}: {error.strerror}. No key was dropped.",
            next_step="make the folder writable, then run again",
            path=str(target),
        ) from error
    if not whole:
        raise RampartError(
            f"The backup {target} does not read as it was written. No key was dropped.",
            next_step="choose another disk for it, then run again",
            path=str(target),
        )
    return str(target)
