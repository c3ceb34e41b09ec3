# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.labels

import data.lib.exceptions
import data.lib.pods

violation contains {"msg": msg} if {
	not pods.same_labels
	not exceptions.excepted
	some name in input.parameters.labels
	object.get(pods.labels_of(pods.template), name, "") == ""
	msg := "the labels that are demanded here must be set"
}
