# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.hostpathvolumes

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some volume in object.get(pods.pod, "volumes", [])
	volume.hostPath
	msg := "volumes of the type hostPath are not allowed"
}
