"""`/console/credit-notes`: what was taken off bills or given back, on paper."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template

from market.billing import credit_notes
from market.web import credits as words
from market.web import formats, guards, paging

bp = Blueprint("credit_notes", __name__, url_prefix="/credit-notes")


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """All credit notes, newest first."""
    return render_template(
        "console/credit_notes/index.html", page=paging.page_of(credit_notes.notes_of(g.organization)), words=words,
        balance_fen=credit_notes.balance(g.organization),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> str:
    """One credit note on paper."""
    note = credit_notes.note_of(g.organization, id)
    return render_template(
        "console/credit_notes/show.html", note=note, view=credit_notes.view(note, formats.language()),
        refund=credit_notes.refund_of(note), words=words,
    )  # fmt: skip


@bp.get("/<int:id>/credit-note.pdf")
@guards.require("bills.read")
def pdf(id: int) -> Response:
    """The note as a file, in Chinese."""
    return words.pdf(credit_notes.view(credit_notes.note_of(g.organization, id), "zh"))


@bp.get("/<int:id>/credit-note-en.pdf")
@guards.require("bills.read")
def pdf_en(id: int) -> Response:
    """The note as a file, in English."""
    return words.pdf(credit_notes.view(credit_notes.note_of(g.organization, id), "en"))
