# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.privilegeescalation

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	object.get(container, ["securityContext", "allowPrivilegeEscalation"], true)
	msg := sprintf("%s: must set allowPrivilegeEscalation to false", [container.name])
}
