"""`/admin/verifications`: firms that ask to be checked, oldest first; the licence beside what they stated; the decision."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from market import accounts, documents, resources
from market.accounts import Verification
from market.admin import parts
from market.errors import MarketError
from market.kit.period import local_day
from market.web import firms, forms, guards, paging, uploads

bp = Blueprint("verifications", __name__, url_prefix="/verifications")

Answer = Response | str | tuple[str, int]

#: Reasons that come up again and again, as they are sent: in the language in which the administrator works.
REASONS = {
    "unreadable": _l("照片看不清，请在光线好的地方重新拍，四角要完整。"),
    "name": _l("企业名称和执照上的不一样，请先在企业资料里改成和执照一致。"),
    "code": _l("统一社会信用代码和执照上的不一样，请先在企业资料里改正。"),
    "expired": _l("执照已经过了有效期，请换领新执照后再提交。"),
    "other_paper": _l("上传的不是营业执照，请上传营业执照正本或副本。"),
}


class VerifyForm(forms.MarketForm):
    """The licence's last day."""

    licence_until = forms.DayField(_l("执照有效期至"))


class RefuseForm(forms.MarketForm):
    """Why not: some of the usual reasons, own words, or both."""

    common = SelectMultipleField(
        _l("常见原因"), choices=[SelectChoice(name, words) for name, words in REASONS.items()], validate_choice=False
    )
    words = TextAreaField(_l("补充说明"), [forms.NotLongerThan(1000)])

    def validate_words(self, field: TextAreaField) -> None:
        """Nothing ticked and nothing written is no reason."""
        if not self.reason():
            raise ValidationError(_("写明原因，企业会原样看到。"))

    def reason(self) -> str:
        """What the firm will read, word for word."""
        usual = [str(REASONS[name]) for name in self.common.data or [] if name in REASONS]
        return "\n".join([*usual, (self.words.data or "").strip()]).strip()


@bp.get("/")
@guards.require("verifications.read")
def index() -> str:
    """What waits, oldest first, with its age against the target; `?show=decided` for what is done."""
    decided = request.args.get("show") == "decided"
    now = resources.clock.now()
    query = accounts.decided_verifications() if decided else accounts.waiting_verifications()
    return render_template(
        "admin/verifications/index.html",
        page=paging.page_of(query, size=30),
        decided=decided,
        now=now,
        today=local_day(now),
        age=parts.age,
        decide_by=accounts.decide_by,
        days=accounts.TARGET_DAYS,
    )


@bp.get("/<int:id>")
@guards.require("verifications.read")
def show(id: int) -> str:
    """One application: the licence, the facts, and what a program can see."""
    return _page(accounts.verification_by_id(id))


@bp.get("/<int:id>/document")
@guards.require("verifications.read")
def document(id: int) -> Response:
    """The licence itself."""
    application = accounts.verification_by_id(id)
    return uploads.answer(documents.document_by_id(application.document_id))


@bp.post("/<int:id>/verify")
@guards.require("verifications.decide")
def verify(id: int) -> Answer:
    """The facts are those of the licence."""
    application, form = accounts.verification_by_id(id), VerifyForm()
    try:
        if form.validate_on_submit():
            accounts.verify(
                application, licence_until=form.licence_until.data, user=g.user, by=g.actor, at=resources.clock.now()
            )
            flash(_("已核验“%(name)s”，会通知企业。", name=application.name), "ok")
            return redirect(url_for(".index"), 303)
    except MarketError as refusal:
        form.refuse(refusal)
    return _page(application, verify=form), 422


@bp.post("/<int:id>/refuse")
@guards.require("verifications.decide")
def refuse(id: int) -> Answer:
    """Not verified, with the reasons."""
    application, form = accounts.verification_by_id(id), RefuseForm()
    try:
        if form.validate_on_submit():
            accounts.refuse_verification(
                application, reason=form.reason(), user=g.user, by=g.actor, at=resources.clock.now()
            )
            flash(_("已退回“%(name)s”，原因会通知企业。", name=application.name), "ok")
            return redirect(url_for(".index"), 303)
    except MarketError as refusal:
        form.refuse(refusal)
    return _page(application, refuse=form), 422


def _page(application: Verification, **sent: forms.MarketForm) -> str:
    now = resources.clock.now()
    found = accounts.findings(application)
    licence = documents.document_by_id(application.document_id)
    return render_template(
        "admin/verifications/show.html",
        one=application,
        organization=application.organization,
        facts=firms.texts(accounts.profile_of(application.organization), on=local_day(now)),
        labels=firms.LABELS,
        size=firms.size_view(application.organization, on=local_day(now)),
        licence=licence,
        checks=_checks(application, found),
        twins=found.same_name,
        same_file=found.same_file,
        decide_by=accounts.decide_by(application.submitted_at),
        today=local_day(now),
        forms=sent,
        verify_form=sent.get("verify") or VerifyForm(formdata=None),
        refuse_form=sent.get("refuse") or RefuseForm(formdata=None),
    )


def _checks(application: Verification, found: accounts.Findings) -> list[dict[str, Any]]:
    """Each check by machine: whether it is fine, and in words."""
    organization = application.organization
    same = (organization.name, organization.uscc) == (application.name, application.uscc)
    stated = organization.city_code
    return [
        _check(found.code_right, _("代码的两个校验位都对"), _("代码的校验位对不上")),
        _check(found.code_city == stated, _("代码的登记地和所在地市一致"), _("代码的登记地和所在地市不同，可能搬迁过")),
        _check(not found.same_name, _("没有同名的企业"), _("有 %(count)s 家同名的企业", count=len(found.same_name))),
        _check(not found.same_file, _("没有别的企业交过同一份文件"), _("有 %(count)s 家企业交过同一份文件", count=len(found.same_file))),
        _check(same, _("提交后资料没有改过"), _("提交后资料改过，以提交时的为准")),
        _check(not found.refused_before, _("以前没有退回过"), _("以前退回过 %(count)s 次", count=found.refused_before)),
    ]  # fmt: skip


def _check(fine: bool, yes: str, no: str) -> dict[str, Any]:
    return {"fine": fine, "words": yes if fine else no}
