// Old on purpose: images under test are made of it, and nothing else is.
module rampart.k8s/ground/app

go 1.26.0

require (
	golang.org/x/crypto v0.0.0-20220622213112-05595931fe9d
	golang.org/x/net v0.0.0-20220722155237-a158d28d115b
	golang.org/x/text v0.3.7
	google.golang.org/protobuf v1.31.0
	gopkg.in/yaml.v2 v2.2.2
)
