# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.imageregistries

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	not allowed(container.image)
	not container.image in input.parameters.images
	msg := sprintf("%s: must have an image of an allowed registry", [container.name])
}

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some volume in object.get(pods.pod, "volumes", [])
	volume.image
	not allowed(object.get(volume.image, "reference", ""))
	msg := "a volume must have an image of an allowed registry"
}

allowed(image) if {
	some registry in input.parameters.registries
	startswith(image, registry)
}
