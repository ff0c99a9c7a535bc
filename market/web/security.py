"""What every answer tells the browser to forbid, how cookies travel, the guard against forged forms, and what is
looked at before anything else: under which name the server was called, and how much is being sent.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from market import resources
from market.errors import MarketError

V = TypeVar("V", bound=Callable[..., Any])

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Passkeys are the only one of the browser's powers that a page of ours asks for.
PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), "
    "screen-wake-lock=(), usb=()"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
}
TRANSPORT = "max-age=31536000; includeSubDomains"
#: A form without files: the two texts of a policy are the longest that anybody types.
LARGEST_FORM = 1024 * 1024
#: Asked by load balancers and supervisors under any name; says nothing about anybody.
HEALTH = "storefront.health.show"

#: Machines authenticate with a key instead of a cookie: `csrf.exempt(blueprint)`.
csrf = CSRFProtect()


class UnknownHost(MarketError):
    """The request names a host that is not ours: a mistake, or another site borrowing our address."""

    code = "unknown_host"
    title = "这个网址不属于本站"
    message = "请从书签或搜索进入本站。管理员请注意：要用这个网址，请写进 MARKET_HOSTS，再重新启动。"


def init_app(app: Flask) -> None:
    """Known names, believed proxies, limits on what is sent, safe cookies, a token in every form, the headers."""
    settings = resources.settings
    if settings.trusted_proxies:
        # The name stays the one in `Host`, which a proxy passes on: X-Forwarded-Host is believed from nobody.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask's documentation says
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies, x_host=0
        )
    app.config.update(
        SECRET_KEY_FALLBACKS=list(settings.old_secret_keys),
        WTF_CSRF_SECRET_KEY=[*settings.old_secret_keys, settings.secret_key],
        SESSION_COOKIE_NAME=cookie_name("session"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure,
        REMEMBER_COOKIE_NAME=cookie_name("remember"),
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.secure,
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open as long as the session that asked for it
    )
    # Flask knows both names already, so a default set later would change nothing.
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=500)
    app.before_request(_known_host)
    app.before_request(_limit_body)
    csrf.init_app(app)
    app.after_request(_protect)
    app.session_interface = _Sessions()


class _Sessions(SecureCookieSessionInterface):
    """Flask's own, which works out a key before it looks whether there is a cookie at all, and makes all anew each time."""

    def __init__(self) -> None:
        self._made: tuple[object, URLSafeTimedSerializer | None] = ((), None)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Made once for the keys in use."""
        keys = (app.secret_key, *app.config["SECRET_KEY_FALLBACKS"])
        known, made = self._made
        if known != keys:
            made = super().get_signing_serializer(app)
            self._made = keys, made
        return made

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie says; nothing without one, as from machines."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def cookie_name(name: str) -> str:
    """The name of a cookie of ours. Over https its prefix makes browsers refuse it from anybody else's subdomain."""
    return f"__Host-{name}" if resources.settings.secure else name


def largest_body(limit: int) -> Callable[[V], V]:
    """The view takes up to `limit` bytes, such as an uploaded file; other views take a form and no more.

    Stands right above the function, below `guards.require`.
    """

    def decorate(view: V) -> V:
        view.largest_body = limit  # type: ignore[attr-defined]  # read before the body is
        return view

    return decorate


def is_known_host(said: str) -> bool:
    """Whether a `Host` header names us."""
    try:
        name = urlsplit(f"//{said}").hostname or ""
    except ValueError:
        name = ""
    known = resources.settings.known_hosts
    return name in known or any(each.startswith(".") and name.endswith(each) for each in known)


def _known_host() -> None:
    """Flask's own TRUSTED_HOSTS knows no IPv6 addresses, and fails again in the page that tells of it."""
    if not (is_known_host(request.environ.get("HTTP_HOST", "")) or request.endpoint == HEALTH):
        raise UnknownHost


def _limit_body() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    limit = getattr(view, "largest_body", None)
    if limit is not None:
        request.max_content_length = limit


def _protect(response: Response) -> Response:
    known = {name.lower() for name, _ in response.headers}
    for name, value in HEADERS.items():
        if name.lower() not in known:
            response.headers.add(name, value)
    if request.is_secure or resources.settings.secure:
        response.headers.setdefault("Strict-Transport-Security", TRANSPORT)
    if "Cache-Control" not in response.headers:
        # Pages of a signed-in person must not come back from the history after she has signed out,
        # nor those on the way in; a visitor's session holds the token of her forms and nothing else.
        private = any(key != "csrf_token" for key in session)
        response.headers["Cache-Control"] = "no-store" if private else "no-cache"
    return response
