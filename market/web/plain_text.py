"""What visitors send is text: a NUL character, which no database text may hold, is answered with 400."""

from __future__ import annotations

from flask import Flask, abort, request

_NUL = "\0"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def init_app(app: Flask) -> None:
    """Look at the address and at forms; JSON bodies are read and checked by the API itself."""
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    told = [request.args, request.form] if request.mimetype in _FORMS else [request.args]
    typed = (value for values in told for _, value in values.items(multi=True))
    if _NUL in request.path or any(_NUL in value for value in typed):
        abort(400)
