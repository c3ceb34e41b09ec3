# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The contents of a rotation's secrets: read from where they lie, made once, and written stage by stage."""

from __future__ import annotations

import json

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._generate import make
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import ORDER, Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import content, names

# Of the copy of an old content: what was said about the Secret before.
SAID_BEFORE = f"{names.PREFIX}/said-before"


def load(shop: Shop, group: Group) -> None:
    """Read what the Secrets of a group hold; nothing of it is in the journal."""
    store, rotation = shop.store, shop.journal.id

    def one(member: Member) -> None:
        pending = store.find(names.beside(member.name, names.PENDING, rotation))
        previous = store.find(names.beside(member.name, names.PREVIOUS, rotation))
        live = store.find(member.before) if member.before else None
        if pending is not None:
            member.new = content.of_secret(pending)
        if previous is not None:
            member.old = content.of_secret(previous)
        elif live is not None and not member.prints:
            member.old = content.of_secret(live)
        elif member.before and not group.revoked:
            raise RampartError(
                f"The copy of the old content of Secret {member.definition} is gone.",
                next_step="see who deleted it; settle the content of the Secret by hand, then delete the "
                f"journal {names.journal(rotation)}",
            )
        for held in (member.old, member.new):
            if held:
                shop.redactor.add(*make.confidential(member.definition, held))

    store.client.map(one, group.members)


def reached(shop: Shop, member: Member) -> list[Stage]:
    """Return the stages that a member is in, by what its Secret holds now."""
    if not member.prints:
        return [Stage.OLD]
    if member.is_versioned:
        return [stage for stage in ORDER if shop.store.find(member.objects[stage])] or [Stage.OLD]
    live = shop.store.find(member.objects[Stage.OLD])
    if live is None:
        # One that was deleted is made again with the next content that is written: all lie beside it.
        return [Stage.OLD]
    found = member.stages_of(shop.store.print_of(content.of_secret(live)))
    if not found:
        raise RampartError(
            f"{shop.store.target(member.objects[Stage.OLD])} holds what neither the rotation nor anybody "
            "before it wrote.",
            next_step="find out who writes to it, settle the content, and run again",
        )
    return found


def create(shop: Shop, group: Group) -> None:
    """Make every new content once, and keep old and new beside the Secret until the rotation is done with."""
    made: dict[str, dict[str, bytes]] = {}
    for member in group.members:
        if member.new is None:
            member.new = _make(shop, member, shop.backend(member.definition), made)
        shop.redactor.add(*make.confidential(member.definition, member.new))
        made[member.name] = member.new
        _keep(shop, member)
    for member in group.members:
        _name_stages(shop, member)


def _make(
    shop: Shop, member: Member, backend: Backend, made: dict[str, dict[str, bytes]]
) -> dict[str, bytes]:
    definition = member.definition
    sources = {
        name: made[name] if name in made else shop.current(name) for name in sorted(definition.sources)
    }
    asks = any(key.generator in ("backend", "docker_config") for key in definition.keys)
    issued = backend.issue(shop.turn(member)) if asks else {}
    material = make.Material(shop.now(), issued, sources, shop.sign)
    new = make.make(definition, material)
    content.check_size(new, str(definition))
    return new


def _keep(shop: Shop, member: Member) -> None:
    store, rotation = shop.store, shop.journal.id
    if member.new is None:
        raise ValueError(f"{member.definition} was not made")
    mark = {names.ROTATION_ID: rotation}
    pending = names.beside(member.name, names.PENDING, rotation)
    store.create("pending", pending, names.PENDING, member.new, annotations=mark, immutable=True)
    if member.old is None:
        return
    live = store.find(member.before) or {"metadata": {}}
    annotations = live["metadata"].get("annotations") or {}
    # What was not said is to be said no more, also by a person who has this copy only.
    about = {key: annotations.get(key) for key in names.ABOUT if key != names.FENCING}
    previous = names.beside(member.name, names.PREVIOUS, rotation)
    said = {**mark, SAID_BEFORE: json.dumps(about, sort_keys=True)}
    store.create("previous", previous, names.PREVIOUS, member.old, annotations=said, immutable=True)


def _name_stages(shop: Shop, member: Member) -> None:
    """Note what each stage will look like, by fingerprint and by the name of the Secret that holds it."""
    for stage in ORDER:
        if stage is Stage.OLD and member.old is None:
            member.prints[stage], member.objects[stage] = "", member.name
            continue
        held = member.content(stage)
        content.check_size(held, str(member.definition))
        member.prints[stage] = shop.store.print_of(held)
        if stage is Stage.OLD or not member.is_versioned:
            member.objects[stage] = member.before or member.name
        elif member.prints[stage] == member.prints.get(Stage.OLD):
            member.objects[stage] = member.before
        else:
            member.objects[stage] = f"{member.name}-{content.suffix(shop.store.read_key(), held)}"


def _said(shop: Shop, member: Member, stage: Stage) -> dict[str, str | None]:
    """Return the annotations that go with a content."""
    if stage is Stage.OLD:
        previous = shop.store.find(names.beside(member.name, names.PREVIOUS, shop.journal.id))
        text = ((previous or {}).get("metadata", {}).get("annotations") or {}).get(SAID_BEFORE, "{}")
        before = json.loads(text)
        return {key: before.get(key) for key in names.ABOUT if key != names.FENCING}
    return {
        names.CLASS: member.definition.secret_class,
        names.OWNER: member.definition.owner or None,
        names.ROTATED_AT: shop.journal.started,
        names.ROTATION_ID: shop.journal.id,
        names.REASON: shop.journal.reason,
        names.FINGERPRINTS: content.prints_text(shop.store.read_key(), member.content(stage)),
    }


def write(shop: Shop, member: Member, stage: Stage) -> None:
    """Bring a Secret to the content of a stage, in one write that holds content and annotations."""
    store, definition = shop.store, member.definition
    held, said = member.content(stage), _said(shop, member, stage)
    name = member.objects[stage]
    given = {key: value for key, value in said.items() if value is not None}
    if member.is_versioned:
        store.create(
            f"stage {stage}",
            name,
            names.VERSION,
            held,
            kind=definition.type,
            annotations={**given, names.VERSION_OF: member.name},
            immutable=True,
        )
        return
    known = {print_ for print_ in member.prints.values() if print_}
    step = f"stage {stage}"
    if store.replace(step, name, held, said, lambda found: store.print_of(found) in known) is None:
        store.create(step, name, names.SECRET, held, kind=definition.type, annotations=given)


def withdraw(shop: Shop, member: Member) -> None:
    """Take back what did not exist before the rotation."""
    if member.is_versioned:
        made = {
            name for stage, name in member.objects.items() if name != member.before and stage is not Stage.OLD
        }
        shop.store.delete("withdraw version", sorted(made))
    elif not member.before and member.objects:
        live = shop.store.find(member.objects[Stage.INTRODUCE])
        if live is not None and shop.store.print_of(content.of_secret(live)) in member.prints.values():
            shop.store.delete("withdraw secret", [member.objects[Stage.INTRODUCE]])


def forget(shop: Shop, group: Group) -> None:
    """Remove the copies of old and new content."""
    for member in group.members:
        for role in (names.PENDING, names.PREVIOUS):
            name = names.beside(member.name, role, shop.journal.id)
            if shop.store.find(name) is not None:
                shop.store.delete(f"forget {role}", [name])
