"""`make test-stripe`, from the command to an account that is left as it was found: at the double, in a process that has
nothing of it but its address. What it says of Stripe only Stripe can say."""

from __future__ import annotations

import os
import subprocess

import pytest

from market.config import ROOT
from tests.support.stripe import Double, served
from tests.support.stripe.account import Account


def make_test_stripe(arguments: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    # With the tools that are here already, and on SQLite as there.
    here = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "PYTEST_", "TEST_DATABASE_URL"))}
    command = ["make", "-o", "setup", "test-stripe", f"ARGS={arguments}"]
    return subprocess.run(command, cwd=ROOT, env=here | environment, capture_output=True, text=True, timeout=900)


def is_left_alone(double: Double) -> bool:
    """Nobody is there any more, and nothing can still be paid."""
    pages, intents = double.of("checkout.session"), double.of("payment_intent")
    return not double.of("customer") and {each["status"] for each in pages + intents} <= {"complete", "expired", "succeeded", "canceled"}


def test_without_a_key_it_says_that_it_proves_nothing() -> None:
    ended = make_test_stripe()
    assert ended.returncode != 0
    assert "STRIPE_TEST_KEY is not set: NOTHING WAS TESTED AGAINST STRIPE" in ended.stderr


@pytest.mark.parametrize("key", ["", "sk_live_0", "rk_live_0", "whsec_0"], ids=lambda key: key or "none")
def test_no_other_key_than_a_test_key_is_used(key: str) -> None:
    with pytest.raises(AssertionError, match="has to be a test key"):
        Account(key, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    "arguments", [pytest.param("-k goes_back_in_parts", id="one journey"), pytest.param("", id="all of them", marks=pytest.mark.soak)]
)
@pytest.mark.timeout(1800)
def test_with_a_key_the_journeys_are_walked_and_nothing_is_left(arguments: str) -> None:
    with served() as double:
        for _ in range(1 if arguments else 2):  # Stripe remembers the keys of the first run when the second begins
            ended = make_test_stripe(arguments, STRIPE_TEST_KEY="sk_test_0", STRIPE_TEST_URL=double.url)
            assert ended.returncode == 0 and "skipped" not in ended.stdout, ended.stdout + ended.stderr
            assert double.of("refund") and is_left_alone(double)
    assert "NOTHING IS TESTED AGAINST STRIPE" in ended.stderr
