# SPDX-License-Identifier: GPL-3.0-or-later
# What all tests start from: a Deployment that every policy accepts, and one difference at a time.
package cases

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

container := {
	"name": "app",
	"image": sprintf("rampart.local/app@%s", [digest]),
	"resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
	"securityContext": {
		"allowPrivilegeEscalation": false,
		"readOnlyRootFilesystem": true,
		"capabilities": {"drop": ["ALL"]},
	},
}

pod := {
	"serviceAccountName": "app",
	"securityContext": {"runAsNonRoot": true, "runAsUser": 1000},
	"containers": [container],
}

labels := {"app.kubernetes.io/name": "app", "app.kubernetes.io/part-of": "apps"}

parameters := {
	"registries": ["rampart.local/"],
	"images": ["127.0.0.1:5000/probe:1"],
	"labels": ["app.kubernetes.io/name", "app.kubernetes.io/part-of"],
	"resources": {"requests": ["cpu", "memory"], "limits": ["cpu", "memory"]},
	"environment_secrets": ["public"],
}

deployment(spec) := {"kind": "Deployment", "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}}}

review(thing) := {"review": {"object": thing}, "parameters": parameters}

good := review(deployment(pod))

# A pod that differs, and a pod whose container differs.
with_pod(change) := review(deployment(object.union(pod, change)))

with_container(change) := review(deployment(object.union(pod, {"containers": [object.union(container, change)]})))

without(thing, keys) := json.remove(thing, keys)

ingress(spec) := review({"kind": "Ingress", "metadata": {"labels": labels}, "spec": spec})

# The same object as before, and one that was as bad before.
unchanged(thing) := {"review": {"object": thing.review.object, "oldObject": thing.review.object}, "parameters": parameters}

excepted(thing, until) := object.union(
	thing,
	{"parameters": object.union(parameters, {"exceptions": [{"application": "app", "until": until}]})},
)
