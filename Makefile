# Everything starts here; `make` alone lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test tour soak bench test-stripe lock audit check clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup:
	@.ci/setup run

run: setup  ## install, migrate, fill with samples and serve at 127.0.0.1:8000 (PORT, MARKET_DATA_DIR, DATABASE_URL move it)
	@MARKET_DEMO=$${MARKET_DEMO:-1} exec .venv/bin/market run

test:  ## every test on SQLite and PostgreSQL and in Chromium (ARGS="tests/billing -x" for some)
	@.ci/test $(ARGS)

tour: setup  ## the main job from the outside on real files, every amount recomputed to the fen
	@exec .venv/bin/market tour $(ARGS)

soak:  ## the long runs: kills at random moments, nothing lost, nothing doubled
	@.ci/test -m soak $(ARGS)

bench: setup  ## the benchmarks against their targets (ARGS=NAME for one)
	@exec .venv/bin/market bench $(ARGS)

test-stripe: setup  ## the journeys of paying against Stripe itself, with the test key in STRIPE_TEST_KEY
	@if [ -z "$$STRIPE_TEST_KEY" ]; then echo "STRIPE_TEST_KEY is not set: NOTHING WAS TESTED AGAINST STRIPE. Set a test key (sk_test_…) and call it again." >&2; exit 1; fi
	@if [ -n "$$STRIPE_TEST_URL" ]; then echo "STRIPE_TEST_URL is set: this runs against $$STRIPE_TEST_URL. NOTHING IS TESTED AGAINST STRIPE." >&2; fi
	@.ci/setup test
	@exec .venv/bin/pytest tests/payments/test_journeys.py -m stripe_live -q --timeout=900 $(ARGS)

check:  ## style and types
	@.ci/setup test
	@.venv/bin/ruff check .
	@.venv/bin/mypy

messages:  ## bring the English catalog up to date with the source (ARGS=more.json fills some in)
	@.ci/messages $(ARGS)

lock:  ## resolve the packages anew: requirements.txt, requirements-dev.txt
	@.ci/lock

audit:  ## known faults in the locked packages (.ci/audit exits 1 for faults, 3 when they could not be looked up)
	@.ci/audit $(ARGS)

clean:  ## remove what was built and installed; the data in var/ stays
	@rm -rf .venv .cache static/vendor build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
