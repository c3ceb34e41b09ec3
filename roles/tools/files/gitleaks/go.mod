module rampart.k8s/tools/gitleaks

go 1.26.0

require github.com/zricethezav/gitleaks/v8 v8.30.1
