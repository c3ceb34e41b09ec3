# SPDX-License-Identifier: GPL-3.0-or-later
# Each policy refuses what it is about, accepts what is harmless, leaves alone what has not changed, and minds its exceptions.
package policies_test

import data.cases
import data.rampart

test_hostnamespaces if {
	count(rampart.hostnamespaces.violation) == 0 with input as cases.good
	count(rampart.hostnamespaces.violation) == 1 with input as cases.with_pod({"hostPID": true})
	count(rampart.hostnamespaces.violation) == 1 with input as cases.with_pod({"hostNetwork": true})
	count(rampart.hostnamespaces.violation) == 1 with input as cases.with_pod({"hostIPC": true})
	count(rampart.hostnamespaces.violation) == 0 with input as cases.unchanged(cases.with_pod({"hostPID": true}))
	count(rampart.hostnamespaces.violation) == 0 with input as cases.excepted(cases.with_pod({"hostPID": true}), "2199-01-01T00:00:00Z")
	count(rampart.hostnamespaces.violation) == 1 with input as cases.excepted(cases.with_pod({"hostPID": true}), "2020-01-01T00:00:00Z")
}

test_privilegedcontainers if {
	count(rampart.privilegedcontainers.violation) == 0 with input as cases.good
	count(rampart.privilegedcontainers.violation) == 1 with input as cases.with_container({"securityContext": {"privileged": true}})
	count(rampart.privilegedcontainers.violation) == 1 with input as cases.with_pod({"initContainers": [object.union(cases.container, {"securityContext": {"privileged": true}})]})
	count(rampart.privilegedcontainers.violation) == 0 with input as cases.unchanged(cases.with_container({"securityContext": {"privileged": true}}))
	count(rampart.privilegedcontainers.violation) == 0 with input as cases.excepted(cases.with_container({"securityContext": {"privileged": true}}), "2199-01-01T00:00:00Z")
	count(rampart.privilegedcontainers.violation) == 1 with input as cases.excepted(cases.with_container({"securityContext": {"privileged": true}}), "2020-01-01T00:00:00Z")
}

test_addedcapabilities if {
	count(rampart.addedcapabilities.violation) == 0 with input as cases.good
	count(rampart.addedcapabilities.violation) == 0 with input as cases.with_container({"securityContext": {"capabilities": {"add": ["CHOWN"]}}})
	count(rampart.addedcapabilities.violation) == 1 with input as cases.with_container({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}})
	count(rampart.addedcapabilities.violation) == 0 with input as cases.unchanged(cases.with_container({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}))
	count(rampart.addedcapabilities.violation) == 0 with input as cases.excepted(cases.with_container({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}), "2199-01-01T00:00:00Z")
	count(rampart.addedcapabilities.violation) == 1 with input as cases.excepted(cases.with_container({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}), "2020-01-01T00:00:00Z")
}

test_hostpathvolumes if {
	count(rampart.hostpathvolumes.violation) == 0 with input as cases.good
	count(rampart.hostpathvolumes.violation) == 0 with input as cases.with_pod({"volumes": [{"name": "a", "emptyDir": {}}]})
	count(rampart.hostpathvolumes.violation) == 1 with input as cases.with_pod({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]})
	count(rampart.hostpathvolumes.violation) == 0 with input as cases.unchanged(cases.with_pod({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}))
	count(rampart.hostpathvolumes.violation) == 0 with input as cases.excepted(cases.with_pod({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}), "2199-01-01T00:00:00Z")
	count(rampart.hostpathvolumes.violation) == 1 with input as cases.excepted(cases.with_pod({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}), "2020-01-01T00:00:00Z")
}

test_privilegeescalation if {
	count(rampart.privilegeescalation.violation) == 0 with input as cases.good
	count(rampart.privilegeescalation.violation) == 1 with input as cases.with_container({"securityContext": {"allowPrivilegeEscalation": true}})
	count(rampart.privilegeescalation.violation) == 0 with input as cases.unchanged(cases.with_container({"securityContext": {"allowPrivilegeEscalation": true}}))
	count(rampart.privilegeescalation.violation) == 0 with input as cases.excepted(cases.with_container({"securityContext": {"allowPrivilegeEscalation": true}}), "2199-01-01T00:00:00Z")
	count(rampart.privilegeescalation.violation) == 1 with input as cases.excepted(cases.with_container({"securityContext": {"allowPrivilegeEscalation": true}}), "2020-01-01T00:00:00Z")
}

test_readonlyroot if {
	count(rampart.readonlyroot.violation) == 0 with input as cases.good
	count(rampart.readonlyroot.violation) == 1 with input as cases.with_container({"securityContext": {"readOnlyRootFilesystem": false}})
	count(rampart.readonlyroot.violation) == 0 with input as cases.unchanged(cases.with_container({"securityContext": {"readOnlyRootFilesystem": false}}))
	count(rampart.readonlyroot.violation) == 0 with input as cases.excepted(cases.with_container({"securityContext": {"readOnlyRootFilesystem": false}}), "2199-01-01T00:00:00Z")
	count(rampart.readonlyroot.violation) == 1 with input as cases.excepted(cases.with_container({"securityContext": {"readOnlyRootFilesystem": false}}), "2020-01-01T00:00:00Z")
}

test_droppedcapabilities if {
	count(rampart.droppedcapabilities.violation) == 0 with input as cases.good
	count(rampart.droppedcapabilities.violation) == 0 with input as cases.with_container({"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}})
	count(rampart.droppedcapabilities.violation) == 1 with input as cases.with_container({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}})
	count(rampart.droppedcapabilities.violation) == 1 with input as cases.with_container({"securityContext": {"capabilities": {"add": ["CHOWN"]}}})
	count(rampart.droppedcapabilities.violation) == 0 with input as cases.unchanged(cases.with_container({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}))
	count(rampart.droppedcapabilities.violation) == 0 with input as cases.excepted(cases.with_container({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}), "2199-01-01T00:00:00Z")
	count(rampart.droppedcapabilities.violation) == 1 with input as cases.excepted(cases.with_container({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}), "2020-01-01T00:00:00Z")
}

test_runasnonroot if {
	count(rampart.runasnonroot.violation) == 0 with input as cases.good
	count(rampart.runasnonroot.violation) == 0 with input as cases.with_container({"securityContext": {"runAsUser": 5}})
	count(rampart.runasnonroot.violation) == 1 with input as cases.with_pod({"securityContext": {"runAsNonRoot": false}})
	count(rampart.runasnonroot.violation) == 1 with input as cases.with_pod({"securityContext": {"runAsUser": 0}})
	count(rampart.runasnonroot.violation) == 1 with input as cases.with_container({"securityContext": {"runAsUser": 0}})
	count(rampart.runasnonroot.violation) == 0 with input as cases.unchanged(cases.with_pod({"securityContext": {"runAsNonRoot": false}}))
	count(rampart.runasnonroot.violation) == 0 with input as cases.excepted(cases.with_pod({"securityContext": {"runAsNonRoot": false}}), "2199-01-01T00:00:00Z")
	count(rampart.runasnonroot.violation) == 1 with input as cases.excepted(cases.with_pod({"securityContext": {"runAsNonRoot": false}}), "2020-01-01T00:00:00Z")
}

test_resourcelimits if {
	count(rampart.resourcelimits.violation) == 0 with input as cases.good
	count(rampart.resourcelimits.violation) == 1 with input as cases.with_container({"resources": {"limits": {"memory": ""}}})
	count(rampart.resourcelimits.violation) == 0 with input as cases.unchanged(cases.with_container({"resources": {"limits": {"memory": ""}}}))
	count(rampart.resourcelimits.violation) == 0 with input as cases.excepted(cases.with_container({"resources": {"limits": {"memory": ""}}}), "2199-01-01T00:00:00Z")
	count(rampart.resourcelimits.violation) == 1 with input as cases.excepted(cases.with_container({"resources": {"limits": {"memory": ""}}}), "2020-01-01T00:00:00Z")
}

test_defaultserviceaccount if {
	count(rampart.defaultserviceaccount.violation) == 0 with input as cases.good
	count(rampart.defaultserviceaccount.violation) == 1 with input as cases.with_pod({"serviceAccountName": "default"})
	count(rampart.defaultserviceaccount.violation) == 0 with input as cases.unchanged(cases.with_pod({"serviceAccountName": "default"}))
	count(rampart.defaultserviceaccount.violation) == 0 with input as cases.excepted(cases.with_pod({"serviceAccountName": "default"}), "2199-01-01T00:00:00Z")
	count(rampart.defaultserviceaccount.violation) == 1 with input as cases.excepted(cases.with_pod({"serviceAccountName": "default"}), "2020-01-01T00:00:00Z")
}

test_secretsinenvironment if {
	count(rampart.secretsinenvironment.violation) == 0 with input as cases.good
	count(rampart.secretsinenvironment.violation) == 0 with input as cases.with_container({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "public", "key": "a"}}}]})
	count(rampart.secretsinenvironment.violation) == 1 with input as cases.with_container({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "a"}}}]})
	count(rampart.secretsinenvironment.violation) == 1 with input as cases.with_container({"envFrom": [{"secretRef": {"name": "secret"}}]})
	count(rampart.secretsinenvironment.violation) == 0 with input as cases.unchanged(cases.with_container({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "a"}}}]}))
	count(rampart.secretsinenvironment.violation) == 0 with input as cases.excepted(cases.with_container({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "a"}}}]}), "2199-01-01T00:00:00Z")
	count(rampart.secretsinenvironment.violation) == 1 with input as cases.excepted(cases.with_container({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "a"}}}]}), "2020-01-01T00:00:00Z")
}

test_imagetags if {
	count(rampart.imagetags.violation) == 0 with input as cases.good
	count(rampart.imagetags.violation) == 0 with input as cases.with_container({"image": "rampart.local:5000/app:1"})
	count(rampart.imagetags.violation) == 1 with input as cases.with_container({"image": "rampart.local/app:latest"})
	count(rampart.imagetags.violation) == 1 with input as cases.with_container({"image": "rampart.local:5000/app"})
	count(rampart.imagetags.violation) == 0 with input as cases.unchanged(cases.with_container({"image": "rampart.local/app:latest"}))
	count(rampart.imagetags.violation) == 0 with input as cases.excepted(cases.with_container({"image": "rampart.local/app:latest"}), "2199-01-01T00:00:00Z")
	count(rampart.imagetags.violation) == 1 with input as cases.excepted(cases.with_container({"image": "rampart.local/app:latest"}), "2020-01-01T00:00:00Z")
}

test_imagedigests if {
	count(rampart.imagedigests.violation) == 0 with input as cases.good
	count(rampart.imagedigests.violation) == 0 with input as cases.with_container({"image": "127.0.0.1:5000/probe:1"})
	count(rampart.imagedigests.violation) == 1 with input as cases.with_container({"image": "rampart.local/app:1"})
	count(rampart.imagedigests.violation) == 0 with input as cases.unchanged(cases.with_container({"image": "rampart.local/app:1"}))
	count(rampart.imagedigests.violation) == 0 with input as cases.excepted(cases.with_container({"image": "rampart.local/app:1"}), "2199-01-01T00:00:00Z")
	count(rampart.imagedigests.violation) == 1 with input as cases.excepted(cases.with_container({"image": "rampart.local/app:1"}), "2020-01-01T00:00:00Z")
}

test_imageregistries if {
	count(rampart.imageregistries.violation) == 0 with input as cases.good
	count(rampart.imageregistries.violation) == 0 with input as cases.with_container({"image": "127.0.0.1:5000/probe:1"})
	count(rampart.imageregistries.violation) == 1 with input as cases.with_container({"image": "rampart.local.evil.example/app:1"})
	count(rampart.imageregistries.violation) == 1 with input as cases.with_pod({"volumes": [{"name": "a", "image": {"reference": "docker.io/a"}}]})
	count(rampart.imageregistries.violation) == 0 with input as cases.unchanged(cases.with_container({"image": "rampart.local.evil.example/app:1"}))
	count(rampart.imageregistries.violation) == 0 with input as cases.excepted(cases.with_container({"image": "rampart.local.evil.example/app:1"}), "2199-01-01T00:00:00Z")
	count(rampart.imageregistries.violation) == 1 with input as cases.excepted(cases.with_container({"image": "rampart.local.evil.example/app:1"}), "2020-01-01T00:00:00Z")
}

test_labels if {
	bare := {"kind": "Deployment", "spec": {"template": {"metadata": {"labels": {}}, "spec": cases.pod}}}
	count(rampart.labels.violation) == 0 with input as cases.good
	count(rampart.labels.violation) == 1 with input as cases.review(bare)
	count(rampart.labels.violation) == 0 with input as cases.unchanged(cases.review(bare))
}

tls(hosts) := {
	"tls": [{"hosts": hosts, "secretName": "tls"}],
	"rules": [{"host": "a.example.com"}],
}

test_ingress_tls if {
	count(rampart.ingresstls.violation) == 0 with input as cases.ingress(tls(["a.example.com"]))
	count(rampart.ingresstls.violation) == 0 with input as cases.ingress(tls(["*.example.com"]))
	count(rampart.ingresstls.violation) == 1 with input as cases.ingress(tls(["*.com"]))
	count(rampart.ingresstls.violation) == 1 with input as cases.ingress({"rules": [{"host": "a.example.com"}]})
	count(rampart.ingresstls.violation) == 1 with input as cases.ingress({"rules": [{}], "tls": tls([]).tls})
	count(rampart.ingresstls.violation) == 1 with input as cases.ingress({"defaultBackend": {}})
	count(rampart.ingresstls.violation) == 0 with input as cases.unchanged(cases.ingress({"defaultBackend": {}}))
	excepted := cases.excepted(cases.ingress({"defaultBackend": {}}), "2199-01-01T00:00:00Z")
	count(rampart.ingresstls.violation) == 0 with input as excepted
}

test_a_pod_and_a_cron_job_are_judged_like_a_deployment if {
	bad := object.union(cases.pod, {"hostPID": true})
	pod := {"kind": "Pod", "metadata": {"labels": cases.labels}, "spec": bad}
	template := {"metadata": {"labels": cases.labels}, "spec": bad}
	cron := {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template}}}}
	count(rampart.hostnamespaces.violation) == 1 with input as cases.review(pod)
	count(rampart.hostnamespaces.violation) == 1 with input as cases.review(cron)
	count(rampart.hostnamespaces.violation) == 0 with input as cases.excepted(cases.review(pod), "2199-01-01T00:00:00Z")
	count(rampart.hostnamespaces.violation) == 0 with input as cases.excepted(cases.review(cron), "2199-01-01T00:00:00Z")
}
