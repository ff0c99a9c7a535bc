"""Static files are kept for ever under an address that changes with their content."""

from __future__ import annotations

import gzip

from flask import Flask

from market.web import fingerprint
from tests.support.client import Client


def address(site: Flask, name: str) -> str:
    with site.test_request_context("/"):
        return fingerprint.asset(name)


def test_an_address_with_the_right_fingerprint_never_changes(visitor: Client, site: Flask) -> None:
    answer = visitor.get(address(site, "css/app.css"), buffered=True)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_without_or_with_an_old_fingerprint_the_browser_asks_again(visitor: Client) -> None:
    assert visitor.get("/static/css/app.css", buffered=True).headers["Cache-Control"] == "no-cache"
    assert visitor.get("/static/css/app.css?v=old", buffered=True).headers["Cache-Control"] == "no-cache"


def test_styles_are_sent_compressed_to_whom_it_suits(visitor: Client, site: Flask) -> None:
    plain = visitor.get(address(site, "css/app.css"), buffered=True)
    packed = visitor.get(address(site, "css/app.css"), headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_a_file_that_is_not_there_is_an_ordinary_404(visitor: Client) -> None:
    assert visitor.get("/static/css/nothing.css", headers={"Accept": "application/json"}).status_code == 404
