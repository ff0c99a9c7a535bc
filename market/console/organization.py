"""`/console/organization`: what the firm says about itself, its size and its check; changing it together with others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField

from market import accounts, resources
from market.accounts import ChangedMeanwhile, CheckStatus, Profile
from market.errors import Invalid, MarketError
from market.kit.period import local_day
from market.web import firms, forms, guards, login

bp = Blueprint("organization", __name__, url_prefix="/organization")

Answer = Response | str | tuple[str, int]

#: Column → box of the form.
BOXES = {
    "name": "organization_name", "uscc": "code", "city_code": "city_code", "sector_slug": "sector_slug", "phone": "phone",
    "industry": "industry", "staff": "staff", "revenue_fen": "revenue_fen", "assets_fen": "assets_fen",
}  # fmt: skip


class OrganizationForm(firms.FirmForm):
    """The firm's facts, and which version of them was on the page."""

    version = HiddenField()
    phone = StringField(_l("企业电话"), [forms.NotLongerThan(40)], render_kw={"autocomplete": "tel", "inputmode": "tel"})

    def fill(self, facts: Profile, version: int) -> None:
        """Put these facts into the boxes."""
        for column, box in BOXES.items():
            self[box].data = getattr(facts, column)
            self[box].typed = None
        self.version.data = str(version)

    def held(self) -> dict[str, str]:
        """Box → what it holds, as it would be sent."""
        return {
            box: self[box]._value() if hasattr(self[box], "_value") else self[box].data or "" for box in BOXES.values()
        }

    @property
    def opened(self) -> int:
        """The version that the form was opened with; 0 for something that is none."""
        typed = self.version.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0

    def refuse(self, refusal: MarketError) -> None:
        """Like every form; what the domain says about a column stands at its box."""
        if isinstance(refusal, Invalid):
            fields = {BOXES.get(name, name): words for name, words in refusal.fields.items()}
            refusal = Invalid(refusal.message, fields=fields)
        super().refuse(refusal)


@dataclass(frozen=True)
class Difference:
    """A fact that is one thing now and another in the form that was sent."""

    box: str
    label: str
    now: str
    mine: str
    #: Whether whoever sent the form had changed it: then hers is the one that is ticked.
    touched: bool


@bp.get("/")
@guards.require("organization.read")
def show() -> str:
    """The facts, the size with its reason, and how far the check is."""
    now = resources.clock.now()
    return render_template(
        "console/organization/show.html",
        organization=g.organization,
        facts=firms.texts(accounts.profile_of(g.organization), on=local_day(now)),
        labels=firms.LABELS,
        size=firms.size_view(g.organization, on=local_day(now)),
        check=firms.check_view(g.organization, now),
    )


@bp.get("/edit")
@guards.require("organization.edit")
def edit() -> str:
    """The form; asked again for a part while somebody types."""
    form = OrganizationForm(formdata=firms.asked_live())
    if not request.args.keys() - {"next"}:
        form.fill(accounts.profile_of(g.organization), g.organization.version)
    return _page(form)


@bp.post("/edit")
@guards.require("organization.edit")
def save() -> Answer:
    """Save; when somebody else has saved meanwhile, both sides are shown and nothing is lost."""
    form, now = OrganizationForm(), resources.clock.now()
    if request.form.get("act") == "size":
        return _page(form)
    _prepare(form)
    was = g.organization.check_status
    try:
        if not form.validate_on_submit():
            accounts.check_profile(g.organization, _chosen(form), at=now)
            return _page(form), 422
        changed = accounts.edit_profile(g.organization, _chosen(form), version=form.opened, by=g.actor, at=now)
    except ChangedMeanwhile as refusal:
        return _conflict(form, refusal), refusal.status
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(form), 422
    _tell(changed, was)
    return redirect(_back(), 303)


def _back() -> str:
    """Where somebody came from who only wanted to mend the facts there; else the page of the facts."""
    return login.safe_next(url_for(".show"))


def _tell(changed: list[str], was: CheckStatus) -> None:
    if not changed:
        flash(_("没有改动，资料还是原来的。"), "info")
    elif was is CheckStatus.VERIFIED and g.organization.check_status is CheckStatus.EXPIRED:
        flash(_("企业资料已保存。名称或代码变了，请上传新的营业执照重新核验。"), "warn")
    else:
        flash(_("企业资料已保存。"), "ok")


def _chosen(form: OrganizationForm) -> Profile:
    """What is to be saved: the boxes, but for those where the other person's value was chosen."""
    now = accounts.profile_of(g.organization)
    theirs = {column: getattr(now, column) for column, box in BOXES.items() if request.form.get(f"keep-{box}") == "theirs"}
    return replace(form.facts(phone=form.phone.data or ""), **theirs)


def _conflict(form: OrganizationForm, refusal: ChangedMeanwhile) -> str:
    """Both sides, fact by fact. What is sent from here is compared with what is shown here."""
    today = local_day(resources.clock.now())
    mine, theirs = _chosen(form), accounts.profile_of(g.organization)
    differences = _differences(mine, theirs, today)
    form.fill(mine, g.organization.version)
    form.refuse(refusal)
    return render_template(
        "console/organization/conflict.html", form=form, differences=differences,
        change=firms.last_change(g.organization), back=_back(),
    )  # fmt: skip


def _differences(mine: Profile, theirs: Profile, today: date) -> list[Difference]:
    ours, others = firms.texts(mine, on=today), firms.texts(theirs, on=today)
    return [
        Difference(
            box=box, label=str(firms.LABELS[column]), now=others[column], mine=ours[column],
            touched=request.form.get(f"was-{box}", "") != _typed(getattr(mine, column)),
        )
        for column, box in BOXES.items()
        if getattr(mine, column) != getattr(theirs, column)
    ]  # fmt: skip


def _typed(value: Any) -> str:
    return "" if value is None else str(value)


def _prepare(form: OrganizationForm) -> None:
    form.prepare(live=url_for(".edit"), on=local_day(resources.clock.now()))


def _page(form: OrganizationForm) -> str:
    _prepare(form)
    opened = accounts.profile_of(g.organization)
    kept = {box: request.form.get(f"was-{box}", _typed(getattr(opened, column))) for column, box in BOXES.items()}
    return render_template(
        "console/organization/edit.html",
        form=form,
        was=kept,
        back=_back(),
        verified=g.organization.check_status is CheckStatus.VERIFIED,
        checking=g.organization.check_status is CheckStatus.CHECKING,
        size=firms.size_view(form.facts(), on=local_day(resources.clock.now())),
        city_hint=firms.city_hint(form.code.data or "", form.city_code.data),
    )
