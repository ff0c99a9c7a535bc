"""Fragments: a request by htmx gets a part of the page that everyone else gets whole."""

from flask import Flask, Response, request


def init_app(app: Flask) -> None:
    """Tell caches that the answer depends on who asks, and templates whether to render a part."""
    app.after_request(_vary)
    app.jinja_env.globals["is_fragment"] = is_fragment


def is_fragment() -> bool:
    """Whether htmx asks for a part of the page; going back in history wants the whole page."""
    return request.headers.get("HX-Request") == "true" and not request.headers.get(
        "HX-History-Restore-Request"
    )


def _vary(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.update(["HX-Request", "Cookie"])
    return response
