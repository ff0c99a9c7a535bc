"""Where a person goes after signing in."""

from __future__ import annotations

import pytest
from flask import Flask

from market.accounts import User
from market.web import login
from tests.support.client import Client


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/console/bills/7?page=2", "/console/bills/7?page=2"),
        ("", "/console/"),
        ("https://elsewhere.example/", "/console/"),
        ("//elsewhere.example/", "/console/"),
        ("/\\elsewhere.example/", "/console/"),
        ("/%0d%0aSet-Cookie:x", "/%0d%0aSet-Cookie:x"),
        ("/\r\nSet-Cookie: x", "/console/"),
        ("javascript:alert(1)", "/console/"),
    ],
)
def test_only_addresses_of_this_site_are_followed(site: Flask, wanted: str, goes_to: str) -> None:
    with site.test_request_context("/", query_string={"next": wanted}):
        assert login.safe_next("/console/") == goes_to


def test_who_wants_to_be_remembered_is_known_without_a_session(visitor: Client, owner: User) -> None:
    visitor.post(f"/become/{owner.id}?remember=1")
    visitor.delete_cookie("session")
    assert visitor.get("/console/").status_code == 200


@pytest.mark.parametrize("query", ["", "?remember=1"])
def test_who_leaves_is_gone_even_if_she_was_to_be_remembered(
    visitor: Client, owner: User, query: str
) -> None:
    visitor.post(f"/become/{owner.id}{query}")
    visitor.post("/leave")
    assert visitor.get("/console/").status_code == 303
