# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.readonlyroot

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	not object.get(container, ["securityContext", "readOnlyRootFilesystem"], false)
	msg := sprintf("%s: must set readOnlyRootFilesystem", [container.name])
}
