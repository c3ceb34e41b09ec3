# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.imagedigests

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	not regex.match(`@sha256:[0-9a-f]{64}$`, container.image)
	not container.image in input.parameters.images
	msg := sprintf("%s: must name its image by a digest (@sha256:...)", [container.name])
}
