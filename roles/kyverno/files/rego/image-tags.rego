# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.imagetags

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	not meant(container.image)
	msg := sprintf("%s: must name its image by a tag other than latest, or by its digest", [container.name])
}

meant(image) if regex.match(`@sha256:[0-9a-f]{64}$`, image)

meant(image) if {
	regex.match(`:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`, image)
	not endswith(image, ":latest")
}
