# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options by which a gate leaves evidence."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_evidence/options.py."""

    DOCUMENTATION = r"""
options:
  evidence_dir:
    description:
      - The folder of the evidence store. The gate appends a signed record of its verdict to it, passed or
        not.
      - The store and its signing key are made when they are first needed. Without this option the gate leaves
        no evidence. Check mode writes none.
    type: path
  evidence_play:
    description:
      - Which run this is, to be found again in the record. Nothing else about the run is kept.
    type: dict
    default: {}
    suboptions:
      host:
        description: The inventory host.
        type: str
      job:
        description: The job of a controller such as AWX.
        type: str
      play:
        description: The name of the play.
        type: str
      playbook:
        description: The file of the playbook.
        type: str
      revision:
        description: The revision of the project.
        type: str
      run:
        description: A name of the run that its records share.
        type: str
      task:
        description: The name of the task.
        type: str
      user:
        description: Who started it.
        type: str
requirements:
  - cryptography >= 42 (only with O(evidence_dir))
"""

    REUSABLE = r"""
options:
  max_age:
    description:
      - For how many seconds a proof stands as long as nothing changes that it depends on. A proof that is
        younger is taken over from O(evidence_dir) instead of being made again, and the result says so.
      - What it depends on is observed each time; the definition, the objects of the cluster that have a say,
        the processes of its API servers, its nodes since their last boot, the code of this collection, and
        with O(cluster_root) the programs and files of the cluster on this machine.
      - Only a whole pass is taken over, never a failure, never one with open claims, and nothing at all from
        a store that was tampered with, which is a violation of its own. Where the API servers do not say
        which process they are, everything is proved each time.
      - With V(0), the default, everything is proved each time.
    type: int
    default: 0
  cluster_root:
    description:
      - The folder of a cluster whose programs run on this machine. Which programs run, how they are
        configured, and what of it they have read then belongs to what a proof depends on.
    type: path
"""
