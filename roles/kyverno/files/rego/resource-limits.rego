# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.resourcelimits

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.lasting
	some kind in ["requests", "limits"]
	some name in input.parameters.resources[kind]
	object.get(container, ["resources", kind, name], "") == ""
	msg := sprintf("%s: must set the requests and limits that are demanded here", [container.name])
}
