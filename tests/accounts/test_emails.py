"""E-mail addresses, as people type them."""

from __future__ import annotations

import pytest

from market.accounts import emails


@pytest.mark.parametrize(
    "typed", ["wang@example.com", " Wang@Example.COM ", "ｗａｎｇ＠example.com", "wang@example。com"]
)
def test_an_address_may_be_typed_on_a_chinese_keyboard(typed: str) -> None:
    assert emails.normal(typed) == "wang@example.com"
    assert emails.problem(typed) is None


@pytest.mark.parametrize(
    "typed",
    ["", "wang", "wang@", "王@example.com", "wang@@example.com", "wang@example..com", "<b>@example.com"],
)
def test_what_cannot_be_an_address_is_refused(typed: str) -> None:
    assert emails.problem(typed) is not None
