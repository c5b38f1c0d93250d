# The front door. `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help run build ui test lint fmt bench conformance chaos faults soak fuzz clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## Build all, start a collector and an agent on this machine's logs, print the address.
	@packaging/local/run

build: ui ## Build target/release/millpond-agent and target/release/millpond-collector.
	cargo build --release --locked --bins

# The page is built when its sources are newer than the last build.
UI_SOURCES := $(shell find ui/web -path ui/web/node_modules -prune -o -path ui/web/dist -prune -o -type f -print 2>/dev/null)
ui: ui/web/dist/index.html ## Build the page (needs Node.js).
ui/web/dist/index.html: $(UI_SOURCES)
	cd ui/web && npm ci --no-audit --no-fund && npm run build
	@touch $@

test: test-setup test-rust test-ui test-browser ## Every test: Rust, end to end, TypeScript, and the page in headless Chromium.

.PHONY: test-setup test-rust test-ui test-browser
test-setup:
	@tests/setup

# Programs and tests are built in one go: with the features that tests ask for, so that nothing is
# compiled twice.
PROGRAMS := cargo build --locked --workspace --bins --tests

# Property tests draw the same cases each time, so that what passes here passes elsewhere; `make soak` draws others.
test-rust: export PROPTEST_RNG_SEED ?= 20240501
test-rust: ui ## All Rust tests, the end-to-end ones with real processes included.
	$(PROGRAMS)
	cargo test --locked --workspace --no-fail-fast

test-ui: ui ## Type check and unit tests of the page.
	cd ui/web && npm run check && npm test

test-browser: ui ## The page in a real headless Chromium against a real collector.
	$(PROGRAMS)
	tests/browser/run

lint: ## Formatting and lints, warnings are errors.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

fmt: ## Format all Rust code.
	cargo fmt --all

bench: ui ## Measure ingest, size, memory and queries of the real collector; prints one table.
	cargo build --release --locked --bins
	cargo bench --locked -p millpond-tests --bench figures

conformance: ## The agent's conformance suite at full length: every variant, 100 kills, gigabytes (needs root).
	@tests/setup
	$(PROGRAMS)
	MILLPOND_CONFORMANCE=all cargo test --locked -p millpond-tests --test conformance

chaos: ## The long exactly-once test: 200,000 lines, rotations, twenty kills.
	$(PROGRAMS)
	MILLPOND_CHAOS_LINES=200000 cargo test --locked -p millpond-tests --test e2e exactly_once -- --nocapture

faults: ## The long sweep: some 500 failing system calls in a real collector (needs strace).
	$(PROGRAMS)
	MILLPOND_FAULTS=all cargo test --locked -p millpond-tests --test e2e faults -- --nocapture

soak: ## Property tests with cases of their own, and the oracle on thirty stores.
	MILLPOND_ORACLE_CASES=30 PROPTEST_CASES=2000 cargo test --locked -p millpond-query -p millpond-store -p millpond-parsers

fuzz: ## Fuzz the query language for FUZZ_SECONDS (600; needs nightly Rust and cargo-fuzz).
	tests/fuzz/run $${FUZZ_SECONDS:-600}

clean: ## Remove everything built (not ./.millpond).
	cargo clean
	rm -rf ui/web/dist ui/web/node_modules tests/browser/node_modules
