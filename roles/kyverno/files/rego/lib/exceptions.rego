# SPDX-License-Identifier: GPL-3.0-or-later
# An exception is about one application, and it ends by the clock of whoever judges.
package lib.exceptions

import data.lib.pods

default excepted := false

excepted if {
	some exception in object.get(input, ["parameters", "exceptions"], [])
	application == exception.application
	time.now_ns() < time.parse_rfc3339_ns(exception.until)
}

application := pods.labels_of(pods.template)["app.kubernetes.io/name"] if input.review.object.spec.template

application := pods.labels_of(pods.template)["app.kubernetes.io/name"] if input.review.object.spec.jobTemplate

application := object.get(input.review.object, ["metadata", "labels"], {})["app.kubernetes.io/name"] if {
	not input.review.object.spec.template
	not input.review.object.spec.jobTemplate
}
