# SPDX-License-Identifier: GPL-3.0-or-later
package rampart.ingresstls

import data.lib.exceptions

ingress := input.review.object

changed if not input.review.oldObject

changed if input.review.oldObject.spec != ingress.spec

violation contains {"msg": msg} if {
	changed
	not exceptions.excepted
	some rule in object.get(ingress.spec, "rules", [])
	not certified(object.get(rule, "host", ""))
	msg := "every host of an Ingress needs a certificate of its own in spec.tls"
}

violation contains {"msg": msg} if {
	changed
	not exceptions.excepted
	ingress.spec.defaultBackend
	msg := "an Ingress must not answer for every host"
}

certified(host) if {
	host != ""
	some entry in object.get(ingress.spec, "tls", [])
	object.get(entry, "secretName", "") != ""
	some name in object.get(entry, "hosts", [])
	covers(name, host)
}

covers(name, host) if name == host

# A wildcard stands for one label.
covers(name, host) if {
	startswith(name, "*.")
	domain := substring(name, 1, -1)
	endswith(host, domain)
	not contains(trim_suffix(host, domain), ".")
}
