# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The fields that a condition and an output may name, by the source of the events. Pure.

They are those of Falco 0.43 with its container plugin, and of its plugin k8saudit for the audit log.
"""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import Field

SYSCALL, K8S_AUDIT = "syscall", "k8s_audit"
SOURCES = (SYSCALL, K8S_AUDIT)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Of every source.
_GENERIC = _names(
    """
    evt.asynctype evt.datetime evt.datetime.s evt.hostname evt.is_async evt.num evt.plugininfo
    evt.pluginname evt.rawtime evt.rawtime.ns evt.rawtime.s evt.reltime evt.reltime.ns evt.reltime.s
    evt.source evt.time evt.time.iso8601 evt.time.s
    """
)

# Of the engine, and of the container plugin that comes with Falco.
_SYSCALL = _names(
    """
    container.cni.json container.duration container.full_id container.healthcheck container.host_ipc
    container.host_network container.host_pid container.id container.image container.image.digest
    container.image.id container.image.repository container.image.tag container.ip container.labels
    container.liveness_probe container.mounts container.name container.privileged
    container.readiness_probe container.start_ts container.type evt.args evt.buffer evt.buflen
    evt.buflen.file evt.buflen.file.in evt.buflen.file.out evt.buflen.in evt.buflen.net
    evt.buflen.net.in evt.buflen.net.out evt.buflen.out evt.category evt.count evt.count.error
    evt.count.error.file evt.count.error.memory evt.count.error.net evt.count.error.other evt.count.exit
    evt.count.procinfo evt.count.threadinfo evt.cpu evt.deltatime evt.deltatime.ns evt.deltatime.s
    evt.failed evt.info evt.infra.docker.container.id evt.infra.docker.container.image
    evt.infra.docker.container.name evt.infra.docker.name evt.io_dir evt.is_io evt.is_io_read
    evt.is_io_write evt.is_open_create evt.is_open_exec evt.is_open_read evt.is_open_write evt.is_syslog
    evt.is_wait evt.outputtime evt.rawres evt.res evt.type fd.cip fd.cip.name fd.cnet fd.connected
    fd.containerdirectory fd.containername fd.cport fd.cproto fd.dev fd.dev.major fd.dev.minor
    fd.directory fd.filename fd.ino fd.ip fd.is_lower_layer fd.is_server fd.is_upper_layer fd.l4proto
    fd.lip fd.lip.name fd.lnet fd.lport fd.lproto fd.name fd.name_changed fd.nameraw fd.net fd.num
    fd.port fd.proto fd.rip fd.rip.name fd.rnet fd.rport fd.rproto fd.sip fd.sip.name fd.snet
    fd.sockfamily fd.sport fd.sproto fd.type fd.typechar fd.uid fdlist.cips fdlist.cports fdlist.names
    fdlist.nums fdlist.sips fdlist.sports fs.path.name fs.path.nameraw fs.path.source fs.path.sourceraw
    fs.path.target fs.path.targetraw group.gid group.name k8s.deployment.id k8s.deployment.labels
    k8s.deployment.name k8s.ns.id k8s.ns.labels k8s.ns.name k8s.pod.cni.json k8s.pod.full_sandbox_id
    k8s.pod.id k8s.pod.ip k8s.pod.labels k8s.pod.name k8s.pod.sandbox_id k8s.pod.uid k8s.rc.id
    k8s.rc.labels k8s.rc.name k8s.rs.id k8s.rs.labels k8s.rs.name k8s.svc.id k8s.svc.labels k8s.svc.name
    proc.cmdlenargs proc.cmdline proc.cmdnargs proc.cwd proc.duration proc.exe proc.exe_ino
    proc.exe_ino.ctime proc.exe_ino.ctime_duration_pidns_start proc.exe_ino.ctime_duration_proc_start
    proc.exe_ino.mtime proc.exeline proc.exepath proc.fdlimit proc.fdopencount proc.fdusage
    proc.is_container_healthcheck proc.is_container_liveness_probe proc.is_container_readiness_probe
    proc.is_exe_from_memfd proc.is_exe_lower_layer proc.is_exe_upper_layer proc.is_exe_writable
    proc.is_pgid_leader proc.is_sid_leader proc.is_vpgid_leader proc.loginshellid proc.name proc.nchilds
    proc.nthreads proc.pcmdline proc.pexe proc.pexepath proc.pgid proc.pgid.exe proc.pgid.exepath
    proc.pgid.name proc.pid proc.pid.ts proc.pidns_init_start_ts proc.pname proc.ppid proc.ppid.duration
    proc.ppid.ts proc.pvpid proc.sid proc.sid.exe proc.sid.exepath proc.sname proc.stderr.name
    proc.stderr.type proc.stdin.name proc.stdin.type proc.stdout.name proc.stdout.type proc.tty
    proc.vmrss proc.vmsize proc.vmswap proc.vpgid proc.vpgid.exe proc.vpgid.exepath proc.vpgid.name
    proc.vpid syscall.type thread.cap_effective thread.cap_inheritable thread.cap_permitted
    thread.cgroups thread.cpu thread.cpu.system thread.cpu.user thread.exectime thread.ismain
    thread.nametid thread.pfmajor thread.pfminor thread.tid thread.totexectime thread.vmrss
    thread.vmrss.b thread.vmsize thread.vmsize.b thread.vtid user.homedir user.loginname user.loginuid
    user.name user.shell user.uid
    """
)

# They may have an argument in brackets.
_SYSCALL_MAY = _names(
    """
    fd.types proc.aargs proc.acmdline proc.aenv proc.aexe proc.aexepath proc.aname proc.apid proc.args
    proc.env
    """
)

# They must have one.
_SYSCALL_MUST = _names(
    """
    container.label container.mount container.mount.dest container.mount.mode
    container.mount.propagation container.mount.rdwr container.mount.source evt.abspath evt.arg
    evt.rawarg evt.type.is k8s.deployment.label k8s.ns.label k8s.pod.label k8s.rc.label k8s.rs.label
    k8s.svc.label thread.cgroup
    """
)

_AUDIT = _names(
    """
    ka.auditid ka.auth.decision ka.auth.openshift.decision ka.auth.openshift.username ka.auth.reason
    ka.cluster.name ka.impuser.name ka.req.binding.role ka.req.binding.subjects
    ka.req.binding.subjects.group_names ka.req.binding.subjects.serviceaccount_names
    ka.req.binding.subjects.serviceaccount_ns_names ka.req.binding.subjects.user_names
    ka.req.configmap.name ka.req.configmap.obj ka.req.container.host_network ka.req.container.image
    ka.req.container.image.repository ka.req.container.privileged ka.req.pod.fs_group
    ka.req.pod.host_ipc ka.req.pod.host_network ka.req.pod.host_pid ka.req.pod.run_as_group
    ka.req.pod.run_as_user ka.req.pod.supplemental_groups ka.req.role.rules ka.req.service.type
    ka.resp.name ka.response.code ka.response.reason ka.security.pod.violations ka.stage ka.target.name
    ka.target.namespace ka.target.pod.name ka.target.resource ka.target.subresource ka.uri
    ka.user.groups ka.user.name ka.useragent ka.validations.admission.policy.failure ka.verb
    """
)

_AUDIT_MAY = _names(
    """
    ka.req.pod.containers.add_capabilities ka.req.pod.containers.allow_privilege_escalation
    ka.req.pod.containers.args ka.req.pod.containers.command ka.req.pod.containers.eff_run_as_group
    ka.req.pod.containers.eff_run_as_user ka.req.pod.containers.host_port ka.req.pod.containers.image
    ka.req.pod.containers.image.repository ka.req.pod.containers.name ka.req.pod.containers.privileged
    ka.req.pod.containers.proc_mount ka.req.pod.containers.read_only_fs
    ka.req.pod.containers.run_as_group ka.req.pod.containers.run_as_user
    ka.req.pod.ephemeralContainers.add_capabilities
    ka.req.pod.ephemeralContainers.allow_privilege_escalation ka.req.pod.ephemeralContainers.args
    ka.req.pod.ephemeralContainers.command ka.req.pod.ephemeralContainers.eff_run_as_group
    ka.req.pod.ephemeralContainers.eff_run_as_user ka.req.pod.ephemeralContainers.image
    ka.req.pod.ephemeralContainers.image.repository ka.req.pod.ephemeralContainers.name
    ka.req.pod.ephemeralContainers.privileged ka.req.pod.ephemeralContainers.proc_mount
    ka.req.pod.ephemeralContainers.read_only_fs ka.req.pod.ephemeralContainers.run_as_group
    ka.req.pod.ephemeralContainers.run_as_user ka.req.pod.initContainers.add_capabilities
    ka.req.pod.initContainers.allow_privilege_escalation ka.req.pod.initContainers.args
    ka.req.pod.initContainers.command ka.req.pod.initContainers.eff_run_as_group
    ka.req.pod.initContainers.eff_run_as_user ka.req.pod.initContainers.host_port
    ka.req.pod.initContainers.image ka.req.pod.initContainers.image.repository
    ka.req.pod.initContainers.name ka.req.pod.initContainers.privileged
    ka.req.pod.initContainers.proc_mount ka.req.pod.initContainers.read_only_fs
    ka.req.pod.initContainers.run_as_group ka.req.pod.initContainers.run_as_user
    ka.req.pod.volumes.flexvolume_driver ka.req.pod.volumes.hostpath ka.req.pod.volumes.volume_type
    ka.req.role.rules.apiGroups ka.req.role.rules.nonResourceURLs ka.req.role.rules.resources
    ka.req.role.rules.verbs ka.req.service.ports ka.sourceips
    """
)

_AUDIT_MUST = _names(
    """
    ka.req.binding.subject.has_name ka.req.volume.hostpath ka.uri.param
    """
)

# They hold several values.
_LISTS = _AUDIT_MAY | _names(
    """
    ka.user.groups ka.req.binding.subjects ka.req.binding.subjects.user_names ka.req.role.rules
    ka.req.binding.subjects.serviceaccount_names ka.req.binding.subjects.serviceaccount_ns_names
    ka.req.binding.subjects.group_names ka.req.pod.supplemental_groups
    """
)

# They are known, and Falco warns of them.
DEPRECATED = _names(
    """
    evt.dir evt.latency evt.latency.human evt.latency.ns evt.latency.quantized evt.latency.s
    evt.wait_latency
    """
)

# They are for conditions only.
NOT_SHOWN = _names(
    """
    fd.cnet fd.ip fd.lnet fd.net fd.port fd.proto fd.rnet fd.snet
    """
)

# What they are compared with.
NUMBERS = _names(
    """
    evt.buflen evt.buflen.file evt.buflen.file.in evt.buflen.file.out evt.buflen.in evt.buflen.net
    evt.buflen.net.in evt.buflen.net.out evt.buflen.out evt.count evt.count.error evt.count.error.file
    evt.count.error.memory evt.count.error.net evt.count.error.other evt.count.exit evt.count.procinfo
    evt.count.threadinfo evt.cpu evt.deltatime evt.deltatime.ns evt.deltatime.s evt.num evt.rawres
    evt.reltime evt.reltime.ns evt.reltime.s evt.type.is fd.dev fd.dev.major fd.dev.minor fd.ino fd.num
    group.gid proc.apid proc.cmdlenargs proc.cmdnargs proc.duration proc.exe_ino proc.fdlimit
    proc.fdopencount proc.fdusage proc.loginshellid proc.nchilds proc.nthreads proc.pgid proc.pid
    proc.pid.ts proc.pidns_init_start_ts proc.ppid proc.ppid.duration proc.ppid.ts proc.pvpid proc.sid
    proc.tty proc.vmrss proc.vmsize proc.vmswap proc.vpgid proc.vpid thread.cpu thread.cpu.system
    thread.cpu.user thread.exectime thread.pfmajor thread.pfminor thread.tid thread.totexectime
    thread.vmrss thread.vmrss.b thread.vmsize thread.vmsize.b thread.vtid user.loginuid user.uid
    """
)

BOOLEANS = _names(
    """
    evt.failed evt.is_async evt.is_io evt.is_io_read evt.is_io_write evt.is_open_create evt.is_open_exec
    evt.is_open_read evt.is_open_write evt.is_syslog evt.is_wait fd.connected fd.is_lower_layer
    fd.is_server fd.is_upper_layer fd.name_changed proc.is_exe_from_memfd proc.is_exe_lower_layer
    proc.is_exe_upper_layer proc.is_exe_writable proc.is_pgid_leader proc.is_sid_leader
    proc.is_vpgid_leader thread.ismain
    """
)

ADDRESSES = _names(
    """
    fd.cip fd.ip fd.lip fd.rip fd.sip
    """
)

NETWORKS = _names(
    """
    fd.cnet fd.lnet fd.net fd.rnet fd.snet
    """
)

# By source: those without an argument, those that may have one, and those that must.
_OF_SOURCE = {
    SYSCALL: (_GENERIC | _SYSCALL | DEPRECATED, _SYSCALL_MAY, _SYSCALL_MUST),
    K8S_AUDIT: (_GENERIC | _AUDIT, _AUDIT_MAY, _AUDIT_MUST),
}


def objection(field: Field, source: str) -> str:
    """Say what is wrong with a field in a rule about a source; nothing when it is right."""
    without, may, must = _OF_SOURCE[source]
    if field.name in must and field.argument is None:
        return f"the field {field.name} needs an argument in brackets"
    if field.name in without and field.argument is not None:
        return f"the field {field.name} takes no argument"
    # evt.arg.flags is evt.arg[flags].
    if field.name in without | may | must or field.name.startswith(tuple(f"{name}." for name in must)):
        return ""
    elsewhere = [other for other in SOURCES if not _lacks(other, field.name)]
    if elsewhere:
        return f"the field {field.name} belongs to events of {elsewhere[0]}, and the rule is about {source}"
    return f"nobody knows the field {field.name}"


def _lacks(source: str, name: str) -> bool:
    return not any(name in names for names in _OF_SOURCE[source])


def holds_several(field: Field) -> bool:
    """Say whether a field is a list."""
    return field.name in _LISTS
