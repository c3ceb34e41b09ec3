module rampart.k8s/tools/syft

go 1.26.8

require github.com/anchore/syft v1.54.0
