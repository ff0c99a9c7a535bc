"""Every component stands on a right page, says its words, and shows text as text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, render_template_string

from market.web import charts, paging
from tests.support.client import Client
from tests.support.pages import Page

HOSTILE = '<script src="x"></script>&"\''
DAYS = [charts.Day(date(2026, 11, day), 1000, 1000 * day) for day in range(1, 23)]
CHART = charts.Cumulative(date(2026, 11, 1), date(2026, 11, 30), DAYS, [(date(2026, 11, 30), 40_000)])
CARD = {
    "url": "/", "name": HOSTILE, "provider": HOSTILE, "benefit": HOSTILE, "tile": "t1", "icon": "database",
    "price": "¥99", "per": "/月起", "price_note": HOSTILE, "facts": [("clock", HOSTILE, True)], "verified": True,
}  # fmt: skip

#: file, call, a word that must be on the page
CALLS: list[tuple[str, str, str]] = [
    ("badge", 'badge(bad, "ok", "check")', "<script"),
    ("state", 'state("bill", "paid")', "已付清"),
    ("state", 'state("subscription", "trialing", "还剩 12 天")', "试用中（还剩 12 天）"),
    ("when", "when(day, 'date')", "2026年11月22日"),
    ("when", "when(none)", "暂无数据"),
    ("price", "price(9900, '/月', starting=True, card=True)", "起步价¥99/月起"),
    ("offering_card", "offering_card(card)", "<script"),
    ("key_facts", 'key_facts([{"icon": "clock", "label": "试用", "value": ""}])', "服务商未提供"),
    ("estimate", 'estimate([{"label": bad, "formula": "300 GB × ¥0.12", "fen": 3600}], 3600)', "300 GB × ¥0.12¥36.00"),
    ("usage_chart", 'usage_chart("c", chart, bad)', "用表格查看每日数字"),
    ("usage_chart", 'usage_chart("c", empty, "没有用量")', "用表格查看每日数字"),
    ("bar_chart", 'bar_chart("各市", [bar], "城市", "企业")', "12 家"),
    ("usage_bar", "usage_bar(D(3), D(2))", ""),
    ("usage_bar", "usage_legend()", "超出（另收费）"),
    ("timeline", 'timeline([{"at": now(), "title": bad, "actor": "系统", "reason": "到期"}])', "原因：到期"),
    ("review_diff", 'review_diff([{"label": "名称", "old": "旧", "new": bad}, {"label": "城", "old": 1, "new": 1}])', "没有变化的 1 项"),
    ("empty_state", 'empty_state(bad, "去看服务", "/")', "去看服务"),
    ("notice", 'notice(bad, bad, "bad", [("去付款", "/")])', "去付款"),
    ("table", '"<table><tr>"|safe ~ th("月费", key="fee", number=True) ~ "</tr></table>"|safe', "月费"),
    ("pager", "pager(page)", "下一页"),
    ("copy_field", "copy_field('备注码', bad)", "备注码"),
    ("breadcrumbs", "breadcrumbs([('首页', '/'), (bad, '')])", "首页"),
    ("kpi", "'<dl>'|safe ~ kpi('已用', '3 GB', bad, (3, 5, '60%')) ~ '</dl>'|safe", "3 GB"),
    ("segmented", "segmented('账期', [('10 月', '/', True)])", "10 月"),
    ("facts_list", "facts_list([('电话', none, ('修改', '/')), ('名称', bad)])", "无"),
    ("post_button", "post_button('/rename', bad, fields={'a': bad})", "<script"),
    ("task_list", "task_list([{'label': bad, 'url': '/', 'done': true}, {'label': '图片', 'optional': true}])", "已完成"),
]  # fmt: skip
MACROS = {"table": "th, td", "usage_bar": "usage_bar, usage_legend"}


@pytest.mark.parametrize(("file", "call", "word"), CALLS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_component_is_right_in_both_languages(
    site: Flask, file: str, call: str, word: str, language: str
) -> None:
    source = (
        '{% extends "layouts/storefront.html" %}'
        f'{{% from "components/{file}.html" import {MACROS.get(file, file)} %}}'
        "{% block title %}样张{% endblock %}{% block main %}<h1>样张</h1>"
        + f"<div>{{{{ {call} }}}}</div>"
        + "{% endblock %}"
    )
    values: dict[str, Any] = {
        "bad": HOSTILE, "card": CARD, "chart": CHART, "empty": charts.Cumulative(CHART.first, CHART.last, []),
        "bar": charts.Bar(HOSTILE, 12, "12 家"), "D": Decimal, "day": date(2026, 11, 22),
        "page": paging.Page(range(20), 1, 20, 90),
    }  # fmt: skip
    site.add_url_rule("/sample", "sample", lambda: render_template_string(source, **values))
    client = site.test_client()
    assert isinstance(client, Client)
    page = Page(client, client.get(f"/sample?lang={language}"))
    assert page.status == 200
    assert not [script for script in page.all("script") if script.get("src") == "x"]
    if language == "zh":
        assert word in page.text


def test_a_card_that_is_paused_shows_why_instead_of_a_price(site: Flask) -> None:
    source = '{% from "components/offering_card.html" import offering_card %}{{ offering_card(card) }}'
    with site.test_request_context("/"):
        text = render_template_string(
            source, card=SimpleNamespace(**{**CARD, "paused": "证照到期", "recommended": ""})
        )
    assert "证照到期" in text
    assert "¥99" not in text
