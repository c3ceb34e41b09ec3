# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What gates have in common that judge files and images, and need no cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_gate/outcome.py."""

    DOCUMENTATION = r"""
options:
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details:
      - Judges what is there and records no evidence. What does not exist yet is named and not judged.
  diff_mode:
    support: none
    details:
      - Nothing is changed.
  idempotent:
    support: full
    details:
      - What is judged is not changed. Each run adds one record of evidence per subject, which does not count
        as a change.
"""
