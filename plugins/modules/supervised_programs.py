#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_programs
short_description: Keeps a group of programs running under one supervisord, without systemd
version_added: 0.1.0
description:
  - Runs the given programs under one C(supervisord) of their own, which lives in O(directory), outlives the
    run, starts a program again when it ends, and rotates the logs.
  - A program is restarted when its definition changed or when a file that it reads changed, and for no other
    reason. This is read from the running processes themselves, which carry a fingerprint of what they were
    started with, so that a run killed at any point is finished by the next one and check mode is exact.
  - Heals what it finds. After a C(supervisord) was killed its programs live on without care; they are found,
    ended in order and started anew. A C(supervisord) that no longer answers is replaced. Stale sockets are
    removed.
  - Two directories never touch each other.
author:
  - rampart.k8s contributors (@rampart-k8s)
requirements:
  - supervisor >= 4.3.0 for the Python interpreter that runs the module
  - Linux 5.3 or later
options:
  directory:
    description:
      - The absolute path of the folder for the configuration, the socket, the process number and the logs of
        this C(supervisord). It is created with mode V(0700); one that others could write to is refused them.
      - The kernel limits a socket's path, so this one must be shorter than 80 bytes.
    type: path
    required: true
  programs:
    description:
      - All programs of this directory. A program that is not listed is stopped and forgotten.
      - Only used with O(state=started).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the program, of lower-case letters, digits, C(.), C(_) and C(-).
        type: str
        required: true
      argv:
        description:
          - The executable's absolute path and its arguments, passed on as they are, without a shell.
          - The program must stay what it was started as. One that puts another executable in its own place is
            not recognised after its C(supervisord) was killed.
        type: list
        elements: str
        required: true
      environment:
        description:
          - Variables that the program gets on top of E(HOME), E(PATH) and E(LANG).
          - Not for secrets, since a process's environment is inherited and shown by many tools. Put a secret
            into a file and name the file in O(programs[].reads).
        type: dict
        default: {}
      reads:
        description: The files whose change takes a restart of the program to come true.
        type: list
        elements: path
        default: []
      priority:
        description: Programs start in ascending and stop in descending order of this number.
        type: int
        default: 500
      start_seconds:
        description: How long the program has to stay up before it counts as running.
        type: int
        default: 1
      stop_signal:
        description: The name of the signal that asks the program to end.
        type: str
        default: TERM
      stop_seconds:
        description: How long the program may take to end before it is killed with its process group.
        type: int
        default: 10
      after:
        description:
          - Where others have to answer before the program is started, each as C(https://host:port) or as the
            absolute path of a socket. Started earlier, many programs fail and then sit out a pause of their
            own.
          - With O(wait=false) the program is started at once. One that ends is started again without this.
        type: list
        elements: str
        default: []
      answers:
        description:
          - Where the program answers once it is up, in the same form. A run that starts or restarts something
            waits until it does.
        type: str
        default: ''
      user:
        description:
          - The user whom the program runs as, instead of the one who runs the module. The user must be able
            to reach the program and what it reads, which is checked before anything is started.
        type: str
        default: ''
      owns:
        description:
          - Folders of that user alone. Before the program starts they are made with the mode V(0700), and
            everything in them is given to O(programs[].user).
        type: list
        elements: path
        default: []
      autostart:
        description: Whether the program should run. Otherwise it is only made known to C(supervisord).
        type: bool
        default: true
  log_max_bytes:
    description: The size in bytes at which a log is rotated.
    type: int
    default: 10485760
  log_backups:
    description: How many rotated logs are kept of each program.
    type: int
    default: 3
  state:
    description:
      - V(started) makes the programs run.
      - V(stopped) ends them, the highest O(programs[].priority) first, and then C(supervisord).
      - V(absent) also removes the configuration and the logs, and the folder when nothing else is in it.
    type: str
    choices: [started, stopped, absent]
    default: started
  wait:
    description: Whether to wait until all programs with O(programs[].autostart=true) are running.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait before the task fails.
    type: int
    default: 60
  failures_allowed:
    description:
      - How often a program may end during the wait before the task fails at once. The pause before each new
        try is one second longer than the last one.
    type: int
    default: 5
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows states and reasons, not the rendered configuration.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
    details: A program that keeps ending is started anew by every run.
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
notes:
  - The programs are started with the umask V(022), C(/) as working folder and no standard input.
  - The log of a program holds its standard output and its standard error, has mode V(0600) and is
    C(logs/<name>.log) below O(directory).
"""

EXAMPLES = r"""
- name: Run etcd and the API server
  rampart.k8s.supervised_programs:
    directory: /var/lib/rampart/demo/supervisor
    programs:
      - name: etcd
        priority: 100
        argv: [/usr/local/bin/etcd, --config-file=/var/lib/rampart/demo/etcd/etcd.yaml]
        reads: [/var/lib/rampart/demo/etcd/etcd.yaml]
      - name: kube-apiserver
        priority: 200
        stop_seconds: 60
        argv: "{{ apiserver_argv }}"
        reads: "{{ apiserver_files }}"

- name: Stop them
  rampart.k8s.supervised_programs:
    directory: /var/lib/rampart/demo/supervisor
    state: stopped
"""

RETURN = r"""
reason:
  description: Why something changed, or that nothing had to.
  returned: always
  type: str
  sample: 'etcd restarted: /var/lib/rampart/demo/etcd/etcd.yaml, which it reads, changed'
programs:
  description: One entry per program.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the program.
      returned: success
      type: str
      sample: etcd
    action:
      description: What happened to it, one of V(started), V(restarted), V(stopped) and V(unchanged).
      returned: success
      type: str
      sample: restarted
    reason:
      description: Why.
      returned: success
      type: str
      sample: its definition changed
    state:
      description:
        - Its state in supervisor's words. In check mode and without a change, the state that was found.
      returned: success
      type: str
      sample: RUNNING
    pid:
      description: Its process number, V(0) when it does not run.
      returned: success
      type: int
      sample: 4711
    started:
      description: When it was started, in seconds since 1970; V(0) when it does not run.
      returned: success
      type: int
      sample: 1795342530
directory:
  description: The folder, with links resolved.
  returned: success
  type: str
  sample: /var/lib/rampart/demo/supervisor
socket:
  description: The socket of supervisord, for C(supervisorctl -s unix://<socket>).
  returned: success
  type: str
  sample: /var/lib/rampart/demo/supervisor/supervisor.sock
log_tail:
  description: The last lines of the log of the program that did not come up, without secrets.
  returned: when a program does not come up
  type: list
  elements: str
  sample: []
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import Layout, LogLimits
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.operation import SupervisedPrograms
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program

SPEC = ArgumentSpec(
    options={
        "directory": {"type": "path", "required": True},
        "programs": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "argv": {"type": "list", "elements": "str", "required": True},
                "environment": {"type": "dict", "default": {}},
                "reads": {"type": "list", "elements": "path", "default": []},
                "priority": {"type": "int", "default": 500},
                "start_seconds": {"type": "int", "default": 1},
                "stop_signal": {"type": "str", "default": "TERM"},
                "stop_seconds": {"type": "int", "default": 10},
                "after": {"type": "list", "elements": "str", "default": []},
                "answers": {"type": "str", "default": ""},
                "user": {"type": "str", "default": ""},
                "owns": {"type": "list", "elements": "path", "default": []},
                "autostart": {"type": "bool", "default": True},
            },
        },
        "log_max_bytes": {"type": "int", "default": 10485760},
        "log_backups": {"type": "int", "default": 3},
        "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 60},
        "failures_allowed": {"type": "int", "default": 5},
    },
    required_if=(("state", "started", ("programs",)),),
)


def program(item: dict[str, Any]) -> Program:
    """Turn one entry of the option into a program."""
    return Program(
        name=item["name"],
        argv=tuple(item["argv"]),
        environment={name: str(value) for name, value in item["environment"].items()},
        reads=tuple(Path(path) for path in item["reads"]),
        priority=item["priority"],
        start_seconds=item["start_seconds"],
        stop_signal=item["stop_signal"].removeprefix("SIG"),
        stop_seconds=item["stop_seconds"],
        autostart=item["autostart"],
        after=tuple(item["after"]),
        answers=item["answers"],
        user=item["user"],
        owns=tuple(Path(path) for path in item["owns"]),
    )


def build(module: AnsibleModule, redactor: Redactor) -> SupervisedPrograms:
    """Turn the options into the wanted programs."""
    options = module.params
    return SupervisedPrograms(
        # The marks in the processes name the folder: it must be the same one by every way to it.
        layout=Layout(Path(os.path.realpath(options["directory"]))),
        limits=LogLimits(options["log_max_bytes"], options["log_backups"]),
        programs=[program(item) for item in options["programs"]],
        state=options["state"],
        redactor=redactor,
        wait=options["wait"],
        wait_seconds=options["wait_timeout"],
        failures_allowed=options["failures_allowed"],
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
