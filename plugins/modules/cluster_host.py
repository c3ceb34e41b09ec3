#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_host
short_description: Makes this machine ready for an embedded cluster, and clears away what one leaves
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes what a cluster needs of the machine before its first program starts, which is a link with the
    node's address, kernel settings and cgroups. It refuses to go on when a port or an address range is
    taken, and names who has it.
  - Clears away what a cluster leaves on the machine when it ends, or when it was killed with the machine,
    which is mounts, network namespaces, links, BPF programs (they hang on a mount), packet rules, routing
    rules, cgroups and sockets. What is left is read from the machine every time, never from a record.
  - Only what carries the names of this cluster is touched. What all clusters of a machine share, such as the
    chains of the kubelet, is cleared only when no other cluster runs.
options:
  root:
    description: The folder below which everything of the cluster stands.
    type: path
    required: true
  state:
    description:
      - V(present) makes the machine ready. When nothing of the cluster lives, what an earlier life left is
        cleared away first; what lives is never touched.
      - V(stopped) ends the pods of a cluster whose programs are stopped, and clears away. The data stays.
      - V(absent) also removes O(root) with all data, and puts the kernel settings back.
    type: str
    choices: [present, stopped, absent]
    default: present
  network:
    description: The name of the cluster's pod network in its CNI configuration.
    type: str
    required: true
  link:
    description: The name of the link that carries O(address).
    type: str
    required: true
  bridge:
    description: The name of the bridge of the plain pod network.
    type: str
    required: true
  cgroup:
    description: The cgroup of the cluster's pods, as seen from the top.
    type: str
    required: true
  address:
    description:
      - The address of the node. When it is on no link of this machine, O(link) is made for it.
    type: str
    required: true
  pod_cidr:
    description: The range of the pods' addresses.
    type: str
    required: true
  service_cidr:
    description: The range of the services' addresses.
    type: str
    required: true
  endpoints:
    description: Where the cluster's programs will listen. Only used with O(state=present).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Who will listen there.
        type: str
        required: true
      address:
        description: The address.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
  settings:
    description:
      - Kernel settings by name and value. The value before the first change is kept below O(root), to be put
        back.
      - One that this kernel, or a container around it, does not allow is listed in RV(refused_settings).
    type: dict
    default: {}
  alone:
    description:
      - Programs of which a machine bears only one, such as C(cilium-agent). When another cluster runs one,
        this one is refused. Only used with O(state=present).
    type: list
    elements: str
    default: []
  commands:
    description:
      - Programs that the components find by name, and that must be there. Only used with O(state=present).
    type: list
    elements: str
    default: []
  users:
    description:
      - System users that programs of the cluster run as. A missing one is made, without a home and without a
        login. With O(state=absent) one that was made here goes, unless a process still runs as it.
    type: list
    elements: str
    default: []
  stop_seconds:
    description: How long pods are given to end before they are killed.
    type: int
    default: 10
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: partial
    details: A kernel setting that is refused is tried again by every run.
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
"""

EXAMPLES = r"""
- name: Make the machine ready for a cluster
  rampart.k8s.cluster_host: &host
    root: /var/lib/rampart/demo
    network: rampart-demo
    link: rmp0node
    bridge: rmp0pods
    cgroup: /rampart/demo
    address: 198.19.0.1
    pod_cidr: 10.128.0.0/16
    service_cidr: 10.192.0.0/16
    endpoints:
      - {name: kube-apiserver, address: 198.19.0.1, port: 6443}
    settings:
      net.ipv4.ip_forward: "1"

- name: Remove all that it made
  rampart.k8s.cluster_host:
    <<: *host
    state: absent
"""

RETURN = r"""
reason:
  description: Why something changed, or that nothing had to.
  returned: always
  type: str
  sample: a stopped cluster left 3 mounts, 1 links
swept:
  description: What was left of an earlier life and was cleared away, by kind.
  returned: success
  type: dict
  sample: {links: [cilium_net, cilium_host]}
egress_link:
  description: The link by which this machine reaches other networks, empty when there is none.
  returned: success
  type: str
  sample: eth0
refused_settings:
  description: The kernel settings that could not be made.
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
from ipaddress import IPv4Network
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.host import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.operation import ClusterHost
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

SPEC = ArgumentSpec(
    options={
        "root": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["present", "stopped", "absent"], "default": "present"},
        "network": {"type": "str", "required": True},
        "link": {"type": "str", "required": True},
        "bridge": {"type": "str", "required": True},
        "cgroup": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "pod_cidr": {"type": "str", "required": True},
        "service_cidr": {"type": "str", "required": True},
        "endpoints": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "address": {"type": "str", "required": True},
                "port": {"type": "int", "required": True},
            },
        },
        "settings": {"type": "dict", "default": {}},
        "alone": {"type": "list", "elements": "str", "default": []},
        "commands": {"type": "list", "elements": "str", "default": []},
        "users": {"type": "list", "elements": "str", "default": []},
        "stop_seconds": {"type": "int", "default": 10},
    },
)


def _range(option: str, text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise RampartError(
            f"{option} is {text!r}, which is not a range of IPv4 addresses ({error}).",
            next_step="write it like 10.128.0.0/16",
        ) from error


def build(module: AnsibleModule, redactor: Redactor) -> ClusterHost:
    """Turn the options into a cluster and what it wants of the host."""
    options = module.params
    pods = _range("pod_cidr", options["pod_cidr"])
    return ClusterHost(
        cluster=Cluster(
            # Mounts and the marks of processes show the folder without links.
            root=Path(os.path.realpath(options["root"])),
            network=options["network"],
            link=options["link"],
            bridge=options["bridge"],
            cgroup=options["cgroup"],
            pod_cidr=pods,
        ),
        wanted=Wanted(
            address=options["address"],
            ranges={"pod_cidr": pods, "service_cidr": _range("service_cidr", options["service_cidr"])},
            endpoints={item["name"]: (item["address"], item["port"]) for item in options["endpoints"]},
            commands=tuple(options["commands"]),
            alone=tuple(options["alone"]),
            users=tuple(options["users"]),
            settings={name: str(value) for name, value in options["settings"].items()},
        ),
        state=options["state"],
        stop_seconds=options["stop_seconds"],
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
