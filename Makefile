# make run     build everything, start the service
# make test    build everything, pass every test
# make check   formats, lints, types
# make bench   the published figures, into bench/results.md
# make demo    the demo household in a folder of its own
# make crash   kill the service KILLS times under load, into bench/crash.md
# make mutations   seed known mistakes and see whether the tests see them, into bench/mutations.md
# make ui      build the page
# make snapshots   review changed snapshots
SHELL := /bin/bash
.DEFAULT_GOAL := run
.PHONY: run demo test test-page test-rust test-walks check bench crash mutations ui snapshots reference

# Node installed by .ci/need-node, when the system's own is too old.
export PATH := $(CURDIR)/target/node/node_modules/node/bin:$(PATH)

# Runs a command with PostgreSQL and MariaDB at hand; says which of them it skipped.
DATABASES := target/debug/majordomo-databases
PROFILE ?= fast
PROGRAM := target/$(PROFILE)/majordomo
PAGE_SOURCES := $(shell find ui/src ui/public ui/index.html ui/vite.config.ts ui/tsconfig.json ui/package.json -type f 2>/dev/null)

run: ui
	@echo "majordomo: building (the first time takes some minutes)"
	@cargo build --profile $(PROFILE) -p majordomo
	@exec $(PROGRAM) serve

demo: ui
	@cargo build --profile $(PROFILE) -p majordomo
	@exec $(PROGRAM) demo

ui: ui/dist/index.html

ui/node_modules/.package-lock.json: ui/package-lock.json
	@.ci/need-node
	@echo "page: installing its libraries"
	@cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json $(PAGE_SOURCES)
	@echo "page: building"
	@cd ui && npm run --silent build
	@touch $@

check: ui
	@echo "check: format"
	@cargo fmt --all --check
	@echo "check: clippy"
	@cargo clippy --workspace --all-targets --features majordomo/bench --quiet -- -D warnings
	@echo "check: page"
	@cd ui && npm run --silent lint

test: test-page test-rust test-walks

test-page: ui
	@echo "test: page"
	@cd ui && npm run --silent test

test-rust: ui
	@echo "test: crates"
	@.ci/need-databases || [ -z "$$CI" ] || { echo "test: PostgreSQL and MariaDB could not be installed" >&2; exit 1; }
	@cargo build --quiet -p majordomo-standins --features databases
	@if cargo nextest --version >/dev/null 2>&1; then $(DATABASES) cargo nextest run --workspace; \
		else $(DATABASES) cargo test --workspace --quiet; fi

# The page in a real browser.
test-walks: ui
	@cargo build --quiet -p majordomo
	@if .ci/need-chromium; then \
		.ci/walk-page; \
	elif [ -n "$$CI" ]; then \
		echo "test: Chromium is missing and could not be installed" >&2; exit 1; \
	else \
		echo "test: SKIPPED the page in Chromium; install the package chromium to run it"; \
	fi

bench: ui
	@bench/run

# A debug build: that is where the fault points are.
crash:
	@KILLS=$${KILLS:-2000} cargo test --quiet -p majordomo --test e2e -- kills_under_load --nocapture

# Each mistake by itself, in a tree of its own; the first time it builds the libraries anew.
mutations:
	@bench/mutations

snapshots:
	@cargo insta review

# The parts of docs/reference and the example settings that are generated from the code.
reference:
	@cargo build --quiet -p majordomo
	@target/debug/majordomo reference settings > config/majordomo.example.toml
	@target/debug/majordomo reference tools > docs/reference/tools.md
