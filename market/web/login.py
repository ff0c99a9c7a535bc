"""Who is asking: signing in and out, the organization one acts for, and where to go next."""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from market import accounts, credentials, resources
from market.accounts import Membership, User
from market.web.htmx import is_fragment
from market.web.navigation import endpoint_exists

SIGN_IN = "storefront.auth.sign_in"
CONFIRM = "account.confirm.show"
SECOND_STEP = "storefront.second_step.show"
ORGANIZATION = "org_id"
#: Who has given the right password and has yet to take the second step, and how long she has for it.
PENDING, PENDING_LIFE = "pending", timedelta(minutes=10)
#: For how long after proving who she is a person may do what is dangerous.
FRESH = timedelta(minutes=15)

_manager = LoginManager()


class Visitor:
    """What Flask-Login keeps of somebody who is signed in: her session, and the word in her cookie."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, session: credentials.Session, token: str) -> None:
        self.session, self.token = session, token

    def get_id(self) -> str:
        """What the cookie names."""
        return self.token


def init_app(app: Flask) -> None:
    """Load people from their session cookie; send strangers to the sign-in page."""
    # A change of address is normal on mobile networks, so it only makes the session "not fresh".
    _manager.session_protection = "basic"
    _manager.user_loader(_visitor)
    _manager.unauthorized_handler(to_sign_in)
    _manager.init_app(app)
    app.jinja_env.globals.update(viewer=viewer, my_memberships=memberships)


def viewer() -> User | None:
    """The person who is signed in, or None."""
    if g.get("anonymous"):
        return None
    return current_user.session.user if current_user.is_authenticated else None


def current_session() -> credentials.Session | None:
    """The session of the browser that asks; None for a visitor."""
    return None if viewer() is None else current_user.session


def memberships() -> list[Membership]:
    """Where the signed-in person belongs, asked once per request."""
    known: list[Membership] | None = g.get("memberships")
    if known is None:
        user = viewer()
        known = g.memberships = list(accounts.memberships_of(user)) if user else []
    return known


def sign_in(user: User, *, remember: bool = False, second_step: bool = False) -> None:
    """Begin a session for `user`; nothing of an earlier one survives."""
    at = resources.clock.now()
    session.clear()
    begun, token = credentials.start_session(
        user, remembered=remember, agent=request.user_agent.string, address=request.remote_addr or "", at=at
    )
    if second_step:
        begun.second_step_at = at
    login_user(Visitor(begun, token), remember=remember)
    _forget()


def await_second_step(user: User, *, remember: bool = False) -> Response:
    """The password was right: keep that for ten minutes, and go to the page that asks for the second step."""
    onward = request.values.get("next")
    session.clear()
    session[PENDING] = {
        "user": user.id, "remember": remember, "at": resources.clock.now().isoformat(), "proof": _proof(user),
    }  # fmt: skip
    return redirect(url_for(SECOND_STEP, next=onward or None), 303)


def pending_user() -> User | None:
    """Who has yet to take the second step; None when nobody has, or it took too long, or her password has changed."""
    kept = session.get(PENDING)
    if not isinstance(kept, dict):
        return None
    age = resources.clock.now() - datetime.fromisoformat(kept["at"])
    user = accounts.user_by_id(kept["user"]) if timedelta(0) <= age < PENDING_LIFE else None
    return user if user is not None and user.is_active and _proof(user) == kept["proof"] else None


def pending_remember() -> bool:
    """Whether she asked to stay signed in."""
    return bool((session.get(PENDING) or {}).get("remember"))


def is_fresh() -> bool:
    """Whether the person proved who she is a moment ago."""
    here = current_session()
    return here is not None and timedelta(0) <= resources.clock.now() - here.proved_at < FRESH


def prove() -> None:
    """She has just proved once more who she is."""
    if (here := current_session()) is not None:
        here.proved_at = resources.clock.now()


def sign_out() -> None:
    """End the session, and forget the cookie that would begin another."""
    if current_user.is_authenticated:
        credentials.end_session(current_user.session, at=resources.clock.now())
    session.clear()
    logout_user()  # notes in the session that the cookie is to be removed
    _forget()


def act_for(membership: Membership) -> None:
    """From now on this session acts for that organization."""
    session[ORGANIZATION] = membership.organization_id


def safe_next(default: str) -> str:
    """The address in `next` if it is a path of ours, else `default`."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not parts.scheme and not parts.netloc
    readable = wanted.isprintable() and not wanted.startswith(("//", "/\\")) and "\\" not in wanted
    return wanted if ours and readable else default


def to_sign_in() -> Response:
    """To the sign-in page and, afterwards, back to the page that was asked for."""
    return _detour(SIGN_IN)


def to_confirm() -> Response:
    """To the page that asks for the password once more and, afterwards, back."""
    return _detour(CONFIRM)


def _detour(endpoint: str) -> Response:
    back = request.full_path.rstrip("?") if request.method == "GET" else (_referring_path() or "/")
    address = url_for(endpoint, next=back) if endpoint_exists(endpoint) else "/"
    if is_fragment():
        answer = Response(status=401)
        answer.headers["HX-Redirect"] = address
        return answer
    return redirect(address, 303)


def forget_loaded() -> None:
    """Drop what was loaded for this request; after a rollback it must be read anew."""
    for name in ("_login_user", "memberships", "membership", "user", "organization", "provider", "actor"):
        g.pop(name, None)


def _visitor(token: str) -> Visitor | None:
    found = credentials.session_of_token(token, at=resources.clock.now())
    return Visitor(found, token) if found else None


def _forget() -> None:
    g.pop("memberships", None)


def _referring_path() -> str | None:
    parts = urlsplit(request.referrer or "")
    return parts.path if parts.netloc == request.host else None


def _proof(user: User) -> str:
    """Changes with the password, and gives nothing of it away."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
