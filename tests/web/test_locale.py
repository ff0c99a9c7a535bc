"""Language and theme belong to the visitor and are remembered."""

from __future__ import annotations

from flask import Flask

from market.web import locale
from tests.support.client import Client


def test_chinese_is_spoken_until_somebody_asks_for_english(visitor: Client) -> None:
    assert visitor.page("/").one("html").get("lang") == "zh-CN"
    assert visitor.page("/?lang=en").one("html").get("lang") == "en"
    assert visitor.page("/").one("html").get("lang") == "en"


def test_a_language_nobody_speaks_changes_nothing(visitor: Client) -> None:
    answer = visitor.get("/?lang=xx")
    assert 'lang="zh-CN"' in answer.text
    assert not answer.headers.getlist("Set-Cookie")


def test_a_theme_is_remembered_and_leaves_the_address(visitor: Client) -> None:
    answer = visitor.get("/?theme=dark&q=backup")
    assert (answer.status_code, answer.location) == (303, "/?q=backup")
    assert visitor.page("/").one("html").get("data-theme") == "dark"


def test_the_switch_keeps_the_rest_of_the_address(visitor: Client) -> None:
    assert visitor.page("/?q=a&q=b").link("English") == "/?q=a&q=b&lang=en"


def test_the_switch_on_an_answer_to_a_post_leads_to_a_page_that_exists(site: Flask) -> None:
    site.add_url_rule("/only-post", "only_post", lambda: "", methods=["POST"])
    with site.test_request_context("/only-post", method="POST"):
        assert locale.here_with(lang="en") == "/?lang=en"


def test_the_site_has_a_name_in_both_languages(visitor: Client) -> None:
    assert "一页 · 粤企云市" in visitor.get("/").text
    assert "Yueqi Cloud Market" in visitor.get("/?lang=en").text
