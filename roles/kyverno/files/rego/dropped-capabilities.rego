# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.droppedcapabilities

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	not dropped(container)
	msg := sprintf("%s: must drop ALL capabilities and add none but NET_BIND_SERVICE", [container.name])
}

dropped(container) if {
	"ALL" in object.get(container, ["securityContext", "capabilities", "drop"], [])
	every name in object.get(container, ["securityContext", "capabilities", "add"], []) {
		name == "NET_BIND_SERVICE"
	}
}
