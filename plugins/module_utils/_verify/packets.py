# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the packets said, compared with the truth table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import End
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell

# How a cluster's network is told: from the API groups that it brings along, or from what runs on all nodes.
NETWORKS = {
    "cilium.io": "Cilium",
    "crd.projectcalico.org": "Calico",
    "projectcalico.org": "Calico",
    "crd.antrea.io": "Antrea",
    "kubeovn.io": "Kube-OVN",
    "kube-flannel-ds": "flannel",
    "kindnet": "kindnet",
    "kube-router": "kube-router",
    "weave-net": "Weave Net",
    "aws-node": "Amazon VPC CNI",
    "azure-cns": "Azure CNI",
}


class Answer(StrEnum):
    """What a probe heard."""

    # The listener spoke, or the name was resolved, or the connection was made.
    YES = "yes"
    # Somebody said that nobody listens there, or that no way leads there.
    TOLD = "told"
    # Silence.
    NONE = "none"


Answers = Mapping[Cell, Answer]


def arrives(cell: Cell, answer: Answer) -> bool:
    """Say whether a packet to a probe arrived. A shut UDP port says so, to whoever gets through."""
    return answer is Answer.YES or (cell.port.protocol == "UDP" and answer is Answer.TOLD)


class Controls:
    """The packets that got through, without which a refusal says nothing."""

    def __init__(self, answers: Answers) -> None:
        self.listening = {
            (cell.target, cell.port) for cell, answer in answers.items() if cell.own and arrives(cell, answer)
        }
        between = [cell for cell in answers if not cell.own and not isinstance(cell.target, End)]
        # Between two pods that may: else it is not known whether the answer of a shut port comes back.
        self.udp = any(
            cell.allowed and cell.port.protocol == "UDP" and arrives(cell, answers[cell]) for cell in between
        )
        beyond = {cell.target for cell in answers if isinstance(cell.target, End)}
        heard = {end: _heard(end, answers) for end in beyond}
        self.ends = {end: answer for end, answer in heard.items() if answer is not None}


def _heard(end: End, answers: Answers) -> Answer | None:
    """Say what whoever may ask hears from an end; None where that is nothing to tell a drop from.

    Who is refused may be told so by the network itself, and a router says only now and then that no way
    leads there.
    """
    if any(answer is Answer.YES for cell, answer in answers.items() if cell.target == end):
        return Answer.YES
    may = {answer for cell, answer in answers.items() if cell.target == end and cell.allowed}
    return Answer.TOLD if may == {Answer.TOLD} else None


def judge(cells: Sequence[Cell], answers: Answers) -> Iterator[Proof]:
    """Compare what arrived with what must. A refusal counts only where somebody else got through.

    A listener that never listened would look like a wall: that it answers is shown by the pod
    itself, and that its pod can be reached by whoever is allowed to.
    """
    controls = Controls(answers)
    for cell in cells:
        if cell not in answers:
            yield Proof(str(cell), Verdict.NOT_PROVEN, cell.allowed is not True, "the probe gave no answer")
        elif isinstance(cell.target, End):
            yield from _beyond(cell, cell.target, answers[cell], controls.ends.get(cell.target))
        elif cell.own:
            if not arrives(cell, answers[cell]):
                yield _deaf(cell)
        else:
            yield _between(cell, answers[cell], controls)


def _deaf(cell: Cell) -> Proof:
    if cell.port.protocol == "UDP":
        said = "the probes cannot ask by UDP: their nslookup takes no port, or hides what it is told"
        return Proof(f"{cell.target} tries UDP", Verdict.NOT_PROVEN, False, said)
    return Proof(f"{cell.target} listens on {cell.port}", Verdict.BROKEN, False, "it does not")


def _between(cell: Cell, answer: Answer, controls: Controls) -> Proof:
    arrived = arrives(cell, answer)
    udp = cell.port.protocol == "UDP"
    if udp and not controls.udp and not arrived:
        said = "between no two pods the answer of a shut UDP port comes back"
        return Proof(str(cell), Verdict.NOT_PROVEN, not cell.allowed, said)
    if not arrived and not cell.allowed and not udp and (cell.target, cell.port) not in controls.listening:
        return Proof(str(cell), Verdict.VACUOUS, True, "nobody gets an answer there")
    return _compare(cell, arrived=arrived)


def _beyond(cell: Cell, end: End, answer: Answer, heard: Answer | None) -> Iterator[Proof]:
    """Judge a packet that leaves the probes. Nothing is said where nobody answers and nobody has to."""
    if heard is None:
        if end.answers and cell.allowed:
            yield _compare(cell, arrived=False)
        elif end.answers:
            said = "nobody gets an answer there: a drop cannot be told from silence"
            yield Proof(str(cell), Verdict.VACUOUS, True, said)
    elif heard is answer is Answer.TOLD and not cell.allowed:
        said = "it is told that nobody is there, by whom cannot be told"
        yield Proof(str(cell), Verdict.NOT_PROVEN, True, said)
    else:
        yield _compare(cell, arrived=answer is heard)


def _compare(cell: Cell, *, arrived: bool) -> Proof:
    """Hold one packet against the definition first, and then against the policies that live."""
    if cell.forbidden:
        if arrived:
            said = f"it must be refused and arrives ({cell.because})"
        elif cell.allowed:
            said = f"the definition refuses it and it is {cell.because}; the packet did not arrive"
        else:
            return Proof(str(cell), Verdict.HELD, True)
        return Proof(str(cell), Verdict.BROKEN, True, said)
    if cell.allowed is None:
        said = f"{cell.because}; it {'arrives' if arrived else 'does not arrive'}"
        return Proof(str(cell), Verdict.NOT_PROVEN, not arrived, said)
    if cell.missed and not arrived:
        said = f"the definition allows it and it is {cell.because}"
        return Proof(str(cell), Verdict.BROKEN, False, said)
    if arrived is cell.allowed:
        return Proof(str(cell), Verdict.HELD, not cell.allowed)
    must = "arrive and does not" if cell.allowed else "be refused and arrives"
    return Proof(str(cell), Verdict.BROKEN, not cell.allowed, f"it must {must} ({cell.because})")


def undecided(answers: Answers) -> list[str]:
    """Name what nobody gets an answer from, where nobody has to be: a drop looks the same."""
    controls = Controls(answers)
    count: dict[End, int] = {}
    for cell in answers:
        if isinstance(cell.target, End) and not cell.target.answers and cell.target not in controls.ends:
            count[cell.target] = count.get(cell.target, 0) + (not cell.allowed)
    return [
        f"{end}: nobody answers, not even to whoever may ask, so {number} refusals are not told from silence"
        for end, number in count.items()
    ]


def enforces(answers: Answers) -> bool:
    """Say whether any refusal that must be seen was seen: the wall is there in every cluster."""
    walled = [answer is Answer.YES for cell, answer in answers.items() if cell.source.walled and not cell.own]
    return bool(walled) and not any(walled)


def deciding(cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Count for each policy how many packets it has a part in letting through or refusing."""
    found: dict[str, dict[str, int]] = {}
    for cell in cells:
        for name in cell.by:
            counts = found.setdefault(name, {"allows": 0, "refuses": 0})
            if cell.allowed is not None:
                counts["allows" if cell.allowed else "refuses"] += 1
    return dict(sorted(found.items()))


def reasons(cells: Iterable[Cell]) -> dict[str, dict[str, str]]:
    """Return for every source what decides about its packets, and where these go."""
    found: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        if not cell.own:
            goal = str(cell).removeprefix(f"{cell.source} to ")
            found.setdefault(str(cell.source), {}).setdefault(cell.because, []).append(goal)
    return {
        source: {reason: ", ".join(goals) for reason, goals in sorted(by_reason.items())}
        for source, by_reason in sorted(found.items())
    }


def own_network(root: str | None) -> str:
    """Name the network of a cluster whose folder on this machine says it: as its nodes are configured."""
    for path in sorted(Path(root or "").glob("etc/cni/*.conflist")) if root else []:
        plugins = json.loads(path.read_text(encoding="utf-8"))["plugins"]
        return f"the CNI {' and '.join(plugin['type'] for plugin in plugins)} ({path.name})"
    return ""


def network_name(signs: Iterable[str]) -> str:
    """Name the cluster's network by the API groups that are served and by what runs on its nodes."""
    for sign in signs:
        if sign in NETWORKS:
            return NETWORKS[sign]
    return "a network that is none of " + ", ".join(sorted(set(NETWORKS.values()))) + " (a plain bridge?)"
