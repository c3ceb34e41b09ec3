# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What somebody asked the benchmark for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._cis.kube_bench import KubeBench
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Explanation


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for."""

    kube_bench: KubeBench
    targets: tuple[str, ...]
    cluster_root: str | None
    # Where kube-bench finds a component's file, and what stands in for its fixed paths.
    files: Mapping[str, str]
    paths: Mapping[str, str]
    explanations: Mapping[str, Explanation]
    trusted_subjects: tuple[str, ...]
    system_namespaces: tuple[str, ...]
    report_paths: tuple[str, ...]
    report_only: bool
    check_mode: bool
