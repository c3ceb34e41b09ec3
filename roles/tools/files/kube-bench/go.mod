module rampart.k8s/tools/kube-bench

go 1.26.0

require (
	github.com/aquasecurity/kube-bench v0.12.0
)
