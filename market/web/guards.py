"""Deny by default: who may enter a face, for whom they act, and what their role allows.

A face registers one guard on its blueprint (`blueprint.before_request(guards.buyer)`); it sets
`g.user`, `g.membership`, `g.organization`, `g.provider` (vendor face), `g.actor` and `g.can`.
Every view behind it declares one permission of the table (`accounts/permissions.py`) with
`@guards.require("bills.pay")` and is closed to everybody without. Whose thing it is, loaders decide.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, g, request, url_for
from werkzeug.exceptions import abort
from werkzeug.wrappers import Response

from market import accounts, audit, credentials, providers
from market.accounts import Membership, OrganizationKind
from market.errors import Forbidden
from market.web import login
from market.web.navigation import permission_of

P = ParamSpec("P")
R = TypeVar("R")

#: The face of each kind of organization, and what to call it on the page that points there.
FACES = {
    OrganizationKind.BUYER: "console.overview.index",
    OrganizationKind.PROVIDER: "vendor.overview.index",
    OrganizationKind.PLATFORM: "admin.overview.index",
}


class WrongFace(Forbidden):
    """Signed in, but with an account that belongs on another side of the marketplace."""

    code = "wrong_face"
    message = "您现在登录的账号不能用这个后台。"


def init_app(app: Flask) -> None:
    """Let templates ask what the person may do."""
    app.jinja_env.globals.update(can=can, home_endpoint=home_endpoint, faces=faces)


def signed_in() -> Response | None:
    """Anyone who is signed in."""
    user = login.viewer()
    if user is None:
        return login.to_sign_in()
    g.user = user
    g.actor = _actor(None)
    g.can = lambda permission: False
    g.guard = signed_in
    return None


def buyer() -> Response | None:
    """Members of an organization that buys."""
    return _enter(OrganizationKind.BUYER)


def provider() -> Response | None:
    """Members of a provider; also sets `g.provider`."""
    answer = _enter(OrganizationKind.PROVIDER)
    if answer is None:
        g.provider = providers.provider_of_organization(g.organization)
        g.guard = provider
    return answer


def administrator() -> Response | None:
    """Members of the office that runs the marketplace, who have taken the second step; nobody else sees anything."""
    answer = _enter(OrganizationKind.PLATFORM)
    return answer if answer is not None else _taken_second_step(required=True)


def second_step() -> Response | None:
    """Whoever has a second step has taken it; stands behind a guard that says who asks."""
    return _taken_second_step(required=False)


def require(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only roles that hold `permission` may use this view; others get the 403 page."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        if hasattr(view, "permission"):
            raise TypeError(f"{view.__qualname__} declares two permissions; one view needs one")

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not can(permission):
                raise Forbidden
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # what `navigation.permission_of` reads
        return guarded

    return decorate


def fresh(view: Callable[P, R]) -> Callable[P, R | Response]:
    """What this view does is dangerous: only who proved within the last minutes who she is; others do so first.

    Put it on the page with the form as well as on what receives it, so that nothing typed is lost.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        return view(*args, **kwargs) if login.is_fresh() else login.to_confirm()

    guarded.fresh = True  # type: ignore[attr-defined]  # read by the tests
    return guarded


@contextmanager
def reentry() -> Iterator[None]:
    """Around what ends the request's transaction: the guard that let the visitor in is asked once more afterwards."""
    guard = g.get("guard")
    try:
        yield
    finally:
        if guard is not None and (answer := guard()) is not None:
            abort(answer)


def can(permission: str) -> bool:
    """Whether the person asking holds `permission` where she now acts."""
    allowed = g.get("can")
    return bool(allowed and allowed(permission))


def faces() -> list[Membership]:
    """One membership for each side of the marketplace the person belongs to, the current one first."""
    first: dict[OrganizationKind, Membership] = {}
    for membership in login.memberships():
        first.setdefault(membership.organization.kind, membership)
    return list(first.values())


def home_endpoint(membership: Membership) -> str:
    """The first page of the face this membership belongs to."""
    return FACES[membership.organization.kind]


def home() -> str:
    """The address of the first page of the side the person belongs to."""
    mine = faces()
    return url_for(home_endpoint(mine[0])) if mine else url_for("storefront.home.index")


def membership_of(kind: OrganizationKind) -> Membership | None:
    """The membership the person acts under on this side: the one she chose last, else the oldest."""
    return next((each for each in login.memberships() if each.organization.kind is kind), None)


def _enter(kind: OrganizationKind) -> Response | None:
    if not permission_of(request.endpoint or ""):
        raise TypeError(f"{request.endpoint} is closed: put @guards.require(…) below its route")
    answer = signed_in()
    if answer is not None:
        return answer
    membership = membership_of(kind)
    if membership is None:
        raise WrongFace
    g.membership, g.organization, g.acts_for = membership, membership.organization, membership.organization_id
    g.actor = _actor(membership)
    role = membership.role  # a page about an accident asks after the transaction is gone
    g.can = lambda permission: accounts.may(kind, role, permission)
    g.guard = lambda: _enter(kind)
    return None


def _taken_second_step(*, required: bool) -> Response | None:
    """None, or the way to the page where it is taken; to the one where it is set up, for who must have one."""
    here = login.current_session()
    if here is None or here.second_step_at is not None:
        return None
    if credentials.second_step_due(here.user):
        return login.to_second_step()
    return login.to_second_step_setting() if required else None


def _actor(membership: Membership | None) -> audit.Actor:
    organization_id = membership.organization_id if membership else None
    return audit.Actor("user", g.user.id, g.user.name, organization_id, request.remote_addr or "")
