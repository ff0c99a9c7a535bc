"""Language and theme: chosen by the visitor, kept in two cookies, read by the server.

`?lang=zh|en` answers in that language and remembers it; `?theme=light|dark|auto`
remembers the theme and goes back to the page without the parameter.
"""

from collections.abc import Collection
from urllib.parse import quote, urlencode

from flask import Flask, Response, current_app, redirect, request
from flask_babel import Babel
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from market import resources
from market.web import formats, translation

LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
HTML_LANGUAGES = {"zh": "zh-CN", "en": "en"}
THEMES = ("light", "dark", "auto")
YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Choose language and theme for every request and give templates their helpers."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", LANGUAGES["zh"])
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", "Asia/Shanghai")
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "market/translations")
    babel = Babel(
        app, locale_selector=lambda: LANGUAGES[chosen_language()], timezone_selector=lambda: "Asia/Shanghai"
    )
    translation.init_app(app, babel)
    app.before_request(_leave_theme_parameter)
    app.after_request(_remember)
    app.jinja_env.globals.update(
        language=chosen_language,
        html_language=lambda: HTML_LANGUAGES[chosen_language()],
        theme=chosen_theme,
        here_with=here_with,
        site_name=site_name,
    )
    formats.init_app(app)


def chosen_language() -> str:
    """`zh` or `en`: the address first, then the cookie; machines say it in a header; else Chinese."""
    if not request:
        return "zh"
    header = request.accept_languages.best_match(LANGUAGES) if request.path.startswith("/api/v1/") else None
    return _one_of(LANGUAGES, request.args.get("lang"), request.cookies.get("lang"), header) or "zh"


def chosen_theme() -> str:
    """`light`, `dark` or `auto`; without a choice the operating system decides."""
    if not request:
        return "auto"
    return _one_of(THEMES, request.args.get("theme"), request.cookies.get("theme")) or "auto"


def here_with(**changes: str | int | None) -> str:
    """This page's address with some parameters changed; `None` removes one.

    A page that exists only as an answer to POST has no address to come back to: then the start page.
    """
    here = _readable(request.path)
    path = quote(request.path) if here else "/"
    arguments = [(key, value) for key, value in request.args.items(multi=True) if here and key not in changes]
    arguments += [(key, str(value)) for key, value in changes.items() if value is not None]
    return f"{path}?{urlencode(arguments)}" if arguments else path


def site_name() -> str:
    """The name of this marketplace in the visitor's language."""
    settings = resources.settings
    return settings.site_name_en if chosen_language() == "en" else settings.site_name_zh


def _leave_theme_parameter() -> AnyResponse | None:
    if request.method in ("GET", "HEAD") and request.args.get("theme") in THEMES:
        return redirect(here_with(theme=None), 303)
    return None


def _remember(response: Response) -> Response:
    for name, allowed in (("lang", LANGUAGES), ("theme", THEMES)):
        wanted = request.args.get(name)
        if wanted is not None and wanted in allowed and wanted != request.cookies.get(name):
            response.set_cookie(
                name, wanted, max_age=YEAR, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"]
            )
    return response


def _readable(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    try:
        if adapter is not None:
            adapter.match(path, method="GET")
    except HTTPException:
        return False
    return True


def _one_of(allowed: Collection[str], *wanted: str | None) -> str | None:
    return next((value for value in wanted if value is not None and value in allowed), None)
