"""`/admin/recommended`: the current edition, what waits for a second person, what is listed, candidates."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from market import audit, catalog, recommended, resources
from market.admin import parts
from market.errors import Invalid, Refused
from market.kit.period import local_day
from market.recommended import Edition, Entry, EntryStatus
from market.web import formats, forms, guards, paging

bp = Blueprint("recommended", __name__, url_prefix="/recommended")

WAITING = (EntryStatus.NOMINATED, EntryStatus.SCORED)


class NominationForm(forms.MarketForm):
    """Why an offering is recommended, as the public will read it."""

    reason_zh = TextAreaField(
        _l("推荐理由（中文）"),
        [forms.Filled(_l("写一句推荐理由，公众会看到。")), forms.NotLongerThan(300)],
        render_kw={"lang": "zh-CN"},
    )
    reason_en = TextAreaField(_l("推荐理由（英文）"), [forms.NotLongerThan(1200)], render_kw={"lang": "en"})


class ReasonForm(forms.MarketForm):
    """Why a nomination is declined or an entry withdrawn."""

    reason = TextAreaField(_l("原因"), [forms.Filled(_l("写明原因，提名人会原样看到。")), forms.NotLongerThan(1000)])


class EditionForm(forms.MarketForm):
    """A new edition."""

    slug = StringField(_l("代号"), [forms.Filled(), forms.NotLongerThan(40)])
    name_zh, name_en = forms.bilingual(_l("中文名称"), _l("英文名称"), limit=60)
    starts_on = forms.DayField(_l("开始日期"), [forms.Filled(_l("填写开始日期，例如 2026-12-01。"))])
    ends_on = forms.DayField(_l("结束日期"), [forms.Filled(_l("填写结束日期，例如 2027-05-31。"))])


@bp.get("/")
@guards.require("recommended.read")
def index() -> str:
    """The current edition, or the one named by `?edition=`."""
    today = local_day(resources.clock.now())
    wanted = request.args.get("edition", "")
    edition = recommended.edition_by_slug(wanted) if wanted else recommended.current_edition(today)
    entries = recommended.entries(edition) if edition else []
    return render_template(
        "admin/recommended/index.html",
        edition=edition,
        editions=recommended.editions(),
        over=edition is not None and edition.ends_on < today,
        waiting=[entry for entry in entries if entry.status in WAITING],
        listed=[entry for entry in entries if entry.status is EntryStatus.LISTED],
        past=[entry for entry in entries if entry.status not in (*WAITING, EntryStatus.LISTED)],
        name=_name,
    )


@bp.get("/<int:id>")
@guards.require("recommended.read")
def show(id: int) -> str:
    """One nomination with its decision."""
    return _page(recommended.entry_by_id(id))


@bp.post("/<int:id>/approve")
@guards.require("recommended.decide")
def approve(id: int) -> Response:
    """Agree, as the second person."""
    entry = recommended.entry_by_id(id)
    recommended.approve(entry, user=g.user, by=g.actor, at=resources.clock.now())
    flash(_("“%(name)s”已列入推荐目录，公众能看到理由。", name=_name(entry)), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:id>/decline")
@guards.require("recommended.decide")
def decline(id: int) -> Response | tuple[str, int]:
    """Disagree, as the second person, and say why."""
    entry, form = recommended.entry_by_id(id), ReasonForm()
    if not form.validate():
        return _page(entry, form), 422
    recommended.decline(entry, reason=form.reason.data, user=g.user, by=g.actor, at=resources.clock.now())
    flash(_("已记录：“%(name)s”未入选。", name=_name(entry)), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:id>/withdraw")
@guards.require("recommended.decide")
def withdraw(id: int) -> Response | tuple[str, int]:
    """Take a listed entry out and say why."""
    entry, form = recommended.entry_by_id(id), ReasonForm()
    if not form.validate():
        return _page(entry, form), 422
    recommended.withdraw(entry, reason=form.reason.data, by=g.actor, at=resources.clock.now())
    flash(_("“%(name)s”已撤出推荐目录。", name=_name(entry)), "ok")
    return redirect(url_for(".index"), 303)


@bp.get("/candidates")
@guards.require("recommended.decide")
def candidates() -> str:
    """What could be nominated for the current edition; `?q=` is in its name."""
    words = request.args.get("q", "").strip()[:60]
    edition = _current()
    query = recommended.candidates(edition, words)
    return render_template(
        "admin/recommended/candidates.html", offerings=paging.page_of(query), words=words, edition=edition
    )


@bp.get("/candidates/<int:id>/nominate")
@guards.require("recommended.decide")
def nominate_form(id: int) -> str:
    """The form for a reason."""
    edition = _current()
    return _nomination(recommended.candidate(edition, id), edition, NominationForm())


@bp.post("/candidates/<int:id>/nominate")
@guards.require("recommended.decide")
def nominate(id: int) -> Response | tuple[str, int]:
    """Propose an offering for the current edition."""
    edition, form = _current(), NominationForm()
    offering = recommended.candidate(edition, id)
    if not form.validate():
        return _nomination(offering, edition, form), 422
    recommended.nominate(
        offering, edition, reason_zh=form.reason_zh.data, reason_en=form.reason_en.data or "",
        user=g.user, by=g.actor, at=resources.clock.now(),
    )  # fmt: skip
    flash(_("已提名。要由另一位管理员决定后才会公布。"), "ok")
    return redirect(url_for(".index"), 303)


@bp.get("/editions/new")
@guards.require("recommended.decide")
def new_edition() -> str:
    """The form for an edition."""
    return render_template("admin/recommended/edition.html", form=EditionForm())


@bp.post("/editions/new")
@guards.require("recommended.decide")
def add_edition() -> Response | tuple[str, int]:
    """Begin an edition."""
    form = EditionForm()
    if form.validate():
        try:
            edition = recommended.add_edition(
                slug=form.slug.data.strip(), name_zh=form.name_zh.data, name_en=form.name_en.data,
                starts_on=form.starts_on.data, ends_on=form.ends_on.data, by=g.actor, at=resources.clock.now(),
            )  # fmt: skip
        except Invalid as refusal:
            form.refuse(refusal)
        else:
            flash(_("已新建“%(name)s”。", name=formats.local(edition, "name")), "ok")
            return redirect(url_for(".index", edition=edition.slug), 303)
    return render_template("admin/recommended/edition.html", form=form), 422


class NoEdition(Refused):
    """There is nothing to nominate for today."""

    code = "no_edition"
    message = "现在没有进行中的一期推荐目录。请先新建一期。"


def _current() -> Edition:
    edition = recommended.current_edition(local_day(resources.clock.now()))
    if edition is None:
        raise NoEdition
    return edition


def _nomination(offering: catalog.Offering, edition: Edition, form: NominationForm) -> str:
    return render_template("admin/recommended/nominate.html", offering=offering, edition=edition, form=form)


def _page(entry: Entry, form: ReasonForm | None = None) -> str:
    return render_template(
        "admin/recommended/show.html",
        entry=entry,
        name=_name(entry),
        form=form or ReasonForm(),
        waits=entry.status in WAITING,
        own=entry.nominated_by_id == g.user.id,
        history_entries=parts.timeline(audit.history(entry)),
    )


def _name(entry: Entry) -> str:
    words = entry.offering.live_revision
    return formats.local(words.facts, "name") if words else entry.offering.slug
