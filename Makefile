# make help lists the targets.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED = 0

bin/provision: FORCE
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/provision

FORCE:
