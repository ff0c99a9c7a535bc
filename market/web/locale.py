"""Language and theme: chosen by the visitor, kept in two cookies, read by the server.

`?lang=zh|en` answers in that language and remembers it; `?theme=light|dark|auto`
remembers the theme and goes back to the page without the parameter.
"""

from collections.abc import Callable, Collection
from urllib.parse import quote, urlencode

from babel import Locale
from flask import Flask, Request, Response, current_app, redirect, request
from flask_babel import Babel
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from market import resources
from market.web import formats, translation

LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
#: Read once: Babel takes as long for each request as for a small statement.
_LOCALES = {language: Locale.parse(name) for language, name in LANGUAGES.items()}
HTML_LANGUAGES = {"zh": "zh-CN", "en": "en"}
THEMES = ("light", "dark", "auto")
YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Choose language and theme for every request and give templates their helpers."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", LANGUAGES["zh"])
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", "Asia/Shanghai")
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "market/translations")
    babel = Babel(
        app, locale_selector=lambda: _LOCALES[chosen_language()], timezone_selector=lambda: "Asia/Shanghai"
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
    return _of_request("lang", _language)


def _language(here: Request) -> str:
    header = here.accept_languages.best_match(LANGUAGES) if here.path.startswith("/api/v1/") else None
    return _one_of(LANGUAGES, here.args.get("lang"), here.cookies.get("lang"), header) or "zh"


def chosen_theme() -> str:
    """`light`, `dark` or `auto`; without a choice the operating system decides."""
    if not request:
        return "auto"
    return _of_request("theme", _theme)


def _theme(here: Request) -> str:
    return _one_of(THEMES, here.args.get("theme"), here.cookies.get("theme")) or "auto"


def _of_request(name: str, work_out: Callable[[Request], str]) -> str:
    """What this request has chosen, looked for once: a page asks a dozen times."""
    here = request._get_current_object()  # type: ignore[attr-defined]  # a proxy
    known: dict[str, str] = here.__dict__.setdefault("market_choices", {})
    if name not in known:
        known[name] = work_out(here)
    return known[name]


def here_with(**changes: str | int | None) -> str:
    """This page's address with some parameters changed; `None` removes one.

    A page that exists only as an answer to POST has no address to come back to: then the start page.
    """
    here = bool(_of_request("readable", _path_if_readable))
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


def _path_if_readable(here: Request) -> str:
    """Its path where that can be asked for with GET; else nothing."""
    if here.method in ("GET", "HEAD") and here.url_rule is not None:
        return here.path
    adapter = current_app.create_url_adapter(here)
    try:
        if adapter is not None:
            adapter.match(here.path, method="GET")
    except HTTPException:
        return ""
    return here.path


def _one_of(allowed: Collection[str], *wanted: str | None) -> str | None:
    return next((value for value in wanted if value is not None and value in allowed), None)
