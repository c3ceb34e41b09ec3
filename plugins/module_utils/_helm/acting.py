# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Does with one release what was decided, under its lease, and says what came of it."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._helm import pending, returning
from ansible_collections.rampart.k8s.plugins.module_utils._helm.canary import Canary, CanaryStoppedError
from ansible_collections.rampart.k8s.plugins.module_utils._helm.deciding import (
    CLEAN,
    REPAIR,
    UPGRADE,
    Deciding,
    Decision,
)
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import good, writer_label
from ansible_collections.rampart.k8s.plugins.module_utils._helm.hook_watch import HookWatch
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Delivery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease


class Acting:
    """One release; whoever calls holds its lease."""

    def __init__(self, decided: Deciding, lease: Lease) -> None:
        self._decided = decided
        self._lease = lease
        self._check, self._helm = decided.check, decided.helm
        self._delivery, self._options = decided.delivery, decided.options
        # None where the release is to have none.
        self._canary = decided.canary if decided.release["canary"] else None

    def act(self, decision: Decision) -> tuple[Findings, returning.Return | None, list[str]]:
        """Do what was decided; return the verdict, where it went back to, and what was done."""
        done: list[str] = []
        if decision.action == REPAIR:
            done.append(self._repair())
            decision = self._decided.decide()
            self._decided.require(decision)
        if decision.action in (UPGRADE, CLEAN) and self._canary:
            self._canary.remove()
            if decision.action == CLEAN:
                done.append("removed a canary that was left")
            elif stopped := self._try_out(self._canary, decision, done):
                return stopped, None, done
        if decision.action == UPGRADE:
            self._lease.check()
            failpoint("helm upgrade")
            watch = HookWatch(
                self._check.client,
                self._delivery.namespace,
                decision.hooks,
                self._delivery.timeout,
            )
            try:
                with watch:
                    self._helm.upgrade(self._signed(), watch.started)
                done.append("upgraded")
            except RampartError as error:
                return self._failed(error, watch, done)
        failpoint("verify")
        try:
            findings = self._check.run()
        finally:
            if self._canary:
                self._canary.remove()
        if findings.passed:
            self._lease.check()
            failpoint("mark verified")
            self._check.history.mark_verified(findings.revision)
            return findings, None, done
        return findings, self._return(findings), done

    def _try_out(self, canary: Canary, decision: Decision, done: list[str]) -> Findings | None:
        """Give the new pods a part of the traffic first; return what was found when they are not well."""
        last = self._check.history.last
        if not decision.present or last is None:
            # There is nothing yet that could serve beside them.
            return None
        try:
            done += canary.run(
                self._decided.release["canary"],
                decision.wanted,
                decision.present,
                self._check.probes,
                self._delivery.timeout,
                self._lease,
            )
        except CanaryStoppedError as stopped:
            findings = self._untold()
            findings.violations.append(f"the canary was stopped: {stopped}")
            findings.warnings.append(
                f"nothing of the release was changed: revision {last.number} serves alone"
            )
            findings.cause = stopped.told
            return findings
        return None

    def _signed(self) -> Delivery:
        """Let the revision say who began with it, in case that this run does not live to finish it."""
        last = self._check.history.last
        label = writer_label(last.number + 1 if last else 1, self._lease.fencing)
        return replace(self._delivery, labels={**self._delivery.labels, **label})

    def _untold(self) -> Findings:
        """Return findings on the newest revision, of which nothing is known yet."""
        last = self._check.history.last
        return Findings(
            self._delivery.name,
            self._delivery.namespace,
            last.number if last else 0,
            last.status if last else "",
            package=self._decided.package,
        )

    def _failed(
        self, error: RampartError, watch: HookWatch, done: list[str]
    ) -> tuple[Findings, returning.Return | None, list[str]]:
        """Helm itself gave up: what it says is the cause, unless it was ended for one that is known."""
        self._check.history.refresh()
        findings = self._untold()
        if watch.failed:
            hook, cause = watch.failed
            findings.violations.append(f"the hook {hook} cannot run: {cause.sentence}")
            findings.cause = self._check.told(f"hook {hook}", cause, self._delivery.namespace)
        else:
            findings.violations.append(error.message.rstrip("."))
            findings.cause = {
                "object": f"release {self._decided.title}",
                "message": error.message,
                "next_step": error.next_step,
            }
        done.append("the upgrade failed")
        return findings, self._return(findings), done

    def _return(self, findings: Findings) -> returning.Return | None:
        """Go back to the last good revision, or remove a first one where that is allowed."""
        if self._options["on_failure"] != "rollback":
            return None
        try:
            return self._back(findings)
        except RampartError as error:
            # What failed first must not be hidden by what came after.
            findings.violations.append(error.message.rstrip("."))
            return None

    def _back(self, findings: Findings) -> returning.Return | None:
        below = findings.revision
        if good(self._check.history.heads, below) is None:
            if not self._options["allow_uninstall"]:
                findings.warnings.append(
                    "there is no revision to go back to; what was installed stays as it is (allow_uninstall)"
                )
                return None
            self._lease.check()
            self._helm.uninstall(
                self._delivery.name,
                self._delivery.namespace,
                timeout=self._options["timeout"],
            )
            findings.warnings.append("it was uninstalled, since there was no revision to go back to")
            return None
        return returning.go_back(self._check, self._helm, self._lease, self._options)

    def _repair(self) -> str:
        """Bring a release out of a state in which Helm refuses to touch it."""
        history = self._check.history
        history.refresh()
        head = history.last
        if head is None or not head.pending:
            return "nothing was pending any more"
        client = self._check.client
        now = client.transport.send("GET", "/version").headers.get("Date") or ""
        stuck = pending.Stuck(
            self._decided.title,
            head,
            pending.seconds_since(head.created, now),
            bool(self._lease.holder_before) or head.begun_under(self._lease.fencing),
            pending.processes(history.name, history.namespace),
        )
        back = good(history.heads, head.number)
        action = pending.decide(
            stuck,
            back,
            after=self._options["pending_after"],
            allow_uninstall=self._options["allow_uninstall"],
        )
        self._lease.check()
        failpoint("repair")
        timeout = self._options["timeout"]
        if action == pending.UNINSTALL or back is None:
            self._helm.uninstall(history.name, history.namespace, timeout=timeout)
            return f"revision {head.number} was {head.status} and is uninstalled"
        returning.require(self._check, back)
        self._helm.rollback(
            history.name,
            history.namespace,
            back.number,
            timeout=timeout,
            history_max=self._options["history_max"],
        )
        return f"revision {head.number} was {head.status}; it was returned to revision {back.number}"
