module rampart.k8s/tools/grype

go 1.26.8

require github.com/anchore/grype v0.120.0
