"""`/help`: how this marketplace works, topic by topic; figures come from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from market import quality, resources
from market.errors import NotFound
from market.storefront import questions

bp = Blueprint("help", __name__, url_prefix="/help")

LONGEST_QUERY = 100


@dataclass(frozen=True)
class Topic:
    """A help page, and what it answers in one sentence."""

    slug: str
    title: LazyString
    answer: LazyString
    icon: str


TOPICS = (
    Topic("pricing", _l("价格与账单说明"), _l("价格怎么看，账单上的每一笔怎么算出来"), "receipt"),
    Topic("payment", _l("对公转账指引"), _l("收到账单以后怎么付款，备注码写在哪里"), "building-bank"),
    Topic("fapiao", _l("账单和发票的区别"), _l("账单不是发票；发票由谁开、什么时候开"), "file-invoice"),
    Topic("leaving", _l("退订与数据导出"), _l("怎么停用，最后一张账单怎么算，数据怎么带走"), "download"),
    Topic("choosing", _l("怎么挑服务"), _l("先看哪几项，怎么对比，怎么看证书和评价"), "scale"),
    Topic("reviews", _l("评价从哪里来"), _l("谁能写，能不能改、能不能删，星级怎么算"), "star-filled"),
    Topic("listing", _l("上架与审核"), _l("服务商怎么上架，管理员审核什么"), "clipboard-check"),
)


@bp.get("/")
def index() -> str:
    """All topics and the questions asked most; with `?q=` those that answer it."""
    asked = " ".join(request.args.get("q", "").split())[:LONGEST_QUERY]
    answers = questions.found(asked, questions.QUESTIONS) if asked else list(questions.QUESTIONS)
    return render_template("storefront/help/index.html", topics=TOPICS, asked=asked, answers=answers, days=quality.REPLY_DAYS)


@bp.get("/rules", defaults={"subject": "rules"})
@bp.get("/privacy", defaults={"subject": "privacy"})
def policy(subject: str) -> Response:
    """Where the rules and the privacy policy used to be."""
    return redirect(url_for("storefront.policies.show", subject=subject), 303)


@bp.get("/<topic>")
def show(topic: str) -> str:
    """One topic."""
    found = next((each for each in TOPICS if each.slug == topic), None)
    if found is None:
        raise NotFound
    return render_template(
        f"storefront/help/{found.slug}.html", topic=found, topics=TOPICS, settings_now=resources.settings
    )
