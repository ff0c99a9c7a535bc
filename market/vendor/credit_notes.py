"""`/vendor/credit-notes`: what was credited of a provider's services, and why."""

from __future__ import annotations

from flask import Blueprint, g, render_template

from market.billing import credit_notes
from market.web import credits as words
from market.web import formats, guards, paging

bp = Blueprint("credit_notes", __name__, url_prefix="/credit-notes")


@bp.get("/")
@guards.require("money.read")
def index() -> str:
    """Line by line, newest first."""
    page = paging.page_of(credit_notes.notes_about(g.provider))
    return render_template("vendor/credit_notes/index.html", page=page, words=words)


@bp.get("/<int:id>")
@guards.require("money.read")
def show(id: int) -> str:
    """His own part of one credit note."""
    note = credit_notes.note_about(g.provider, id)
    view = credit_notes.view(note, formats.language(), provider_id=g.provider.id)
    return render_template("vendor/credit_notes/show.html", note=note, view=view)
