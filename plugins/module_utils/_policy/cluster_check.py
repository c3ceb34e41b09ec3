# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The frame of everything that asks a cluster and changes nothing for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError

REPORT = ArgumentSpec({"report_only": {"type": "bool", "default": False}})


class ClusterCheck(ABC):
    """A question to a cluster. Check mode completes where there is no cluster yet."""

    def __init__(self, parameters: dict[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self.parameters = parameters
        self.check_mode = check_mode
        self.redactor = redactor
        self.report_only: bool = parameters["report_only"]

    @abstractmethod
    def judge(self, client: Client) -> Plan:
        """Ask and conclude."""

    @abstractmethod
    def without_cluster(self) -> dict[str, Any]:
        """Return what the result holds when nothing could be asked."""

    def plan(self) -> Plan:
        """Ask; what is created for the asking is gone again at the end, so nothing changes."""
        try:
            return self.judge(Client(Connection.of(self.parameters), self.redactor))
        except (MissingKubeconfigError, UnreachableError):
            if not self.check_mode:
                raise
            return Plan(False, "there is no cluster to ask yet", result=self.without_cluster())

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan
