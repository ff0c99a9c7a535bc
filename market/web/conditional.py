"""Conditional requests: a public page that has not changed is answered with 304 and no body.

A tag is made from the page as it would be sent, so it changes with the language, the theme and every word on it. The
pages of somebody signed in get none: they are stored nowhere.
"""

import hashlib

from flask import Flask, Response, request, session

#: What a machine or a visitor may keep, if she asks again before she shows it.
TAGGED = ("text/html", "application/xml", "application/atom+xml", "application/opensearchdescription+xml", "text/plain")


def init_app(app: Flask) -> None:
    """Tag public pages."""
    app.after_request(_tag)


def _tag(response: Response) -> Response:
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or response.mimetype not in TAGGED:
        return response
    if session or response.is_streamed or response.direct_passthrough or "Set-Cookie" in response.headers:
        return response
    if "no-store" in response.headers.get("Cache-Control", ""):
        return response
    response.vary.update(("Cookie", "HX-Request"))
    response.set_etag(hashlib.blake2b(response.get_data(), digest_size=12).hexdigest(), weak=True)
    response.make_conditional(request)
    return response
