# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.defaultserviceaccount

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	object.get(pods.pod, "serviceAccountName", "default") in {"", "default"}
	msg := "serviceAccountName must name an account other than default"
}
