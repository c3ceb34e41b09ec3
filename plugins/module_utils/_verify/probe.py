# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The pod that tries packets: what it runs, how it is told whom to try, and how it is heard."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.packets import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._verify.places import Place
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Endpoint, Port
from ansible_collections.rampart.k8s.plugins.module_utils._verify.truth_table import Cell

TARGETS = "rampart.k8s/targets"
END = "rampart-end"
PAUSE = "wait - 0 - 0"
TRIES = 3
# A probe that says nothing for so long has not heard of the others.
SILENCE = 15.0

# Listens on every TCP port, then waits until the addresses of the others are known: they come as an
# annotation, since a pod that may reach nobody cannot ask for them. What must arrive is tried more
# than once, because a full backlog looks like a wall; a wall is a wall at the first try. A BusyBox
# neither listens by UDP nor has to: the kernel says that a port is shut, if the question gets to it.
SCRIPT = f"""
for port in $PORTS; do nc -ll -p "$port" -e /bin/sh -c 'echo rampart' & done
while [ ! -s /probe/targets ]; do sleep 0.1; done
while read -r key first second rest; do
  [ "$key" = search ] && domain=$second
  [ "$key" = nameserver ] && resolver=${{resolver:-$first}}
done </etc/resolv.conf
# Whoever has no answer by now gets none; nslookup itself waits longer.
hush() {{
  sleep 3
  for process in /proc/[0-9]*; do
    read -r name <"$process/comm" && [ "$name" = nslookup ] && kill "${{process#/proc/}}"
  done 2>/dev/null
}}
# nslookup asks on although it was told, so it is ended after its first word.
first() {{
  read -r child
  read -r line
  kill "$child" 2>/dev/null
  echo "$line"
}}
# A connection that stands runs a program, whose end says so: time alone does not tell one that stands from a
# probe that a busy machine lets wait.
connect() {{
  nc -w 2 "$1" "$2" -e /bin/sh -c : </dev/null 2>&1; echo "code $?"
}}
ask() {{
  case "$1" in
    tcp) said=$(nc -w 2 "$2" "$3" </dev/null 2>&1); [ "$said" = rampart ] && said='code 0' ;;
    udp) said=$(nslookup -type=a x. "$2:$3" 2>&1) ;;
    shut) said=$(sh -c 'echo $$; exec nslookup -type=a x. "$0" 2>&1' "$2:$3" | first) ;;
    dns) said=$(nslookup -type=a "kubernetes.default.$domain" 2>&1; echo "code $?") ;;
    name) said=$(connect "$resolver" "$3") ;;
    *) said=$(connect "$2" "$3") ;;
  esac
  case "$1/$said" in
    *refused*|*unreach*|*route*) answer={Answer.TOLD} ;;
    *"code 0") answer={Answer.YES} ;;
    *) answer={Answer.NONE} ;;
  esac
}}
tried=
while read -r key way tries address port; do
  if [ "$key" = wait ]; then hush; wait $tried; tried=; continue; fi
  (while :; do
    tries=$((tries - 1))
    ask "$way" "$address" "$port"
    case "$tries/$way/$answer" in 0/*|*/{Answer.YES}|*/shut/{Answer.TOLD}) break ;; esac
  done; echo "$key $answer") &
  tried="$tried $!"
done </probe/targets
wait $tried
echo {END}
while :; do sleep 60; done
"""


def pod(
    place: Place, name: str, image: str, listening: Iterable[Port], named: Mapping[str, Port]
) -> dict[str, Any]:
    """Return the pod of one place; its ports have the names that policies call them by."""
    numbers = sorted({port.number for port in listening if port.protocol == "TCP"})
    container = objects.restricted_container(
        image,
        ["/bin/sh", "-c", SCRIPT],
        env=[{"name": "PORTS", "value": " ".join(map(str, numbers))}],
        ports=[
            {"name": called, "containerPort": port.number, "protocol": port.protocol}
            for called, port in sorted(named.items())
        ],
        volumeMounts=[{"name": "probe", "mountPath": "/probe", "readOnly": True}],
    )
    targets = {"path": "targets", "fieldRef": {"fieldPath": f"metadata.annotations['{TARGETS}']"}}
    spec = objects.restricted_spec(
        container,
        automountServiceAccountToken=False,
        volumes=[{"name": "probe", "downwardAPI": {"items": [targets]}}],
    )
    # Low ports without a capability; a safe sysctl, which the level restricted accepts.
    spec["securityContext"]["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    return objects.pod(name, place.namespace, spec, place.labels)


def endpoint(place: Place, address: str, named: Mapping[str, Port]) -> Endpoint:
    """Return a probe as policies see it."""
    labels = {**objects.IDENTITY, **place.labels, objects.LABEL: "true"}
    return Endpoint(place.namespace, labels, address, named)


def targets(cells: Iterable[Cell], addresses: Mapping[Place, str]) -> str:
    """Write down for a probe whom to try and how. What must be refused comes first and is waited for."""
    refused: list[str] = []
    allowed: list[str] = []
    for cell in cells:
        address = addresses[cell.target] if isinstance(cell.target, Place) else cell.target.address
        # Where an answer is awaited, nobody waits for the end of the question.
        way = "shut" if cell.allowed and cell.way == "udp" else cell.way
        line = f"{cell.key} {way} {TRIES if cell.allowed else 1} {address} {cell.port.number}"
        (allowed if cell.allowed else refused).append(line)
    return "\n".join([*refused, *([PAUSE] if refused else []), *allowed, ""])


def read_answers(log: str, cells: Mapping[str, Cell]) -> dict[Cell, Answer]:
    """Read what a probe printed; a line that is not whole counts as no answer."""
    found = {}
    for line in log.splitlines():
        key, _unused, answer = line.partition(" ")
        if key in cells and answer in tuple(Answer):
            found[cells[key]] = Answer(answer)
    return found


def follow(client: Client, path: str, timeout: float, clock: Callable[[], float] = time.monotonic) -> str:
    """Follow a probe's output until it says that it is done.

    A kubelet can miss what is written into a volume that it is still setting up, and looks again a
    minute later. It looks at once when anything else of the pod changes.
    """
    end = clock() + timeout
    for turn in itertools.count():
        text = ""
        left = max(end - clock(), 1.0)
        stream = client.transport.stream(f"{path}/log", {"follow": "true"}, timeout=min(left, SILENCE))
        for line in stream:
            if line.decode() == END:
                return text
            text += line.decode() + "\n"
        if clock() >= end:
            break
        patch = {"metadata": {"annotations": {"rampart.k8s/asked-again": str(turn)}}}
        client.call("PATCH", path, body=patch, content_type=MERGE, verb="point", target=path)
    return text
