"""What lies on the administrators' desks: a filled edition, a nomination, a listing to review, a firm to check, credits."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from market import accounts, audit, catalog, db, documents, recommended
from market.accounts import User, Verification
from market.demo import cast, credits, fapiao, opinions
from market.kit.period import local_day

_PRAISED = (
    (
        "computer-backup",
        "价格和超出部分写得清楚，数据存放在广东，误删的文件 30 天内都能找回。",
        "Prices and what exceeds the plan are stated plainly, data stays in Guangdong, and deleted files can be had back for 30 days.",
    ),
    (
        "company-sms",
        "没有月费，发多少付多少；签名和内容审核的规则公开。",
        "No monthly fee, pay for what is sent; the rules for signatures and texts are public.",
    ),
    (
        "code-per-box",
        "适合农产品追溯，扫码记录可以整体导出。",
        "Suits the tracing of farm produce, and all scans can be exported.",
    ),
)
#: Those of the edition before; the first was taken over into this one.
_PRAISED_BEFORE = (
    (
        "computer-backup",
        "小企业最怕丢的是电脑里的账，这项服务装好就不用管。",
        "What small firms fear most is losing the books on their computers; once installed, this needs no attention.",
    ),
    (
        "shop-till",
        "断网也能收银，联网以后自动补传。",
        "Works without a connection and catches up by itself.",
    ),
)
#: How long ago the firm that has been checked sent its licence in.
_AGO = timedelta(days=4)
#: Nominated, waiting for a second administrator.
_WAITING = (
    "payment-matching",
    "能把对公转账自动对上订单，减少财务人工核对。",
    "Matches bank transfers with orders by itself and spares the accountant the checking.",
)
_REVISED = "team-drive"
_NEW_TAGLINE = {
    "tagline_zh": "全公司的文件放在一处，手机和电脑都能用，员工离职资料不丢",
    "tagline_en": "All the firm's files in one place, on phone and computer, and nothing is lost when somebody leaves",
}


def fill(people: dict[str, User], *, at: datetime) -> None:
    """Fill the desks, by the verbs the pages call, all at once: it is the last step of making the sample world."""
    with db.transaction():
        _send_licence(people["sme_tea"], at=at)
        _verify(_send_licence(people["sme"], at=at - _AGO), people["administrator_2"], at=at - _AGO / 2)
        _recommend(people, at=at, last=_past_edition(people, at=at))
        opinions.fill(people, at=at)
        _ask_for_review(at=at)
        fapiao.fill(people, at=at)
        credits.fill(people, at=at)


def filled() -> bool:
    """Whether the sample world of this database was finished; one that was cut short is lived through again."""
    with db.transaction(readonly=True):
        return bool(recommended.editions())


def _send_licence(owner: User, *, at: datetime) -> Verification:
    """A firm asks to be checked, with a licence that says on its face that it is a sample."""
    firm = cast.firm_of(owner)
    by, drawn = cast.actor(owner, firm.id), documents.sample_licence(firm.name, firm.uscc or "")
    return accounts.submit_verification(
        firm, filename="营业执照（示例）.png", data=drawn, user=owner, by=by, at=at
    )


def _verify(application: Verification, administrator: User, *, at: datetime) -> None:
    accounts.verify(application, licence_until=None, user=administrator, by=cast.actor(administrator), at=at)


def _past_edition(people: dict[str, User], *, at: datetime) -> date:
    """An edition that ended a while ago, with its reasons; returns its last day."""
    first, second = people["administrator"], people["administrator_2"]
    begun, last = at - timedelta(days=24), local_day(at) - timedelta(days=9)
    edition = recommended.add_edition(
        slug=f"{at.year}-trial", name_zh=f"{at.year} 年推荐目录（试行）", name_en=f"Recommended catalogue {at.year} (trial edition)",
        starts_on=local_day(begun), ends_on=last, by=cast.actor(first), at=begun,
    )  # fmt: skip
    for slug, zh, en in _PRAISED_BEFORE:
        entry = recommended.nominate(
            catalog.offering_by_slug(slug), edition, reason_zh=zh, reason_en=en, user=first, by=cast.actor(first), at=begun
        )
        recommended.approve(entry, user=second, by=cast.actor(second), at=begun + timedelta(hours=2))
    recommended.expire_due(at - timedelta(days=8))
    return last


def _recommend(people: dict[str, User], *, at: datetime, last: date) -> None:
    first, second = people["administrator"], people["administrator_2"]
    edition = recommended.current_edition(local_day(at)) or recommended.add_edition(
        slug=f"{at.year}",
        name_zh=f"{at.year} 年推荐目录",
        name_en=f"Recommended catalogue {at.year}",
        starts_on=last + timedelta(days=1),
        ends_on=local_day(at).replace(month=12, day=31),
        by=cast.actor(first),
        at=at,
    )
    for slug, zh, en in (*_PRAISED, _WAITING):
        offering = catalog.offering_by_slug(slug)
        entry = recommended.nominate(
            offering, edition, reason_zh=zh, reason_en=en, user=first, by=cast.actor(first), at=at
        )
        if slug != _WAITING[0]:
            recommended.approve(entry, user=second, by=cast.actor(second), at=at + timedelta(hours=2))


def _ask_for_review(*, at: datetime) -> None:
    offering = catalog.offering_by_slug(_REVISED)
    by = audit.system(str(offering.provider))
    revision = catalog.start_revision(offering, by=by, at=at)
    catalog.edit(revision, _NEW_TAGLINE, by=by, at=at)
    catalog.submit(revision, by=by, at=at)
