"""`/admin/reviews`: what providers handed in, oldest first, and one of them read field by field."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectMultipleField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import audit, catalog, resources
from market.admin import parts, reviewing
from market.catalog import OfferingRevision, RevisionStatus
from market.errors import Invalid
from market.web import formats, forms, guards, paging

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

#: Reasons that are given often; what is ticked is sent word for word.
USUAL_REASONS = (
    _l("价格没有写完整：请写清包含多少、超出后怎么收费。"),
    _l("资质证书的编号或有效期与原件不一致，请核对后重填。"),
    _l("请用顾客能懂的话写好处，去掉形容词和英文缩写。"),
    _l("英文内容不完整，或与中文不一致。"),
    _l("请写清数据怎么带走、停用后保留多少天。"),
)


class CommentForm(forms.MarketForm):
    """A remark about one field."""

    field = HiddenField()
    text = TextAreaField(_l("这一项的意见"), [forms.Filled(_l("写下这一项要改什么。")), forms.NotLongerThan(2000)])


class ReasonForm(forms.MarketForm):
    """Why a revision goes back or is refused; ticked sentences come first, then the reviewer's own."""

    usual = SelectMultipleField(_l("常用原因"), choices=[SelectChoice(str(n), text) for n, text in enumerate(USUAL_REASONS)])
    reason = TextAreaField(_l("原因"), [forms.NotLongerThan(1500)])

    @property
    def whole(self) -> str:
        """The reason as the provider will read it."""
        ticked = [str(USUAL_REASONS[int(number)]) for number in self.usual.data or []]
        return "\n".join([*ticked, (self.reason.data or "").strip()]).strip()


@bp.get("/")
@guards.require("reviews.read")
def index() -> str:
    """The queue."""
    now = resources.clock.now()
    return render_template(
        "admin/reviews/index.html",
        revisions=paging.page_of(catalog.review_queue()),
        late_before=now - catalog.REVIEW_TARGET,
        target_days=catalog.REVIEW_TARGET.days,
        now=now,
        age=parts.age,
    )


@bp.get("/<int:id>")
@guards.require("reviews.read")
def show(id: int) -> str:
    """One revision; `?comment=tagline_zh` opens the remark on that field."""
    return _page(catalog.revision_for_review(id))


@bp.post("/<int:id>/claim")
@guards.require("reviews.decide")
def claim(id: int) -> Response:
    """Take a review, or take it over."""
    revision = catalog.revision_for_review(id)
    catalog.claim(revision, reviewer=g.user, by=g.actor, at=resources.clock.now())
    flash(_("已由您审核。看完后在页面下方决定。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/comments")
@guards.require("reviews.decide")
def comment(id: int) -> Response | tuple[str, int]:
    """Write a remark about a field."""
    revision, form = catalog.revision_for_review(id), CommentForm()
    if form.validate_on_submit():
        try:
            catalog.comment(revision, field=form.field.data, text=form.text.data, by=g.actor, at=resources.clock.now())
        except Invalid as refusal:
            form.refuse(refusal)
        else:
            return redirect(url_for(".show", id=id, _anchor=parts.anchor(form.field.data)), 303)
    return _page(revision, comment_form=form), 422


@bp.post("/<int:id>/approve")
@guards.require("reviews.decide")
def approve(id: int) -> Response:
    """Approve and publish."""
    revision = catalog.revision_for_review(id)
    catalog.approve(revision, by=g.actor, at=resources.clock.now())
    flash(_("已发布“%(name)s”，顾客现在可以看到。", name=_name(revision)), "ok")
    return _next(revision)


@bp.post("/<int:id>/send-back")
@guards.require("reviews.decide")
def send_back(id: int) -> Response | tuple[str, int]:
    """Return for changes."""
    return _decide(id, "send_back")


@bp.post("/<int:id>/refuse")
@guards.require("reviews.decide")
def refuse(id: int) -> Response | tuple[str, int]:
    """Refuse for good."""
    return _decide(id, "refuse")


def _decide(id: int, verb: str) -> Response | tuple[str, int]:
    revision, form = catalog.revision_for_review(id), _reason_form(verb)
    form.validate()
    if not form.whole and not form.has_errors:
        form.reason.errors = [_("勾选或写明原因，服务商会原样看到。")]
    if form.has_errors:
        return _page(revision, **{verb: form}), 422
    now = resources.clock.now()
    if verb == "refuse":
        catalog.refuse(revision, reason=form.whole, by=g.actor, at=now)
        flash(_("已拒绝“%(name)s”，原因已发给服务商。", name=_name(revision)), "ok")
    else:
        catalog.send_back(revision, reason=form.whole, by=g.actor, at=now)
        flash(_("已退回“%(name)s”，原因已发给服务商。", name=_name(revision)), "ok")
    return _next(revision)


def _next(revision: OfferingRevision) -> Response:
    """On to the oldest one that nobody reads yet, or back to the empty queue."""
    following = catalog.next_to_review(revision)
    return redirect(url_for(".show", id=following.id) if following else url_for(".index"), 303)


def _name(revision: OfferingRevision) -> str:
    return formats.local(revision.facts, "name") or revision.offering.slug


def _reason_form(verb: str) -> ReasonForm:
    # Two of them stand on one page: the prefix keeps their ids apart, and the token, which every
    # POST is checked for before the view, goes without one.
    return ReasonForm(prefix=f"{verb}-", meta={"csrf": False})


def _page(
    revision: OfferingRevision,
    *,
    comment_form: CommentForm | None = None,
    send_back: ReasonForm | None = None,
    refuse: ReasonForm | None = None,
) -> str:
    now = resources.clock.now()
    live = catalog.published_revision(revision.offering)
    comment_form = comment_form or CommentForm(field=request.args.get("comment", ""))
    plans = reviewing.plan_views(revision)
    mine = revision.status is RevisionStatus.IN_REVIEW and revision.reviewer_id == g.user.id
    return render_template(
        "admin/reviews/show.html",
        revision=revision,
        name=_name(revision),
        first=live is None or live is revision,
        live=live,
        groups=reviewing.groups(revision, live),
        plans=plans,
        checks=reviewing.checklist(revision, plans, now) if revision.status in catalog.UNDER_REVIEW else [],
        comments=_by_field(revision),
        comment_form=comment_form,
        send_back=send_back or _reason_form("send_back"),
        refuse=refuse or _reason_form("refuse"),
        failed=next((form for form in (comment_form, send_back, refuse) if form is not None and form.has_errors), None),
        mine=mine and g.can("reviews.decide"),
        history_entries=parts.timeline(audit.history(revision)),
        now=now,
        age=parts.age,
        anchor=parts.anchor,
    )


def _by_field(revision: OfferingRevision) -> dict[str, list[catalog.ReviewComment]]:
    found: dict[str, list[catalog.ReviewComment]] = {}
    for remark in revision.comments:
        found.setdefault(remark.field, []).append(remark)
    return found
