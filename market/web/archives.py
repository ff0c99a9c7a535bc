"""Pages to take one's data away: `/console/exports`, `/vendor/exports` and, for a person, `/account/privacy`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from flask import Blueprint, Response, g, redirect, render_template, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from market import privacy, resources
from market.privacy import Export
from market.web import guards, htmx

#: Tells htmx that nothing more will change.
STOP_POLLING = 286
PERMISSION = "exports.make"


def pages(face: str) -> Blueprint:
    """The page of a face where an organization's archives are asked for and fetched."""
    bp = Blueprint("exports", __name__, url_prefix="/exports")

    @bp.get("/")
    @guards.require(PERMISSION)
    @guards.fresh
    def index() -> str | tuple[str, int]:
        """What an archive holds, those there are, and how far the one under way is."""
        exports = privacy.exports_of_organization(g.organization)
        return answer(render_template(f"{face}/exports/index.html", exports=exports), exports)

    @bp.post("/")
    @guards.require(PERMISSION)
    @guards.fresh
    def create() -> AnyResponse:
        """Ask for one; the worker makes it. Asking again while one is under way changes nothing."""
        with suppress(privacy.ExportPending):
            privacy.request_export(g.user, g.organization, by=g.actor, at=resources.clock.now())
        return redirect(url_for(".index"), 303)

    @bp.post("/<int:id>/file")
    @guards.require(PERMISSION)
    @guards.fresh
    def file(id: int) -> Response:
        """The archive itself; a POST, because that it was fetched goes into the trail."""
        return download(privacy.export_of_organization(g.organization, id))

    return bp


def answer(body: str, exports: Sequence[Export]) -> str | tuple[str, int]:
    """`body`, with the word to stop asking once no archive is under way."""
    waiting = any(export.status in privacy.OPEN for export in exports)
    return (body, STOP_POLLING) if htmx.is_fragment() and not waiting else body


def download(export: Export) -> Response:
    """A finished archive, as a file that no cache keeps. Raises ExportGone."""
    path = privacy.path_of(export)
    privacy.note_download(export, by=g.actor, at=resources.clock.now())
    name = _("数据归档-%(day)s.zip", day=export.requested_at.strftime("%Y%m%d"))
    response = send_file(path, as_attachment=True, download_name=name, mimetype="application/zip")
    response.headers["Cache-Control"] = "no-store"
    return response
