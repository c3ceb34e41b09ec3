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
