# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.secret_rotate does with its arguments."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._generate import make
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import proof
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.outlook import Outlook, outlook
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.report import Report
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.run import Runner
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Settings
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition

ROTATION_ID = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
AT_ONCE = re.compile(r"[1-9][0-9]{0,3}|([1-9][0-9]?|100)%")


def build(module: AnsibleModule, redactor: Redactor) -> SecretRotate:
    """Take over the arguments, and teach the redactor the values that were given."""
    return SecretRotate(module, redactor)


class SecretRotate:
    """Rotates a list of secrets, namespace by namespace."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params
        self._definitions = definition.read(module.params["secrets"])
        for one in self._definitions:
            make.check(one)
            redactor.add(*(value for key in one.keys if (value := make.given(key)) is not None))
        self._order = _order(module.params)
        for one in self._definitions:
            classes.find(self._order.settings.classes, one.secret_class, str(one))
        self._client: Client | None = None
        self._outlooks: list[Outlook] = []

    def plan(self) -> Plan:
        """Look at every namespace and say what would be done there."""
        try:
            self._client = Client(Connection.of(self._parameters), self._redactor)
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            return self._without_cluster(error)
        for line in self._client.warnings:
            self._module.warn(line)
        try:
            for namespace, listed in self._by_namespace().items():
                store = Store(self._client, namespace)
                self._outlooks.append(
                    outlook(store, listed, self._order, self._redactor, check_mode=self._module.check_mode)
                )
        except UnreachableError as error:
            if not self._module.check_mode:
                raise
            return self._without_cluster(error)
        report = self._report(self._client)
        plan = report.plan()
        if self._module.check_mode or not plan.changed:
            # Nothing follows in which it could be told.
            report.judge()
        return plan

    def _by_namespace(self) -> dict[str, list[Definition]]:
        found: dict[str, list[Definition]] = {}
        for one in self._definitions:
            found.setdefault(one.namespace, []).append(one)
        return found

    def _report(self, client: Client) -> Report:
        return Report.of_outlooks(self._outlooks, client, self._order.settings.classes)

    def _without_cluster(self, error: RampartError) -> Plan:
        self._module.warn(f"There is no cluster to look at yet: {error.message}")
        return Report.without_cluster(self._definitions).plan()

    def apply(self, plan: Plan) -> Plan:
        """Rotate; a namespace that fails keeps the following ones as they are, but in an incident."""
        if self._client is None:
            raise ValueError("the plan was made without a cluster")
        report = self._report(self._client)
        runner = Runner(
            self._client,
            self._order,
            self._redactor,
            Progress(self._parameters["_progress_file"]),
            report,
        )
        todo = [one for one in self._outlooks if one.changes]
        for number, one in enumerate(todo):
            runner.run(one.store.namespace, self._by_namespace()[one.store.namespace])
            if report.errors and not self._order.is_incident:
                report.left = [other.store.namespace for other in todo[number + 1 :]]
                break
        for text in report.warnings:
            self._module.warn(self._redactor.text(text))
        report.evidence = proof.record(report.worked_at, self._parameters)
        return report.conclude(plan)


def _order(parameters: Mapping[str, Any]) -> Order:
    rotation, at_once = parameters["rotation_id"], parameters["max_unavailable"]
    if rotation and not ROTATION_ID.fullmatch(rotation):
        raise RampartError(
            f"{rotation!r} cannot be the id of a rotation.",
            next_step="use at most 40 lower-case letters, digits and hyphens",
        )
    if not AT_ONCE.fullmatch(at_once):
        raise RampartError(
            f"max_unavailable is {at_once!r}.",
            next_step="give a number of workloads, or a percentage to 100%",
        )
    return Order(
        scope=parameters["scope"],
        reason=parameters["reason"],
        rotation=rotation or f"{classes.now():%Y%m%d%H%M%S}-{secrets.token_hex(3)}",
        is_named=bool(rotation),
        consumed_by=tuple(parameters["consumed_by"]),
        lock_timeout=parameters["lock_timeout"],
        settings=Settings(
            at_once,
            parameters["rollout_timeout"],
            parameters["unused_timeout"],
            parameters["inspect_pods"],
            classes.merge(parameters["classes"]),
        ),
    )
