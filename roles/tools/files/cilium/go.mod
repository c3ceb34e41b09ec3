module rampart.k8s/tools/cilium

go 1.26.0

require (
	github.com/cilium/cilium v1.20.2
)

// Upstream's own replacement, and the indirect versions its go.mod pins.
replace sigs.k8s.io/controller-tools => github.com/cilium/controller-tools v0.21.0-1
