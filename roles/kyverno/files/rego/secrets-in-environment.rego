# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.secretsinenvironment

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_spec
	not exceptions.excepted
	some container in pods.containers
	some name in taken(container)
	not name in input.parameters.environment_secrets
	msg := sprintf("%s: must not take a Secret into its environment; mount it as a file", [container.name])
}

taken(container) := {variable.valueFrom.secretKeyRef.name | some variable in object.get(container, "env", [])} | {source.secretRef.name | some source in object.get(container, "envFrom", [])}
