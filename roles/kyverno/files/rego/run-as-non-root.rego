# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.runasnonroot

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	not own(container, "runAsNonRoot", false)
	msg := sprintf("%s: must set runAsNonRoot, itself or by its pod", [container.name])
}

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	own(container, "runAsUser", 1) == 0
	msg := sprintf("%s: must not run as user 0", [container.name])
}

# What a container says itself counts before what its pod says.
own(container, key, otherwise) := object.get(
	container,
	["securityContext", key],
	object.get(pods.pod, ["securityContext", key], otherwise),
)
