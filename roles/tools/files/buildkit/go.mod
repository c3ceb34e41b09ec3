module rampart.k8s/tools/buildkit

go 1.26.0

require github.com/moby/buildkit v0.30.0
