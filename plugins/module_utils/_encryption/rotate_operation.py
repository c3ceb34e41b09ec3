# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Takes a key rotation from wherever it stands to its end, one step after the other.

Before each step everything is looked at anew: the file, every API server, and etcd. No step goes by
what an earlier one has done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import (
    backup,
    key_notes,
    migration,
    rewriting,
    transitions,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import classify
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_report import describe, outcome
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import render
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    PLAIN,
    Configuration,
    Key,
    new_key,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotate_look import Look, Observer, Order
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotation import (
    Decision,
    Step,
    decide,
    forecast,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.servers import NotLoadedError
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.lease import Lease

LEASE = ("kube-system", "rampart-encryption")
# A restart of the only API server must fit in.
LEASE_SECONDS = 60

# A rotation takes five; whoever writes the file meanwhile, or values under an old key, is not outrun.
MOST_STEPS = 20

NAMED = 20


class EncryptionRotation:
    """The operation behind the module encryption_rotate."""

    def __init__(
        self,
        order: Order,
        redactor: Redactor,
        progress: Progress,
        gate: Callable[[Sequence[str]], Gate],
    ) -> None:
        self._order = order
        self._redactor = redactor
        self._progress = progress
        self._gate = gate
        self._observer = Observer(order, redactor, progress)
        self._done: list[dict[str, str]] = []
        self._result: dict[str, Any] = {"rewritten": 0, "backup": "", "migrations": {}}

    def plan(self) -> Plan:
        """Look at everything, refuse what cannot be done, and say which steps are left."""
        backup.refuse(self._order)
        self._observer.preflight()
        look = self._observer.look()
        decision = self._decide(look)
        configuration = look.seen.configuration
        due = decision.entries if decision and decision.step is Step.ADD else ()
        end = transitions.outlook(configuration, self._order.target, due)
        steps = forecast(decision, leaves=end != configuration)
        lagging = look.lagging()
        reasons = [decision.reason] if decision else []
        reasons += [f"{url} does not work with the file yet" for url in lagging]
        changed = bool(steps or lagging)
        return Plan(
            changed,
            "; ".join(reasons) or "every value is under a key that may stay",
            {"resources": configuration.shown()},
            {"resources": end.shown()},
            self._results(look, [{"step": step, "reason": ""} for step in steps], final=not changed),
        )

    def apply(self, plan: Plan) -> Plan:
        """Go from step to step as the only writer, until none is left."""
        writer = Client(self._order.connection, self._redactor)
        lease = Lease(writer, *LEASE, duration=LEASE_SECONDS, patience=self._order.lock_timeout)
        with lease:
            for _step in range(MOST_STEPS):
                look = self._observer.look()
                self._follow(look)
                decision = self._decide(look)
                if decision is None:
                    break
                lease.check()
                failpoint(decision.step)
                self._progress.say(f"{decision.step}: {decision.reason}")
                self._act(look, decision)
                self._done.append({"step": decision.step, "reason": decision.reason})
            else:
                raise RampartError(
                    f"The rotation did not come to its end in {MOST_STEPS} steps: somebody else writes the "
                    "configuration, or values under an old key.",
                    next_step="find out who does (the audit log names him), then run again",
                    steps=self._done,
                )
            if self._order.compact:
                failpoint("compact")
                with closing(Gateway(self._order.endpoint)) as gateway:
                    gateway.compact(gateway.revision())
            failpoint("census")
            look = self._observer.look()
            result = self._results(look, self._done, final=True)
        after = {"resources": look.seen.configuration.shown()}
        return Plan(True, plan.reason, plan.before, after, result)

    def _decide(self, look: Look) -> Decision | None:
        return decide(
            look.seen.configuration,
            self._order.target,
            now=datetime.now(UTC),
            writes=look.writes,
            stale=look.stale,
        )

    def _follow(self, look: Look) -> None:
        """Let every API server follow the file; what one of them cannot read with is taken out again."""
        failpoint("follow")
        if not self._done:
            self._refuse_other_keys(look)
        try:
            self._observer.servers.converge(look.wanted())
        except NotLoadedError as error:
            before = look.seen.configuration
            without = transitions.withdraw(before, self._order.target)
            coming = {mark for entry in before.entries for mark in entry.marks}
            coming -= {mark for entry in without.entries for mark in entry.marks}
            if not coming or any(look.carried(mark) for mark in coming):
                raise
            failpoint("withdraw")
            self._write(look, without)
            if self._order.reload == "restart":
                # It may be down because of what it was given.
                self._observer.servers.converge(self._observer.look().wanted())
            named = ", ".join(str(mark) for mark in coming)
            raise NotLoadedError(
                f"{error.message} Nothing was written with {named} yet, so it was taken out again.",
                next_step=error.next_step,
                **error.details,
            ) from error

    def _refuse_other_keys(self, look: Look) -> None:
        """Never put our file in place of one whose keys could be the only ones for some values."""
        servers = [url for url in look.lagging() if self._observer.servers.publishes(url)]
        foreign = look.foreign() if servers else {}
        if foreign:
            named = ", ".join(f"{mark} ({count} values)" for mark, count in foreign.items())
            raise RampartError(
                f"{', '.join(servers)} work with another file, and etcd holds values under keys that "
                f"{self._order.file.path} does not have: {named}. Nothing was written.",
                next_step="find these keys in the files of the API servers and put them into this one as the "
                "last readers, then run again",
                servers=servers,
            )

    def _act(self, look: Look, decision: Decision) -> None:
        configuration, target = look.seen.configuration, self._order.target
        if decision.step is Step.ADD:
            changed = transitions.add(configuration, target, decision.entries, self._make_key)
            self._note(look, changed)
            self._write(look, changed)
        elif decision.step is Step.PROMOTE:
            self._write(look, transitions.promote(configuration, target))
        elif decision.step is Step.REWRITE:
            self._rewrite(look)
        else:
            changed = transitions.retire(configuration, target, decision.entries)
            self._refuse_needed(look, changed)
            if self._order.backup_dir:
                failpoint("backup")
                self._result["backup"] = backup.write(self._order, look.seen, look.cluster_uid)
                failpoint("backed-up")
            self._write(look, changed)
            self._note(look, changed)

    def _make_key(self, least: datetime | None) -> Key:
        now = datetime.now(UTC)
        key = new_key(max(now, least or now), ())
        self._redactor.add(*key.forms())
        return key

    def _write(self, look: Look, configuration: Configuration) -> None:
        """Write the file unless it is not any more what the decision was made on."""
        with self._order.file.only_writer():
            if self._order.file.require().content == look.seen.content:
                failpoint("write")
                self._order.file.write(render(configuration))
                failpoint("written")

    def _note(self, look: Look, configuration: Configuration) -> None:
        names = {key.name for key in configuration.all_keys()}
        notes = {name: look.notes.get(name, look.revision) for name in names}
        if notes != look.notes:
            key_notes.write(self._observer.client, notes)

    def _rewrite(self, look: Look) -> None:
        order, client = self._order, self._observer.client
        with closing(Gateway(order.endpoint)) as gateway:
            self._migrate(look)
            failpoint("rewrite-pool")
            rewriter = rewriting.Rewriter(
                client, gateway, order.prefix, self._progress, patience=order.connection.api_timeout
            )
            is_stale = look.staleness()
            found = rewriter.run(lambda resource, value: is_stale(resource, classify(value)))
        self._result["rewritten"] += found.rewritten
        failpoint("rewritten")
        if found.failed:
            raise _undecryptable(found)

    def _migrate(self, look: Look) -> None:
        """Have the cluster do it where it can; the rest is done afterwards, whatever that is."""
        collection = None if self._order.rewrite == "pool" else migration.served(self._observer.client)
        if collection is None:
            if self._order.rewrite == "migration":
                raise RampartError(
                    "The cluster serves no StorageVersionMigration.",
                    next_step="enable storagemigration.k8s.io and its feature gate, or leave rewrite at auto",
                )
            return
        failpoint("migrate")
        marks = {resource: look.writer(resource) for resource in look.stale()}
        wanted = {resource: mark for resource, mark in marks.items() if mark is not None}
        client = self._observer.client
        with client.transport.within(self._order.connection.api_timeout):
            troubles = migration.migrate(
                client, collection, wanted, self._progress, timeout=self._order.connection.api_timeout
            )
        self._result["migrations"] |= {resource: troubles.get(resource, "") for resource in wanted}
        for resource, mark in wanted.items():
            migration.clear(client, collection, [resource], mark)

    def _refuse_needed(self, look: Look, changed: Configuration) -> None:
        """Never drop a key that one value in etcd still carries, of whatever resource."""
        before = {mark for entry in look.seen.configuration.entries for mark in entry.marks}
        dropped = before - {mark for entry in changed.entries for mark in entry.marks} - {PLAIN}
        needed = {str(mark): look.carriers(mark) for mark in sorted(dropped) if look.carried(mark)}
        if needed:
            said = "; ".join(f"{mark} by {carriers}" for mark, carriers in needed.items())
            raise RampartError(
                f"Keys are still needed and were not dropped: {said}.",
                next_step="name these resources in the option resources, or rewrite them, then run again",
                needed=needed,
            )

    def _results(self, look: Look, steps: list[dict[str, str]], *, final: bool) -> dict[str, Any]:
        census = describe(look.counted(), look.seen.configuration)
        evidence = ""
        if final:
            verdict = self._gate(census["wanted"]).conclude([outcome(self._order.endpoint.url, census)])
            evidence = "".join(verdict.result["evidence"])
        return {
            **self._result,
            "steps": steps,
            "entries": look.seen.configuration.shown(),
            "encryption_keys": look.keys(datetime.now(UTC)),
            "api_servers": [
                {"server": url, "config_hash": state.loaded, "identity": state.identity}
                for url, state in look.states.items()
            ],
            "census": census,
            "evidence": evidence,
        }


def _undecryptable(found: rewriting.Outcome) -> RampartError:
    listed = list(found.failed.items())
    said = "; ".join(f"{key}: {why}" for key, why in listed[:NAMED])
    more = f" (and {len(listed) - NAMED} more)" if listed[NAMED:] else ""
    first = listed[0][0]
    return RampartError(
        f"{len(listed)} values could not be rewritten, {found.rewritten} others were: {said}{more}. "
        "No key was dropped.",
        next_step="for each of them, find the key that it carries, put that key back into the configuration "
        "as the last one from a backup of the file, and run again; what no backup can read is lost and can "
        "only be removed from etcd (the commands are in the field steps)",
        failed_values=found.failed,
        rewritten=found.rewritten,
        steps=[
            f"etcdctl get --print-value-only {first} | head -c 80   # shows provider and key in front",
            "sudo editor <the encryption configuration>   # put the key back, last in its provider's list",
            "ansible-playbook playbooks/rotate_encryption.yml   # goes on where it was",
            f"etcdctl del {first}   # only when no backup holds the key: the object is lost",
        ],
    )
