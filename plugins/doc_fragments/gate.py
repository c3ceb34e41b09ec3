# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all gates of the verification have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_verify/options.py."""

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
      - Reports what would be proved, sends nothing but reads and creates nothing. It completes where there is
        no cluster yet.
  diff_mode:
    support: none
    details:
      - Nothing is changed for good.
  idempotent:
    support: full
    details:
      - Nothing is changed for good. What is created for a proof carries the label C(rampart.k8s/probe) and is
        removed at the end, and by the next run when a run was killed.
"""

    PROVABLE = r"""
options:
  allow_not_proven:
    description:
      - Whether the gate may pass although some claims could not be put to the test. They are listed anyway.
    type: bool
    default: false
"""

    PODS = r"""
options:
  image:
    description:
      - An image with C(/bin/sh), C(nc) and C(nslookup) (any BusyBox), to make pods from.
    type: str
    required: true
  timeout:
    description: Seconds to wait for pods to run or to be refused.
    type: int
    default: 180
  environments:
    description:
      - The environments in full, as the filter P(rampart.k8s.environments#filter) returns them.
    type: list
    elements: dict
    required: true
"""
