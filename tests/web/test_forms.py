"""Forms say what to do, keep what was typed, and show a domain's refusal where it belongs."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from market.web import forms
from tests.support.client import Client


def test_an_empty_form_names_what_to_fill_in_above_and_at_the_field(visitor: Client) -> None:
    page = visitor.page("/rename").submit(name="", cap="12.345", agree=None)
    assert page.status == 422
    assert page.one("title").text == "有错误：改名 · 粤企云市"
    assert page.link("填写企业名称") == "/rename#name"
    assert page.one("input", id="name").get("aria-describedby") == "name-hint name-error"
    assert page.one("input", id="cap").get("value") == "12.345"
    assert "请勾选同意" in page.text


def test_the_box_above_says_whether_one_thing_or_more_need_changing(visitor: Client) -> None:
    for typed, chinese, english in (
        ({"name": "", "agree": "y"}, "有一处需要改一下", "One thing needs changing"),
        ({"name": "", "agree": None}, "有几处需要改一下", "A few things need changing"),
    ):
        assert visitor.page("/rename?lang=zh").submit(**typed).one("h2", id="error-summary").text == chinese
        assert visitor.page("/rename?lang=en").submit(**typed).one("h2", id="error-summary").text == english


def test_a_domains_refusal_stands_at_its_field(visitor: Client) -> None:
    page = visitor.page("/rename").submit(name="示例", agree="y")
    assert page.link("“示例”已经有人用了。") == "/rename#name"


def test_what_has_been_done_is_said_on_the_next_page(visitor: Client) -> None:
    page = visitor.page("/rename").submit(name="新名字", cap="¥1,200", agree="y")
    assert (page.path, page.one("div", id="flashes").get("role")) == ("/", "status")
    assert "名称已保存" in page.text


def test_every_form_shown_has_a_token_of_its_own(visitor: Client) -> None:
    tokens = {visitor.page("/rename").one("input", name="token").get("value") for _ in range(2)}
    assert len(tokens) == 2


class PriceForm(forms.MarketForm):
    amount = forms.MoneyField("月费")
    price = forms.UnitPriceField("单价")
    included = forms.QuantityField("包含用量")
    name_zh, name_en = forms.bilingual("名称", "英文名称", limit=4)


@pytest.fixture
def filled(site: Flask):  # type: ignore[no-untyped-def]  # a factory of forms
    with site.test_request_context("/"):
        yield lambda **data: PriceForm(MultiDict(data), meta={"csrf": False})


def test_amounts_become_fen_text_and_decimals(filled) -> None:  # type: ignore[no-untyped-def]
    form = filled(amount="¥1,234.5", price="0.01250000", included="1,000.5", name_zh=" 备份 ", name_en="Copy")
    assert form.validate(), form.errors
    assert (form.amount.data, form.price.data, str(form.included.data)) == (123450, "0.01250000", "1000.5")
    assert form.name_zh.data == "备份"


@pytest.mark.parametrize("text", ["abc", "1.234", "-", "1e5", "٣"])
def test_what_is_no_amount_is_refused_in_words(filled, text: str) -> None:  # type: ignore[no-untyped-def]
    form = filled(amount=text, name_zh="备份", name_en="Copy")
    assert not form.validate()
    assert form.amount.errors and "nvalid" not in str(form.amount.errors)


@pytest.mark.parametrize("text", ["0.123456789", "x", "-1", "1.", "１"])
def test_a_unit_price_has_at_most_eight_decimals(filled, text: str) -> None:  # type: ignore[no-untyped-def]
    form = filled(price=text, name_zh="备份", name_en="Copy")
    assert not form.validate()


def test_too_long_a_text_says_how_long_it_is(filled) -> None:  # type: ignore[no-untyped-def]
    form = filled(name_zh="一二三四五", name_en="Copy")
    assert not form.validate()
    assert list(form.name_zh.errors) == ["名称最多 4 个字，现在有 5 个"]


def test_fields_come_in_the_order_of_the_page_and_so_do_their_errors(app: Flask) -> None:
    class Base(forms.MarketForm):
        role = StringField()

    class Page(Base):
        leading = ("email",)
        email = StringField()
        reason = StringField()

    with app.test_request_context():
        assert [field.name for field in Page() if field.name != "csrf_token"] == ["email", "role", "reason"]
