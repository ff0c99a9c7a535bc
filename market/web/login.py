"""Who is asking: signing in and out, the organization one acts for, and where to go next."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from flask import Flask, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy.exc import OperationalError
from werkzeug.wrappers import Response

from market import accounts, audit, credentials, db, resources
from market.accounts import Membership, User
from market.web import devices
from market.web.htmx import is_fragment
from market.web.navigation import endpoint_exists

SIGN_IN = "storefront.auth.sign_in"
CONFIRM = "account.confirm.show"
SECOND_STEP = "storefront.second_step.show"
SECOND_STEP_SETTING = "account.second_step.show"
ORGANIZATION = "org_id"
#: Who has given the right password and has yet to take the second step, and how long she has for it.
PENDING, PENDING_LIFE = "pending", timedelta(minutes=10)
#: For how long after proving who she is a person may do what is dangerous.
FRESH = timedelta(minutes=15)

log = structlog.get_logger("market.web")

_manager = LoginManager()


class Visitor:
    """What Flask-Login keeps of somebody who is signed in: her session, and the word in her cookie."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, session: credentials.Session, token: str) -> None:
        self.session, self.token = session, token
        # Asked while the row is at hand: after the answer its transaction is over, and asking would load it again.
        self.session_id, self.stale = session.id, credentials.is_stale(session, at=resources.clock.now())

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
    # How long the cookie is sent; how long it is good for, its session says.
    app.config["REMEMBER_COOKIE_DURATION"] = credentials.LONGEST_LIFE
    app.after_request(_note_use)
    app.jinja_env.globals.update(viewer=viewer, my_memberships=memberships, acting_for=acting_for)


def viewer() -> User | None:
    """The person who is signed in, or None."""
    if g.get("anonymous"):
        return None
    return current_user.session.user if current_user.is_authenticated else None


def current_session() -> credentials.Session | None:
    """The session of the browser that asks; None for a visitor."""
    return None if viewer() is None else current_user.session


def memberships() -> list[Membership]:
    """Where the signed-in person belongs, the one she acts for first; asked once per request."""
    user = viewer()
    if "memberships" not in g:  # else they have come with her
        g.memberships = _chosen_first(accounts.memberships_of(user) if user else [])
    mine: list[Membership] = g.memberships
    return mine


def sign_in(user: User, *, remember: bool = False, second_step: bool = False) -> None:
    """Begin a session for `user`; nothing of an earlier one survives."""
    if (here := current_session()) is not None:
        credentials.end_session(here, at=resources.clock.now())
    session.clear()
    begun, token = credentials.start_session(
        user, remembered=remember, second_step=second_step, agent=request.user_agent.string,
        address=request.remote_addr or "", at=resources.clock.now(),
    )  # fmt: skip
    login_user(Visitor(begun, token), remember=remember)
    devices.remember(user.email)
    _forget()


def renew() -> credentials.Session:
    """Another word in the cookie of this session, so that a copy of the old one is worthless."""
    here = current_user.session
    kept = {name: session[name] for name in (ORGANIZATION,) if name in session}
    current_user.token = credentials.renew_token(here)
    session.clear()
    session.update(kept)
    login_user(current_user._get_current_object(), remember=here.remembered)
    return here


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
    if (here := current_session()) is not None:
        by = audit.Actor("user", here.user_id, here.user.name, address=request.remote_addr or "")
        credentials.sign_out(here, by=by, at=resources.clock.now())
    session.clear()
    logout_user()  # notes in the session that the cookie is to be removed
    _forget()


def act_for(membership: Membership) -> None:
    """From now on this session acts for that organization, and the next one begins with it.

    Forms in tabs that were opened for another one stop working: what is filled in there was not meant for this one.
    """
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    session[ORGANIZATION] = membership.organization_id
    membership.chosen_at = resources.clock.now()


def acting_for() -> Membership | None:
    """The membership the person acts under on this page; where no side is entered, the one she chose last."""
    mine = memberships() if viewer() is not None else []
    return next((each for each in mine if each.organization_id == g.get("acts_for")), next(iter(mine), None))


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


def to_second_step() -> Response:
    """To the page that asks for the second step and, afterwards, back."""
    return _detour(SECOND_STEP)


def to_second_step_setting() -> Response:
    """To the page where a second step is set up and, afterwards, back."""
    return _detour(SECOND_STEP_SETTING)


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
    if found is None:
        return None
    g.memberships = _chosen_first(found.user.memberships)
    return Visitor(found, token)


def _chosen_first(found: Iterable[Membership]) -> list[Membership]:
    chosen = session.get(ORGANIZATION)
    return sorted(found, key=lambda membership: membership.organization_id != chosen)


def _forget() -> None:
    g.pop("memberships", None)


def _referring_path() -> str | None:
    parts = urlsplit(request.referrer or "")
    return parts.path if parts.netloc == request.host else None


def _note_use(response: Response) -> Response:
    """Now and then write down that the session is in use: after the answer, in a transaction of its own."""
    here = g.get("_login_user")
    at = resources.clock.now()
    if isinstance(here, Visitor) and here.stale:
        facts = {"agent": request.user_agent.string, "address": request.remote_addr or ""}
        response.call_on_close(lambda: _see(here.session_id, at, facts))
    return response


def _see(session_id: int, at: datetime, facts: dict[str, str]) -> None:
    try:
        credentials.see(session_id, at=at, **facts)
    except OperationalError:
        log.warning("session_use_not_noted")  # the next page tries again
    finally:
        db.session.remove()


def _proof(user: User) -> str:
    """Changes with the password, and gives nothing of it away."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
