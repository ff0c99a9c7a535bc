"""What a firm says about itself, as a form and in words: for registering and for its own page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import SelectField, StringField

from market import accounts, audit
from market.accounts import CheckStatus, Organization, Profile, SizeClass, Verification
from market.audit import AuditEvent
from market.kit.period import local_day
from market.web import forms
from market.web.formats import date as day_text
from market.web.formats import language, local

SIZES = {
    SizeClass.MICRO: _l("微型企业"),
    SizeClass.SMALL: _l("小型企业"),
    SizeClass.MEDIUM: _l("中型企业"),
    SizeClass.LARGE: _l("大型企业"),
}
#: What each column is called.
LABELS = {
    "name": _l("企业名称"), "uscc": _l("统一社会信用代码"), "city_code": _l("所在地市"), "sector_slug": _l("规划重点领域"),
    "phone": _l("企业电话"), "industry": _l("主要行业"), "staff": _l("员工人数"), "revenue_fen": _l("去年营业收入"),
    "assets_fen": _l("资产总额"),
}  # fmt: skip
#: Which box holds each figure that the size rules ask for.
BOXES = {"staff": "staff", "revenue": "revenue_fen", "assets": "assets_fen"}


class FirmForm(forms.MarketForm):
    """A firm's facts; the rules live in `accounts`. Call `prepare` before anything else."""

    organization_name = StringField(
        _l("企业名称"),
        [forms.Filled(_l("填写企业名称，和营业执照上一致")), forms.NotLongerThan(120)],
        render_kw={"autocomplete": "organization"},
    )
    code = StringField(
        _l("统一社会信用代码"),
        [forms.Filled(_l("填写营业执照上的 18 位统一社会信用代码")), forms.NotLongerThan(40)],
        render_kw={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"},
    )
    city_code = SelectField(_l("所在地市"), [forms.Filled(_l("选择企业所在的地市"))], validate_choice=False)
    sector_slug = SelectField(_l("规划重点领域"), validate_choice=False)
    industry = SelectField(_l("主要行业"), validate_choice=False)
    staff = forms.CountField(_l("员工人数"), render_kw={"inputmode": "numeric", "autocomplete": "off"})
    revenue_fen = forms.WanField(_l("去年营业收入"), render_kw={"inputmode": "decimal", "autocomplete": "off"})
    assets_fen = forms.WanField(_l("资产总额"), render_kw={"inputmode": "decimal", "autocomplete": "off"})

    def prepare(self, *, live: str, on: date) -> None:
        """Fill the choices, and let the page at `live` answer while people type."""
        self.city_code.choices = [("", _("请选择"))] + [(c.code, local(c, "name")) for c in accounts.cities()]
        self.sector_slug.choices = [("", _("不在其中，或以后再选"))] + [(s.slug, local(s, "name")) for s in accounts.sectors()]
        groups = accounts.industries(on).values()
        self.industry.choices = [("", _("以后再选"))] + [(group.slug, local(group, "name")) for group in groups]
        _lively(self.industry, live, "#measures", "industry", *BOXES.values())
        _lively(self.code, live, "#city-hint", "code")
        for box in BOXES.values():
            _lively(self[box], live, "#size-now", "industry", *BOXES.values())

    def facts(self, *, phone: str = "") -> Profile:
        """What was filled in; a box that was not sent is empty."""
        return Profile(
            name=self.organization_name.data or "",
            uscc=self.code.data or "",
            city_code=self.city_code.data or "",
            sector_slug=self.sector_slug.data or "",
            phone=phone,
            industry=self.industry.data or "",
            staff=self.staff.data,
            revenue_fen=self.revenue_fen.data,
            assets_fen=self.assets_fen.data,
        ).tidy()


def _lively(field: Any, live: str, target: str, *names: str) -> None:
    """Ask the page again when this box changes; it sends these boxes and nothing else, no password among them."""
    field.render_kw = (field.render_kw or {}) | {
        "hx-get": live,
        "hx-trigger": "change" if isinstance(field, SelectField) else "change, input changed delay:500ms",
        "hx-include": ",".join(f"[name={name}]" for name in names),
        "hx-target": target,
        "hx-select": target,
        "hx-swap": "outerHTML",
        "hx-sync": "closest form:queue last",
    }


@dataclass(frozen=True)
class SizeView:
    """A firm's size for a page."""

    label: str
    reason: str
    known: bool
    #: Whether anything was said that a size could follow from.
    begun: bool
    #: The boxes that the industry asks for; all of them while none is chosen.
    boxes: tuple[str, ...]
    rules: str


def size_view(facts: Profile | Organization, *, on: date) -> SizeView:
    """The class, why, and by which rules."""
    found = accounts.size_of(facts, on=on)
    rules = {"name_zh": found.rules.name_zh, "name_en": found.rules.name_en}
    return SizeView(
        label=str(SIZES[found.size]) if found.size else _("还不能确定"),
        reason=accounts.size_words(found, language()),
        known=found.size is not None,
        begun=found.industry is not None or any(getattr(facts, box) is not None for box in BOXES.values()),
        boxes=tuple(BOXES[name] for name in found.industry.measures) if found.industry else tuple(BOXES.values()),
        rules=local(rules, "name"),
    )


def city_hint(code: str, chosen: str | None) -> str:
    """Where a code says that the firm is registered, when that is worth saying; what was chosen is never changed."""
    city = accounts.city_of_code(code)
    if city is None or city.code == chosen:
        return ""
    if chosen:
        return _("按信用代码，登记地是%(city)s，和您选的不同。以您选的为准，搬迁过的不用改。", city=local(city, "name"))
    return _("按信用代码，登记地是%(city)s。企业现在在别处的，请另选。", city=local(city, "name"))


def asked_live() -> MultiDict[str, str] | None:
    """What the page is asked while somebody types: the boxes in the address, never more than these."""
    names = ("code", "city_code", "industry", *BOXES.values())
    asked = MultiDict((name, request.args[name]) for name in names if name in request.args)
    return asked or None


def texts(facts: Profile, *, on: date) -> dict[str, str]:
    """Every fact in words, by column; what is not known is empty."""
    cities, sectors = ({row.code: row for row in accounts.cities()}, {row.slug: row for row in accounts.sectors()})
    group = accounts.industries(on).get(facts.industry or "")
    return {
        "name": facts.name,
        "uscc": facts.uscc or "",
        "city_code": local(cities[facts.city_code], "name") if facts.city_code in cities else "",
        "sector_slug": local(sectors[facts.sector_slug], "name") if facts.sector_slug in sectors else "",
        "phone": facts.phone,
        "industry": local(group, "name") if group else "",
        "staff": _("%(count)s 人", count=f"{facts.staff:,}") if facts.staff is not None else "",
        "revenue_fen": _wan(facts.revenue_fen),
        "assets_fen": _wan(facts.assets_fen),
    }


def _wan(fen: int | None) -> str:
    if fen is None:
        return ""
    if language() == "en":
        return f"¥{Decimal(fen) / 100:,f}"
    return _("%(amount)s 万元", amount=f"{Decimal(fen) / 1_000_000:,f}")


def last_change(organization: Organization) -> AuditEvent | None:
    """Who changed the firm's facts last, and when."""
    return next((event for event in audit.history(organization) if event.action == "organization.changed"), None)


@dataclass(frozen=True)
class CheckView:
    """How far the check of a firm is, in words, and what to do next."""

    status: CheckStatus
    text: str
    #: What the next step is called; empty when there is nothing to do.
    action: str
    waiting: Verification | None
    last: Verification | None


#: How long before its end a check that holds may be renewed.
RENEWAL = timedelta(days=60)


def check_view(organization: Organization, now: datetime) -> CheckView:
    """The state of the check with its next step."""
    known = accounts.verifications_of(organization.id)
    waiting = next((one for one in known if one.waits), None)
    last = next((one for one in known if one.decided_at is not None), None)
    text, action = _CHECKS[organization.check_status](organization, waiting, now)
    return CheckView(organization.check_status, text, action, waiting, last)


Step = tuple[str, str]


def _unverified(_organization: Organization, _waiting: Verification | None, _now: datetime) -> Step:
    return _("还没有核验。不影响订阅、试用和付款。核验后，服务商和平台能确认贵企业的身份。"), _("去核验")


def _checking(_organization: Organization, waiting: Verification | None, now: datetime) -> Step:
    day = accounts.decide_by(waiting.submitted_at if waiting else now)
    return _("材料已提交，最晚 %(date)s 有结果，会通知您。", date=day_text(day)), _("看提交的材料")


def _verified(organization: Organization, _waiting: Verification | None, now: datetime) -> Step:
    until = organization.verified_until or local_day(now)
    if until - local_day(now) <= RENEWAL:
        return _("有效期至 %(date)s，快到期了。执照换新后上传即可。", date=day_text(until)), _("上传新执照")
    return _("有效期至 %(date)s。", date=day_text(until)), ""


def _refused(_organization: Organization, _waiting: Verification | None, _now: datetime) -> Step:
    return _("这次没有通过。按原因改好后可以马上再提交。"), _("看原因，重新提交")


def _expired(_organization: Organization, _waiting: Verification | None, _now: datetime) -> Step:
    return _("核验已失效，需要重新上传营业执照。不影响正在用的服务。"), _("重新核验")


_CHECKS = {
    CheckStatus.UNVERIFIED: _unverified,
    CheckStatus.CHECKING: _checking,
    CheckStatus.VERIFIED: _verified,
    CheckStatus.REFUSED: _refused,
    CheckStatus.EXPIRED: _expired,
}
