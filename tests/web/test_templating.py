"""Templates mean what they meant, though they are run with less looking around."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string, url_for
from markupsafe import Markup

from market.web import templating


class Marked:
    """Something that says itself how a page writes it."""

    def __html__(self) -> str:
        return "<i>so</i>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a < b & 'c'", "a &lt; b &amp; &#39;c&#39;"), ('"', "&#34;"), ("plain", "plain"), (Markup("<b>"), "<b>"),
        (3, "3"), (True, "True"), (None, "None"), (Marked(), "<i>so</i>"), (1.5, "1.5"),
    ],
)  # fmt: skip
def test_what_a_page_writes_is_safe(value: object, text: str, site: Flask) -> None:
    assert templating.written(value) == text
    with site.test_request_context("/"):
        assert render_template_string("{{ value }}", value=value) == text


def test_functions_macros_and_blocks_are_called_as_ever(site: Flask) -> None:
    source = (
        "{% macro row(text, self='') %}[{{ text }}{{ caller() if caller else '' }}]{% endmacro %}"
        "{% for each in ['<', 2] %}{{ row(each) }}{% endfor %}{% call row('>') %}!{% endcall %}{{ _('首页') }}{{ text.upper() }}"
    )
    with site.test_request_context("/"):
        assert render_template_string(source, text="x") == "[&lt;][2][&gt;!]首页X"


def test_an_address_belongs_to_its_values_and_to_where_the_site_stands(app: Flask) -> None:
    with app.test_request_context("/"):
        assert url_for("storefront.offerings.index", q="a b", page=None) == "/offerings/?q=a+b"
        assert url_for("storefront.offerings.index", q=["a", "b"]) == "/offerings/?q=a&q=b"
        assert url_for("storefront.offerings.index", _external=True) == "http://localhost/offerings/"
        assert url_for("storefront.offerings.index", _anchor="top") == "/offerings/#top"
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/market"}):
        assert url_for("storefront.offerings.index") == "/market/offerings/"
