# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.privilegedcontainers

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	object.get(container, ["securityContext", "privileged"], false)
	msg := sprintf("%s: must not be privileged", [container.name])
}
