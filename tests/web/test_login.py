"""Where a person goes after signing in."""

from __future__ import annotations

import pytest
from flask import Flask

from market.web import login


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
