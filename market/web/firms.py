"""What a firm says about itself, as a form and in words: for registering and for its own page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField

from market import accounts
from market.accounts import Organization, Profile, SizeClass
from market.web import forms
from market.web.formats import language, local

SIZES = {
    SizeClass.MICRO: _l("微型企业"),
    SizeClass.SMALL: _l("小型企业"),
    SizeClass.MEDIUM: _l("中型企业"),
    SizeClass.LARGE: _l("大型企业"),
}
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
    industry = SelectField(_l("行业"), validate_choice=False)
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
        "hx-sync": "closest form:replace",
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
    return _("按信用代码，登记地是%(city)s。请选择企业现在所在的地市。", city=local(city, "name"))


def asked_live() -> Any:
    """What the page is asked while somebody types: the boxes in the address, never more than these."""
    names = ("code", "city_code", "industry", *BOXES.values())
    return request.args.copy() if any(name in request.args for name in names) else None


def industry_name(slug: str | None, *, on: date) -> str:
    """What a group of the size rules is called; nothing when none was chosen."""
    group = accounts.industries(on).get(slug or "")
    return local(group, "name") if group else ""
