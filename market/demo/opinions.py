"""What the sample firms say of what they use, what is replied, and what visitors report and look for; all of it 示例."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from market import audit, catalog, quality
from market.accounts import Role, User
from market.demo import cast

_LATER = timedelta(hours=3)


@dataclass(frozen=True)
class _Said:
    """One review: by whom, of what, its wordings one after the other, and the reply to the first."""

    buyer: str
    offering: str
    wordings: tuple[tuple[int, str], ...]
    reply: str = ""
    named: bool = False


REVIEWS = (
    _Said(
        "sme", "company-website", ((4, "网站两周上线，手机上看也正常。换一张图片要等一天，希望能自己换。"),),
        "谢谢。后台已经能自己换图片，操作办法写在帮助里，打电话也可以教。", named=True,
    ),
    _Said("sme", "camera-archive", ((5, "门口的录像一直存着，按时间调过两次，很快。费用和事先算的一样。"),)),
    _Said(
        "sme", "company-sms", ((3, "发得快，但有一次群发漏了几十条，过了两天才发现，客服核对以后退了钱。"),),
        "抱歉。现在没送到的号码当天就列在后台，也会发邮件提醒。",
    ),
    _Said("sme_tea", "shop-till", ((5, "一个人看店也忙得过来，关店以后看一眼就知道今天卖了多少。"),), named=True),
    _Said(
        "sme_tea", "map-listing",
        ((2, "地图上的电话改了两次才对，等了快一个星期。"), (4, "电话和营业时间现在都对了，后来再改一天就好。开始那次等得久。")),
        "第一次是我们录错了，对不起。现在改完当天有人复核。",
    ),
)  # fmt: skip
_ASKED_FOR = "镇上三家分店，想把每天的进货单拍照存起来，按日期找得到，每个月不超过 100 元。"
_TO_TEA = "有合适的：“企业网盘”可以按日期建文件夹，手机拍照直接上传。每人算一份，三个人用也在您说的预算里。"


def fill(people: dict[str, User], *, at: datetime) -> None:
    """Write all of it, by the verbs the pages call."""
    for said in REVIEWS:
        _review(said, people, at)
    _reports(people["administrator"], at)
    _requirements(people, at)


def _review(said: _Said, people: dict[str, User], at: datetime) -> None:
    buyer = people[said.buyer]
    firm = cast.firm_of(buyer)
    by = cast.actor(buyer, firm.id)
    use = next((use for use in quality.uses_of(firm, at=at) if use.offering.slug == said.offering), None)
    if use is None or use.days < quality.LEAST_DAYS:
        return  # the sample history is too short
    for number, (stars, text) in enumerate(said.wordings):
        review = quality.write(use, firm, stars=stars, text=text, named=said.named, user=buyer, by=by, at=at + 2 * number * _LATER)
        seller = _seller(use.offering.provider.slug, people)
        if said.reply and seller and not number:
            quality.reply(review, text=said.reply, user=seller, by=cast.actor(seller, cast.firm_of(seller).id), at=at + _LATER)


def _seller(slug: str, people: dict[str, User]) -> User | None:
    heads = (person.key for person in cast.PEOPLE if person.firm == slug and person.role is Role.OWNER)
    return next((people[key] for key in heads), None)


def _reports(administrator: User, at: datetime) -> None:
    for slug, kind, text in (
        ("computer-backup", "price", "页面上写超出部分每 GB 0.12 元，客服在电话里说 0.15 元，请核对。"),
        ("company-sms", "certificate", "页面上的短信许可证编号，在工信部网站上查不到，少了一位。"),
    ):
        report, _word = quality.report(
            catalog.offering_by_slug(slug), kind=kind, text=text, email="", locale="zh", user=None, by=_visitor(), at=at
        )
    answer = "已和服务商核对，编号少写了一位，页面改好了。谢谢您指出来。"
    quality.answer(report, text=answer, user=administrator, by=cast.actor(administrator), at=at + _LATER)


def _requirements(people: dict[str, User], at: datetime) -> None:
    tea, office = people["sme_tea"], people["administrator"]
    wanted, _word = quality.post_requirement(
        text=_ASKED_FOR, category="storage", email=tea.email, locale="zh", user=tea, by=cast.actor(tea), at=at
    )
    quality.answer_requirement(
        wanted, text=_TO_TEA, suggested=["team-drive"], user=office, by=cast.actor(office), at=at + _LATER
    )
    quality.post_requirement(
        text="五金厂有两台老机床，想知道每天开了几个小时，机器不能联网。", category="", email="", locale="zh",
        user=None, by=_visitor(), at=at + _LATER,
    )  # fmt: skip


def _visitor() -> audit.Actor:
    return audit.Actor("system", None, "visitor", None, "127.0.0.1")
