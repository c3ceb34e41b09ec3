# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.addedcapabilities

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	allowed := {
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
		"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
	some container in pods.containers
	some name in object.get(container, ["securityContext", "capabilities", "add"], [])
	not name in allowed
	msg := sprintf("%s: adds a capability that the level baseline does not allow", [container.name])
}
