"""`walker()`: a visitor in a real browser, in one test with JavaScript and in one without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.walker import Walker

#: A loaded machine is slow, not wrong.
PATIENCE = 45_000


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    expect.set_options(timeout=PATIENCE)


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether JavaScript runs."""
    return bool(request.param)


@pytest.fixture
def walker(visit: Any, script: bool) -> Callable[..., Walker]:
    """`walker(width=390)`: a new visitor."""

    def come(**options: Any) -> Walker:
        page = visit(js=script, **options)
        page.set_default_timeout(PATIENCE)
        return Walker(page, script)

    return come
