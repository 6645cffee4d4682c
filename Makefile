# provision: `make help` lists the targets. Nothing is needed but Go, make and git.

VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PREFIX     ?= /usr/local
KUBERNETES := v1.37.2
# An older minor that clusters still have: test/skew.
OLDER      := v1.33.13

# The race detector needs a C compiler; without one the tests run without it, and say so.
CC_FOUND := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo yes)
RACE     := $(if $(CC_FOUND),-race)
EMPTY    :=
SPACE    := $(EMPTY) $(EMPTY)
# A host's own settings must not decide what is tested here.
unexport KUBECONFIG PROVISION_FILE PROVISION_OUTPUT_DIR PROVISION_CONTEXT

GO_STATIC   := CGO_ENABLED=0 go
COMMIT      := $(shell git rev-parse HEAD 2>/dev/null)
COMMIT_DATE := $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
LDFLAGS     := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(COMMIT_DATE)
KUBE_X      = -X $(1).gitVersion=$(2) -X $(1).gitMajor=1 -X $(1).gitMinor=$(word 2,$(subst ., ,$(2))) -X $(1).gitTreeState=clean -X $(1).buildDate=2026-10-27T12:01:04Z
KUBE_LDFLAGS = -s -w $(call KUBE_X,k8s.io/component-base/version,$(1)) $(call KUBE_X,k8s.io/client-go/pkg/version,$(1))

## build: the program, bin/provision
.PHONY: build
build: bin/provision

.PHONY: bin/provision
bin/provision:
	@$(GO_STATIC) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/provision

## install: provision, kubectl-provision and kubectl_complete-provision for `kubectl provision`, and the man pages, into PREFIX (default /usr/local)
.PHONY: install
install: bin/provision
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 bin/provision $(DESTDIR)$(PREFIX)/bin/provision
	ln -sf provision $(DESTDIR)$(PREFIX)/bin/kubectl-provision
	ln -sf provision $(DESTDIR)$(PREFIX)/bin/kubectl_complete-provision
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0644 docs/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1

SIGN ?=
DIST ?= dist
## dist: the archives of a release and their hashes, in DIST (default dist); with SIGN=KEY signed by that SSH key. The same bytes from any folder
.PHONY: dist
dist:
	@cd test && go run ./dist -source .. -out $(abspath $(DIST)) -version '$(VERSION)' -commit '$(COMMIT)' -date '$(COMMIT_DATE)' $(if $(PLATFORM),-platform $(PLATFORM))
	@$(if $(SIGN),ssh-keygen -q -Y sign -n provision-release -f $(SIGN) $(DIST)/SHA256SUMS)

## dist-check: makes the archives twice, the second time from a clone in another folder, and compares
.PHONY: dist-check
dist-check:
	@rm -rf bin/dist bin/dist-clone && git clone -q . bin/dist-clone
	@$(MAKE) -s dist DIST=bin/dist/here
	@$(MAKE) -s -C bin/dist-clone dist DIST=$(CURDIR)/bin/dist/there
	@cmp bin/dist/here/SHA256SUMS bin/dist/there/SHA256SUMS && echo 'the same bytes from two folders'
	@rm -rf bin/dist-clone

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
	@cd test && go build -ldflags '$(call KUBE_LDFLAGS,$(KUBERNETES))' -o ../$@ ./kubernetes

.PHONY: bin/cluster
bin/cluster:
	@cd test && go build -o ../$@ ./cmd/cluster

# The linters, at pinned versions: staticcheck, unparam and deadcode, and ours of test/tools.
.PHONY: linters
linters:
	@cd test/tools && go build -o ../../bin/ tool ./house ./vet

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
# Before 1.27, Go calls it a failure when the time ends while an input is tried (golang/go#75804): that has no failing input.
.PHONY: fuzz
fuzz:
	@for package in $$(go list ./internal/...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "fuzz $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$package >bin/fuzz.log 2>&1 || \
				{ grep -q '^    context deadline exceeded$$' bin/fuzz.log && ! grep -qE 'Failing input|_test\.go:|panic' bin/fuzz.log; } || \
				{ cat bin/fuzz.log; exit 1; }; \
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

# For some of the stories that share a control plane: the -run that picks them, and a check, because it may pick none.
run   = TestScripts/($(subst $(SPACE),|,$(strip $(1))))$$
exist = for story in $(1); do test -f test/e2e/testdata/script/$$story.txtar || { echo "there is no story $$story"; exit 1; }; done

# The stories of an apply that meets somebody else at an instant. A round is a process: each story makes its namespaces once.
RACES       ?= 5
RACES_OF    := paused-apply edited-all-the-time revoke-without-lock
## races: the stories of an apply that races with a revoke, with edits and with a held lock, RACES times (default 5); a minute each
.PHONY: races
races: bin/provision bin/kubernetes
	@$(call exist,$(RACES_OF))
	@cd test && for round in $$(seq $(RACES)); do \
		echo "races, round $$round of $(RACES)"; \
		PROVISION_TEST_BINARY=$(CURDIR)/bin/provision PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes \
			go test ./e2e -count=1 -timeout 10m -run '$(call run,$(RACES_OF))' || exit 1; \
	done

## pictures: the pictures in docs, drawn by a browser of what the program writes
.PHONY: pictures
pictures: bin/provision bin/kubernetes
	cd test && PROVISION_TEST_PICTURES=$(CURDIR)/docs PROVISION_TEST_BINARY=$(CURDIR)/bin/provision PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes \
		go test ./e2e -count=1 -timeout 10m -run '$(call run,report)'

PEOPLE ?= 200
## people: PEOPLE people (default 200) with all kinds of keys: applied, handed out, accepted at home, logged in; a minute
.PHONY: people
people: bin/provision bin/kubernetes
	cd test && PROVISION_TEST_PEOPLE=$(PEOPLE) PROVISION_TEST_BINARY=$(CURDIR)/bin/provision PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes \
		go test ./e2e -v -count=1 -timeout 10m -run 'TestPeople$$'

KILLS   ?= 200
OUTAGES ?= 12
## torture: the races RACES times, PEOPLE people, kill -9 at KILLS random instants (default 200) and at half as many of revoke and the like, and the servers at OUTAGES (default 12); about 15 minutes
.PHONY: torture
torture: races people bin/provision bin/kubernetes
	cd test && PROVISION_TORTURE_KILLS=$(KILLS) PROVISION_TORTURE_OUTAGES=$(OUTAGES) PROVISION_TEST_BINARY=$(CURDIR)/bin/provision \
		PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes go test -v -count=1 -timeout 60m ./torture

.PHONY: bin/kubernetes-$(basename $(OLDER))
bin/kubernetes-$(basename $(OLDER)):
	@test -x $@ || echo 'Building a control plane of Kubernetes $(OLDER). The first time this takes about 10 minutes on 2 cores.'
	@cd test/skew/$(basename $(OLDER)) && go build -ldflags '$(call KUBE_LDFLAGS,$(OLDER))' -o ../../../$@ .

SKEW_OF := first-apply renewal verify status revoke leaving ledger operator-without-approve
## skew: the main stories on a control plane of an older minor (Kubernetes 1.33), whose first build takes about 10 minutes
.PHONY: skew
skew: bin/provision bin/kubernetes-$(basename $(OLDER))
	@$(call exist,$(SKEW_OF))
	cd test && PROVISION_TEST_BINARY=$(CURDIR)/bin/provision PROVISION_TEST_KUBERNETES=$(CURDIR)/bin/kubernetes-$(basename $(OLDER)) \
		go test ./e2e -v -count=1 -timeout 10m -run '$(call run,$(SKEW_OF))'

N      ?= 1000
PARTS  ?= all
ROUNDS ?= 3
## bench: measure against lower bounds and write test/bench/RESULTS.md (N=1000 PARTS=all ROUNDS=3; PARTS=raised,start for some)
.PHONY: bench
bench: bin/provision bin/kubernetes
	@cd test && go build -o ../bin/bench ./bench
	@cd test/bench && ../../bin/bench -n $(N) -parts '$(PARTS)' -rounds $(ROUNDS) -provision $(CURDIR)/bin/provision -kubernetes $(CURDIR)/bin/kubernetes

## lint: gofmt, go vet (for Windows and macOS too), staticcheck, unparam, deadcode, what only our own house asks (test/tools/house), and which package may import which
# unparam and deadcode look at the product alone: in the test module they would read all of Kubernetes.
.PHONY: lint
lint: linters
	@large=$$(git ls-tree -r -l HEAD 2>/dev/null | awk '$$4 > 1048576 {print $$5}'); if [ -n "$$large" ]; then echo "too large to be a source:" $$large; exit 1; fi
	@unformatted=$$(gofmt -l cmd internal test); if [ -n "$$unformatted" ]; then echo "gofmt these files:" $$unformatted; exit 1; fi
	go vet ./...
	cd test && go vet ./...
	cd test/tools && go vet ./...
	GOOS=windows bin/vet ./...
	GOOS=darwin bin/vet ./...
	go vet -vettool=bin/house ./...
	bin/staticcheck ./...
	cd test && ../bin/staticcheck ./...
	bin/unparam ./...
	@unreached=$$(bin/deadcode ./...); if [ -n "$$unreached" ]; then echo "nothing reaches these but tests:"; echo "$$unreached"; exit 1; fi
	@sh test/imports.sh

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf bin coverage

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
