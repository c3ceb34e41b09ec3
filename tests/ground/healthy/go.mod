module rampart.k8s/ground/healthy

go 1.26.0

require golang.org/x/text v0.40.0
