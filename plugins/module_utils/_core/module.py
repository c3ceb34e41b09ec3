# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The frame of every module: arguments in, plan, apply unless in check mode, one way out."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor


class Operation(Protocol):
    """What a module does: decide first, act second."""

    def plan(self) -> Plan:
        """Observe and decide. Reads only."""

    def apply(self, plan: Plan) -> Plan:
        """Do what the plan says and return it, completed with what only the act could tell."""


def _frames(error: BaseException) -> list[str]:
    """Say where it broke without the text of the source lines or of the values in them."""
    return [f"{frame.name} ({frame.lineno})" for frame in traceback.extract_tb(error.__traceback__)]


def run(
    spec: ArgumentSpec,
    build: Callable[[AnsibleModule, Redactor], Operation],
    *,
    supports_check_mode: bool = True,
) -> None:
    """Run one module from its arguments to its answer.

    ``build`` turns the module into an operation and teaches the redactor the secrets it meets.
    An error that nobody foresaw is reported by its type and place only: its text could hold
    anything, a secret included.
    """
    module = AnsibleModule(supports_check_mode=supports_check_mode, **spec.module_arguments())
    redactor = Redactor()

    def fail(message: str, **details: Any) -> None:
        module.no_log_values |= redactor.forms
        module.fail_json(**redactor.data({"msg": message, "reason": message, **details}))

    try:
        operation = build(module, redactor)
        plan = operation.plan()
        if plan.changed and not module.check_mode:
            plan = operation.apply(plan)
        result = plan.as_result(diff=module._diff)
    except RampartError as error:
        fail(str(error), next_step=error.next_step, **error.details)
    except Exception as error:
        fail(
            f"{module._name} met an error that it does not know ({type(error).__name__}). "
            "Next step: report it with the places below; the text of the error is withheld, "
            "since it could hold a secret.",
            places=_frames(error),
        )
    else:
        module.no_log_values |= redactor.forms
        module.exit_json(**redactor.data(result))
