# SPDX-License-Identifier: GPL-3.0-or-later
# What is judged is a pod, or the template that pods are made from. What has not changed is not judged again.
package lib.pods

template := template_of(input.review.object)

template_of(thing) := thing if thing.kind == "Pod"

template_of(thing) := thing.spec.jobTemplate.spec.template if thing.kind == "CronJob"

template_of(thing) := thing.spec.template if not thing.kind in {"CronJob", "Pod"}

pod := template.spec

lasting := array.concat(pod.containers, object.get(pod, "initContainers", []))

containers := array.concat(lasting, object.get(pod, "ephemeralContainers", []))

default same_spec := false

same_spec if template_of(input.review.oldObject).spec == pod

default same_labels := false

same_labels if labels_of(template_of(input.review.oldObject)) == labels_of(template)

labels_of(thing) := object.get(thing, ["metadata", "labels"], {})
