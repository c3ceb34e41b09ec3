# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds out what applying a list of definitions would change. Reads and dry runs only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access, managed, objects, step
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.diff import changed_fields, field_names, shown
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.step import Step

NAMESPACE = ("", "Namespace")
CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")

# What server-side apply asks for, whether the object exists or not.
APPLY_VERBS = ("get", "patch", "create")

# So many names of changed fields fit into a reason.
SHOWN_FIELDS = 5


class Planner:
    """Compares definitions with a cluster."""

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        *,
        field_manager: str,
        force_conflicts: bool,
        check_mode: bool,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._manager = field_manager
        self._force = force_conflicts
        self._check_mode = check_mode

    def locate(self, steps: list[Step], default_namespace: str) -> list[Step]:
        """Find the kinds, put namespaced objects into a namespace, refuse what stands twice."""
        self._discovery.load(one.ref.api_version for one in steps)
        located = [self._locate(one, default_namespace) for one in steps]
        objects.reject_duplicates(one.ref for one in located)
        return located

    def _locate(self, one: Step, default_namespace: str) -> Step:
        resource = self._discovery.find(one.ref.api_version, one.ref.kind)
        if resource is None:
            return one
        if resource.namespaced:
            namespace = one.ref.namespace or default_namespace
            one.definition["metadata"]["namespace"] = namespace
        elif one.ref.namespace:
            raise RampartError(
                f"{one.ref} has a namespace, but {one.ref.kind} belongs to the whole cluster.",
                next_step="take metadata.namespace out of the definition",
            )
        return replace(one, ref=Ref.of(one.definition), resource=resource)

    def present(self, steps: list[Step]) -> None:
        """Decide for each object whether it is created, updated or left alone."""
        self._observe(steps)
        pending = _Pending(steps)
        unknown = [one for one in steps if one.resource is None]
        for one in unknown:
            self._decide_unknown(one, pending)
        self._each([one for one in steps if one.resource], lambda one: self._decide_present(one, pending))
        self._refuse(steps, APPLY_VERBS)
        untried = [one for one in steps if one.untried and one.resource]
        if not self._check_mode:
            # What could be tried out was authorised by the trial itself.
            access.require(self._client, _permissions(untried, APPLY_VERBS))

    def absent(self, steps: list[Step]) -> None:
        """Decide for each object whether it is deleted."""
        self._observe(steps)
        for one in steps:
            if one.live is None:
                one.decide(step.ABSENT, "it does not exist")
            else:
                one.decide(step.DELETED, "it exists and is to be absent")
        self._refuse(steps, ("get", "delete"))
        access.require(self._client, _permissions([one for one in steps if one.changes], ("delete",)))

    def prune(
        self, steps: list[Step], selector: str, kinds: Iterable[dict[str, str]], namespaces: list[str]
    ) -> list[Step]:
        """Find what carries the label, was applied by us, and is in the list no more."""
        kept = {one.ref.identity for one in steps}
        wanted = [self._discovery.find(kind["api_version"], kind["kind"]) for kind in kinds]
        places = [
            (resource, namespace)
            for resource in wanted
            if resource
            for namespace in (namespaces if resource.namespaced and namespaces else [""])
        ]
        lists = self._client.map(
            lambda place: self._client.list_all(
                place[0].collection(place[1]), query={"labelSelector": selector}, target=place[0].plural
            )[0],
            places,
        )
        found: list[Step] = []
        for (resource, _unused), items in zip(places, lists, strict=True):
            for item in items:
                live = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
                one = Step(Ref.of(live), live, resource, live)
                if (
                    one.ref.identity in kept
                    or one.terminating
                    or not managed.is_applied_by(live, self._manager)
                ):
                    continue
                one.decide(step.DELETED, f"it carries {selector} and is in the list no more")
                found.append(one)
        access.require(self._client, _permissions(found, ("delete",)))
        return found

    def _observe(self, steps: list[Step]) -> None:
        def read(one: Step) -> None:
            one.live = self._client.find(one.path, target=str(one.ref))

        self._each([one for one in steps if one.resource], read)

    def _each(self, steps: list[Step], act: Callable[[Step], None]) -> None:
        """Do something for many objects; what the API refuses is kept, so that all of it is told at once."""

        def guarded(one: Step) -> None:
            if one.error:
                return
            try:
                act(one)
            except ApiError as error:
                one.error = error

        self._client.map(guarded, steps)

    def _decide_unknown(self, one: Step, pending: _Pending) -> None:
        if (one.ref.group, one.ref.kind) in pending.kinds:
            one.untried = True
            one.decide(step.CREATED, "it does not exist; its CustomResourceDefinition is created first")
        elif self._check_mode:
            one.untried = True
            one.decide(step.CREATED, f"the cluster does not serve {one.ref.kind} yet")
        else:
            self._discovery.require(one.ref.api_version, one.ref.kind)

    def _decide_present(self, one: Step, pending: _Pending) -> None:
        if one.terminating:
            one.untried = True
            one.decide(step.CREATED, "the present one is being deleted; it is created when that is done")
            return
        if one.live and managed.surely_unchanged(one.definition, one.live, self._manager):
            one.decide(step.UNCHANGED, "all applied fields are as defined")
            return
        if one.live is None and one.ref.namespace in pending.namespaces:
            one.untried = True
            one.decide(step.CREATED, f"it does not exist; its namespace {one.ref.namespace} is created first")
            return
        try:
            after = self._client.apply(
                one.path,
                one.definition,
                field_manager=self._manager,
                force=self._force,
                dry_run=True,
                target=str(one.ref),
            )
        except ApiError as error:
            if one.live is None and error.missing_kind == "namespaces" and self._check_mode:
                one.untried = True
                one.decide(step.CREATED, f"it does not exist, nor does its namespace {one.ref.namespace} yet")
            elif (one.ref.group, one.ref.kind) in pending.kinds and error.code in (400, 422, 500):
                one.untried = True
                action = step.UPDATED if one.live else step.CREATED
                one.decide(action, "its CustomResourceDefinition is updated first")
            else:
                raise
            return
        decide_by_result(one, after)

    def _refuse(self, steps: list[Step], verbs: tuple[str, ...]) -> None:
        """Stop before the first write when anything would be refused."""
        refused = [one for one in steps if one.error]
        if not refused:
            return
        forbidden = [one for one in refused if is_missing_permission(one.error)]
        if forbidden:
            every = [one for one in steps if one.resource]
            access.require(self._client, _permissions(every, verbs))
        first = refused[0].error
        if len(refused) == 1 and first:
            raise first
        listed = [str(one.error) for one in refused]
        raise RampartError(
            f"{len(refused)} objects would be refused. Nothing was written. " + " ".join(listed),
            next_step="see each object's own next step",
            errors=listed,
        )


class _Pending:
    """What the same list makes: trials cannot see it yet."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.namespaces: set[str] = set()
        self.kinds: set[tuple[str, str]] = set()
        for one in steps:
            identity = (one.ref.group, one.ref.kind)
            if identity == NAMESPACE and (one.live is None or one.terminating):
                self.namespaces.add(one.ref.name)
            elif identity == CRD:
                spec = one.definition.get("spec") or {}
                self.kinds.add((spec.get("group", ""), (spec.get("names") or {}).get("kind", "")))


def decide_by_result(one: Step, after: dict[str, Any]) -> None:
    """Compare what is there with what the server made of the definition."""
    one.after = after
    if one.live is None:
        one.decide(step.CREATED, "it did not exist")
        return
    # The key only serves to tell values apart here; nothing of this is shown.
    old, new = changed_fields(shown(one.live, b"compare"), shown(after, b"compare"))
    names = field_names(old, new)
    if names:
        more = f" and {len(names) - SHOWN_FIELDS} more" if len(names) > SHOWN_FIELDS else ""
        one.decide(step.UPDATED, f"these fields differ: {', '.join(names[:SHOWN_FIELDS])}{more}")
    elif _owners(one.live) != _owners(after):
        one.decide(step.UPDATED, "the values are as defined, but we do not own all of the fields yet")
    else:
        one.decide(step.UNCHANGED, "applying it changes nothing")


def _owners(live: dict[str, Any]) -> list[Any]:
    entries = (live.get("metadata") or {}).get("managedFields") or []
    return sorted(
        (
            str(entry.get("manager")),
            str(entry.get("operation")),
            str(entry.get("apiVersion")),
            str(entry.get("fieldsV1")),
        )
        for entry in entries
    )


def is_missing_permission(error: RampartError | None) -> bool:
    """Tell a lack of rights from a refusal by quota, Pod Security or a namespace's end (all are 403)."""
    return isinstance(error, ApiError) and error.code == 403 and " cannot " in error.message


def _permissions(steps: Iterable[Step], verbs: tuple[str, ...]) -> list[access.Permission]:
    return [
        access.Permission(verb, one.ref.group, one.resource.plural, one.ref.namespace or "")
        for one in steps
        if one.resource
        for verb in verbs
    ]
