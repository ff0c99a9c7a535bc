"""Menus show what exists and what one may use."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from flask import Flask, request
from flask_babel import lazy_gettext as _l
from werkzeug.routing import Rule

from market import resources
from market.config import Settings
from market.web import navigation
from tests.support.client import Client

HOME = navigation.Entry("home", _l("首页"))
PAY = navigation.Entry("console.overview.pay", _l("付款"))
GONE = navigation.Entry("console.nothing.index", _l("没有"))


def test_an_entry_without_a_page_or_a_permission_is_not_shown(site: Flask) -> None:
    with site.test_request_context("/"):
        assert navigation.existing([HOME, PAY, GONE]) == [HOME, PAY]
        assert navigation.shown([PAY, GONE], lambda permission: permission == "bills.pay") == [PAY]
        assert navigation.shown([PAY, GONE], lambda permission: False) == []


def test_a_link_to_a_page_that_does_not_exist_is_none(site: Flask) -> None:
    with site.test_request_context("/"):
        assert navigation.url_if("console.nothing.index") is None
        assert navigation.url_if("home") == "/"


@pytest.mark.parametrize(("face", "menu"), [("console", navigation.CONSOLE), ("vendor", navigation.VENDOR), ("admin", navigation.ADMIN)], ids=["console", "vendor", "admin"])
def test_every_page_stands_under_one_entry_of_its_menu(app: Flask, face: str, menu: Sequence[navigation.Entry]) -> None:
    for endpoint in app.view_functions:
        if endpoint.startswith(f"{face}."):
            with app.test_request_context("/"):
                request.url_rule = Rule("/", endpoint=endpoint)
                assert sum(entry.current for entry in menu) == 1, endpoint


def test_the_test_clock_is_announced_on_every_page_also_on_errors(
    visitor: Client, settings: Settings
) -> None:
    assert "测试时钟" not in visitor.get("/").text
    resources.install(dataclasses.replace(settings, test_clock=True))
    assert "测试时钟" in visitor.get("/").text
    assert "测试时钟" in visitor.get("/nowhere").text


def test_the_demo_says_that_it_is_one(visitor: Client, settings: Settings) -> None:
    assert "演示站点" not in visitor.get("/").text
    resources.install(dataclasses.replace(settings, demo=True))
    assert "演示站点" in visitor.get("/").text
