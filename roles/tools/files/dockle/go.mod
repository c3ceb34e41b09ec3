module rampart.k8s/tools/dockle

go 1.26.0

require github.com/goodwithtech/dockle v0.4.15
