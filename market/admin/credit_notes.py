"""`/admin/credit-notes`: what was credited; one note on paper, and taking a mistaken one back."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as Answer
from wtforms import TextAreaField

from market import resources
from market.admin import menu, parts
from market.audit import history
from market.billing import credit_notes
from market.billing.credit_notes import CreditNote, CreditNoteStatus
from market.errors import MarketError
from market.web import credits as words
from market.web import formats, forms, guards, paging, row_numbers
from market.web.states import STATES

bp = Blueprint("credit_notes", __name__, url_prefix="/credit-notes")


class VoidForm(forms.MarketForm):
    """Why a note was a mistake."""

    reason = TextAreaField(_l("为什么作废"), [forms.Filled(_l("写明为什么作废，客户会看到")), forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("credits.read")
def index() -> str:
    """All credit notes, newest first; narrowed to a state."""
    wanted = next((each for each in CreditNoteStatus if each.value == request.args.get("status")), None)
    filters = [
        (STATES["credit_note"][each.value].label, url_for(".index", status=each.value), each is wanted)
        for each in CreditNoteStatus
    ]
    bill_id = request.args.get("bill", type=row_numbers.read)
    return render_template(
        "admin/credit_notes/index.html", page=paging.page_of(credit_notes.every_note(wanted, bill_id=bill_id)), wanted=wanted,
        filters=filters, words=words, work=menu.credits_waiting(),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("credits.read")
def show(id: int) -> str:
    """One credit note on paper."""
    return _page(credit_notes.note_by_id(id), VoidForm(formdata=None))


@bp.get("/<int:id>/credit-note.pdf")
@guards.require("credits.read")
def pdf(id: int) -> Response:
    """The note as a file."""
    return words.pdf(credit_notes.view(credit_notes.note_by_id(id), formats.language()))


@bp.post("/<int:id>/void")
@guards.require("credits.propose")
def void(id: int) -> Answer | tuple[str, int]:
    """Take a mistaken note back while nothing has come of it."""
    note, form = credit_notes.note_by_id(id), VoidForm()
    if not form.validate():
        return _page(note, form), 422
    try:
        credit_notes.void(note, reason=form.reason.data or "", by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(note, form), refusal.status
    flash(_("冲减单已作废，账单恢复原来的金额。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _page(note: CreditNote, form: VoidForm) -> str:
    return render_template(
        "admin/credit_notes/show.html", note=note, view=credit_notes.view(note, formats.language()), form=form,
        voidable=credit_notes.voidable(note, note.bill), refund=credit_notes.refund_of(note), words=words,
        story=parts.timeline(history(note)),
    )  # fmt: skip
