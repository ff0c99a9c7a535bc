"""Long lists come in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from market import db
from market.accounts import User
from market.web import paging
from tests.builders.accounts import a_user


@pytest.mark.parametrize(
    ("asked", "number"),
    [("2", 2), ("", 1), ("0", 1), ("-1", 1), ("x", 1), ("²", 1), ("99999", 3), ("9" * 30, 1)],
)
def test_a_page_that_does_not_exist_is_the_nearest_that_does(site: Flask, asked: str, number: int) -> None:
    with site.test_request_context("/", query_string={"page": asked}):
        assert paging.page_of_list(range(45), size=20).number == number


def test_the_numbers_offered_leave_gaps(site: Flask) -> None:
    assert paging.Page([], 6, 20, 220).numbers() == [1, None, 5, 6, 7, None, 11]
    assert paging.Page([], 1, 20, 30).numbers() == [1, 2]


def test_filters_stay_in_the_address_of_the_next_page(site: Flask) -> None:
    with site.test_request_context("/?q=%E5%A4%87%E4%BB%BD&page=1"):
        page = paging.page_of_list(range(45), size=20)
        assert page.url(2) == "/?q=%E5%A4%87%E4%BB%BD&page=2"
        assert page.url(1) == "/?q=%E5%A4%87%E4%BB%BD"


@pytest.mark.every_database
def test_a_page_counts_all_and_fetches_its_own(site: Flask) -> None:
    with db.transaction():
        for _ in range(5):
            a_user()
    with site.test_request_context("/?page=2"), db.transaction(readonly=True):
        page = paging.page_of(select(User).order_by(User.id), size=2)
        assert (page.total, page.last, page.first_item, page.last_item, len(page)) == (5, 3, 3, 4, 2)


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("people", "asked", "statements", "told"),
    [
        (0, "1", 1, (0, 1, 1, 0)), (1, "1", 1, (1, 1, 1, 1)), (2, "1", 2, (2, 1, 1, 2)), (3, "1", 2, (3, 1, 2, 2)),
        (3, "2", 1, (3, 2, 2, 1)), (4, "2", 2, (4, 2, 2, 2)), (4, "9", 3, (4, 2, 2, 2)), (0, "9", 3, (0, 1, 1, 0)),
    ],
    ids=["none", "one", "a full page", "more", "the last page", "a full last page", "past the end", "past the end of none"],
)  # fmt: skip
def test_all_are_counted_only_where_the_page_does_not_tell(
    site: Flask, queries: Callable[..., Any], people: int, asked: str, statements: int, told: tuple[int, ...]
) -> None:
    with db.transaction():
        for _ in range(people):
            a_user()
    with site.test_request_context(f"/?page={asked}"), db.transaction(readonly=True), queries(at_most=statements):
        page = paging.page_of(select(User).order_by(User.id), size=2)
        assert (page.total, page.number, page.last, len(page)) == told
