module rampart.k8s/tools/cilium

go 1.26.0

require github.com/cilium/cilium v1.20.2

replace (
	// Upstream's own replacement.
	sigs.k8s.io/controller-tools => github.com/cilium/controller-tools v0.21.0-1

	// Upstream pins a commit and a version that not every module proxy serves; these are the
	// nearest releases that do.
	github.com/osrg/gobgp/v4 => github.com/osrg/gobgp/v4 v4.8.0
	github.com/cilium/statedb => github.com/cilium/statedb v0.8.3

	// Not served either; Cilium uses one constant of it.
	sigs.k8s.io/mcs-api/controllers => ./mcs-api-controllers
)
