# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.hostnamespaces

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some key in ["hostNetwork", "hostPID", "hostIPC"]
	object.get(pods.pod, key, false)
	msg := "hostNetwork, hostPID and hostIPC must not be set"
}
