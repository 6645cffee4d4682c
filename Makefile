# provision: `make help` lists the targets. Nothing is needed but Go, make and git.

VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PREFIX     ?= /usr/local
KUBERNETES := v1.37.2

# The race detector needs a C compiler; without one the tests run without it, and say so.
CC_FOUND := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo yes)
RACE     := $(if $(CC_FOUND),-race)
# A host's own settings must not decide what is tested here.
unexport KUBECONFIG

GO_STATIC   := CGO_ENABLED=0 go
LDFLAGS     := -s -w -X main.version=$(VERSION)
KUBE_X      = -X $(1).gitVersion=$(KUBERNETES) -X $(1).gitMajor=1 -X $(1).gitMinor=37 -X $(1).gitTreeState=clean -X $(1).buildDate=2026-10-27T12:01:04Z
KUBE_LDFLAGS := -s -w $(call KUBE_X,k8s.io/component-base/version) $(call KUBE_X,k8s.io/client-go/pkg/version)

## build: the program, bin/provision
.PHONY: build
build: bin/provision

.PHONY: bin/provision
bin/provision:
	@$(GO_STATIC) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/provision

## install: provision, and kubectl-provision for `kubectl provision`, into PREFIX/bin (default /usr/local)
.PHONY: install
install: bin/provision
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 bin/provision $(DESTDIR)$(PREFIX)/bin/provision
	ln -sf provision $(DESTDIR)$(PREFIX)/bin/kubectl-provision

## demo: the main job on a control plane of its own
.PHONY: demo
demo: bin/provision bin/kubernetes bin/cluster
	@bin/cluster --binary $(CURDIR)/bin/kubernetes -- sh test/demo.sh $(CURDIR)

## cluster: a control plane to play with, until Ctrl-C
.PHONY: cluster
cluster: bin/provision bin/kubernetes bin/cluster
	@bin/cluster --binary $(CURDIR)/bin/kubernetes

# etcd, kube-apiserver, kube-controller-manager and kubectl in one binary. Go's cache makes every build but the first
# a matter of seconds; the first compiles Kubernetes.
.PHONY: bin/kubernetes
bin/kubernetes:
	@test -x $@ || echo 'Building the test control plane (Kubernetes $(KUBERNETES)). The first time this takes about 7 minutes on 2 cores, later half a minute.'
	@cd test && go build -ldflags '$(KUBE_LDFLAGS)' -o ../$@ ./kubernetes

.PHONY: bin/cluster
bin/cluster:
	@cd test && go build -o ../$@ ./cmd/cluster

.PHONY: bin/staticcheck
bin/staticcheck:
	@cd test/tools && go build -o ../../$@ honnef.co/go/tools/cmd/staticcheck

## test: everything: lint, unit tests, fuzzing for a short while, end-to-end on a real control plane
.PHONY: test
test: lint unit fuzz e2e

## unit: the tests that need no control plane
.PHONY: unit
unit:
	@$(if $(RACE),,echo 'No C compiler: the tests run without the race detector.')
	go test $(RACE) ./...

FUZZTIME ?= 5s
## fuzz: every fuzz target for FUZZTIME (default 5s)
.PHONY: fuzz
fuzz:
	@for package in $$(go list ./internal/...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "fuzz $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$package >bin/fuzz.log 2>&1 || { cat bin/fuzz.log; exit 1; }; \
		done; \
	done

# The binary that the end-to-end tests run counts what they cover.
.PHONY: bin/provision.cover
bin/provision.cover:
	@$(GO_STATIC) build -cover -coverpkg=provision/... -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/provision

## e2e: the real binary and a real kubectl against a real control plane, with coverage
# -count=1: Go does not see that the binary under test has changed. Not ./...: that would compile all of Kubernetes once
# more, with the race detector, for a package without tests.
.PHONY: e2e
e2e: bin/provision.cover bin/kubernetes bin/cluster
	@rm -rf coverage && mkdir -p coverage
	cd test && GOCOVERDIR=$(CURDIR)/coverage PROVISION_TEST_BINARY=$(CURDIR)/bin/provision.cover \
		PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes go test $(RACE) -count=1 -timeout 20m ./controlplane ./e2e ./torture
	@echo 'Coverage of the real binary under the end-to-end tests:'
	@go tool covdata percent -i=coverage

KILLS   ?= 200
OUTAGES ?= 12
## torture: kill -9 at KILLS random instants (default 200), and the servers at OUTAGES (default 12); about 10 minutes
.PHONY: torture
torture: bin/provision bin/kubernetes
	cd test && PROVISION_TORTURE_KILLS=$(KILLS) PROVISION_TORTURE_OUTAGES=$(OUTAGES) PROVISION_TEST_BINARY=$(CURDIR)/bin/provision \
		PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes go test -v -count=1 -timeout 60m ./torture

N      ?= 1000
PARTS  ?= all
ROUNDS ?= 3
## bench: measure against lower bounds and write test/bench/RESULTS.md (N=1000 PARTS=all ROUNDS=3; PARTS=raised,start for some)
.PHONY: bench
bench: bin/provision bin/kubernetes
	@cd test && go build -o ../bin/bench ./bench
	@cd test/bench && ../../bin/bench -n $(N) -parts '$(PARTS)' -rounds $(ROUNDS) -provision $(CURDIR)/bin/provision -kubernetes $(CURDIR)/bin/kubernetes

## lint: gofmt, go vet, staticcheck, and which package may import which
.PHONY: lint
lint: bin/staticcheck
	@unformatted=$$(gofmt -l cmd internal test); if [ -n "$$unformatted" ]; then echo "gofmt these files:" $$unformatted; exit 1; fi
	go vet ./...
	cd test && go vet ./...
	bin/staticcheck ./...
	cd test && ../bin/staticcheck ./...
	@sh test/imports.sh

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf bin coverage

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
