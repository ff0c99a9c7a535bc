"""The checks that every fetched page goes through do find what they are for."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.client import Client
from tests.support.pages import problems

PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>账单 · 示例</title></head>
<body><main><h1>账单</h1>{}</main></body></html>"""


@pytest.fixture
def small_app() -> Flask:
    app = Flask("small", static_folder=None)
    app.add_url_rule("/bills/<int:id>", "show", lambda id: PAGE.format(f"<p>{id}</p>"))
    app.add_url_rule("/pay", "pay", lambda: PAGE.format("<p>好</p>"), methods=["POST"])
    app.test_client_class = Client
    return app


def test_a_right_page_has_no_problems(small_app: Flask) -> None:
    body = """<a href="/bills/7?page=2#top" id="top">看</a>
    <form method="post" action="/pay"><input type="hidden" name="csrf_token" value="t">
    <label for="note">备注</label><input id="note" name="note"><button>付款</button></form>
    <a href="https://example.invalid/">外面</a><a href="mailto:a@example.invalid">写信</a>"""
    assert problems(PAGE.format(body), "/bills/7", small_app) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<h1>又一个</h1>", "2 h1"),
        ('<p id="a"></p><p id="a"></p>', "stands twice"),
        ('<p style="color:red">x</p>', "style="),
        ("<style>p{}</style>", "inline <style>"),
        ("<script>1</script>", "inline <script>"),
        ('<button onclick="x()">x</button>', "onclick="),
        ('<a href="javascript:x()">x</a>', "javascript:"),
        ('<input name="q">', "no label"),
        ('<label for="q"></label><input id="q" name="q">', "no label"),
        ('<form method="post" action="/pay"><button>x</button></form>', "no CSRF"),
        (
            '<form method="post" action="https://elsewhere.invalid/"><button>x</button></form>',
            "posts to elsewhere",
        ),
        (
            '<form method="post" action="/pay"><input type="hidden" name="csrf_token" value="t"></form>',
            "no button",
        ),
        ('<a href="/bills/seven">x</a>', "goes nowhere"),
        ('<a href="/pay">x</a>', "goes nowhere"),
        ('<a href="#nothing">x</a>', "goes nowhere"),
        ('<a href="/bills/7"></a>', "without a name"),
        ('<img src="/bills/7">', "no alt"),
        ("<div><p></div></p>", "line"),
        ('<button hx-post="/nothing">x</button>', "goes nowhere"),
    ],
)
def test_a_wrong_page_is_told_so(small_app: Flask, body: str, complaint: str) -> None:
    assert any(complaint in problem for problem in problems(PAGE.format(body), "/bills/7", small_app))


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        (PAGE.format("").replace("<title>账单 · 示例</title>", ""), "not one title"),
        (PAGE.format("").replace("账单 · 示例", "首页"), "does not contain"),
        (PAGE.format("").replace(' lang="zh-CN"', ""), "no lang"),
        (PAGE.format("").replace("main>", "div>"), "no <main>"),
    ],
)
def test_a_wrong_head_is_told_so(small_app: Flask, html: str, complaint: str) -> None:
    assert any(complaint in problem for problem in problems(html, "/", small_app))


def test_the_client_refuses_a_wrong_page(small_app: Flask) -> None:
    small_app.add_url_rule("/wrong", "wrong", lambda: "<p>")
    client = small_app.test_client()
    assert client.get("/bills/7").status_code == 200
    with pytest.raises(AssertionError, match="GET /wrong"):
        client.get("/wrong")
