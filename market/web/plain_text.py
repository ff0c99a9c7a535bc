"""What visitors send is text, and no database text may hold a NUL character.

Asking for a page with one in its parameters leads to the same page without; anything else that has one is answered with 400.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from flask import Flask, abort, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

_NUL = "\0"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def init_app(app: Flask) -> None:
    """Look at the address and at forms; JSON bodies are read and checked by the API itself."""
    app.before_request(_refuse_nul)


def _refuse_nul() -> Response | None:
    if _NUL in request.path or (request.mimetype in _FORMS and _holds_nul(request.form)):
        abort(400)
    if not _holds_nul(request.args):
        return None
    if request.method not in ("GET", "HEAD") or request.path.startswith("/api/"):
        abort(400)
    kept = [(name.replace(_NUL, ""), value.replace(_NUL, "")) for name, value in request.args.items(multi=True)]
    path = request.path.lstrip("/")  # two slashes would lead to another site
    return redirect(f"/{quote(path)}?{urlencode(kept)}", 303)


def _holds_nul(told: MultiDict[str, str]) -> bool:
    return any(_NUL in name or _NUL in value for name, value in told.items(multi=True))
