"""At the door: which key, what it may do, how often; and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Response, g, request
from flask_babel import gettext as _
from pydantic import BaseModel, Field, ValidationError

from market import accounts, audit, db, providers, resources
from market.accounts import ApiKey, OrganizationKind
from market.api.limits import Limiter, TooManyRequests
from market.errors import Forbidden, MarketError
from market.web.errors import problem

P = ParamSpec("P")
R = TypeVar("R")

#: A runaway client must not starve the others; an honest one never meets this.
limiter = Limiter(burst=4000, per_second=2000)


class Problem(BaseModel):
    """What every refusal looks like (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="Stable; meant for programs.")
    detail: str


#: The answer that the document describes in words only.
OK: Any = {200: {"description": "OK"}}


class KeyMissing(MarketError):
    """The request carries no key, or none that works."""

    status, code = 401, "invalid_key"
    message = "需要有效的接口密钥：在请求头里写 Authorization: Bearer 密钥。"


class ScopeMissing(Forbidden):
    """The key works, and may not do this."""

    code = "insufficient_scope"
    message = "这个密钥没有“%(scope)s”权限。请在服务商后台新建一个有此权限的密钥。"


def enter() -> None:
    """Find the provider behind the key; everything after this works for that provider only."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    key = accounts.key_of_secret(secret.strip()) if scheme.lower() == "bearer" and secret.isascii() else None
    if key is None:
        raise KeyMissing
    retry_after = limiter.take(key.prefix)
    if retry_after:
        g.retry_after = retry_after
        raise TooManyRequests
    key = _touched(key)
    organization = db.session.get_one(accounts.Organization, key.organization_id)
    if organization.kind is not OrganizationKind.PROVIDER:
        raise KeyMissing
    g.api_key, g.organization = key, organization
    g.provider = providers.provider_of_organization(organization)
    g.actor = audit.Actor("key", key.id, str(key), organization.id, request.remote_addr or "")


def leave(response: Response) -> Response:
    """Say how to get in, and when to come back."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="market"'
    if response.status_code == 429:
        response.headers["Retry-After"] = str(g.retry_after)
    response.headers["RateLimit-Policy"] = limiter.policy
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(["Accept-Language", "Authorization"])
    return response


def require(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only keys with `scope` may use this view."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if scope not in g.api_key.scopes:
                raise ScopeMissing(scope=scope)
            return view(*args, **kwargs)

        guarded.scope = scope  # type: ignore[attr-defined]  # read by the documentation page and the tests
        return guarded

    return decorate


def invalid(error: ValidationError) -> Response:
    """A query, path or body that does not have the documented shape."""
    fields: dict[str, Any] = {
        ".".join(map(str, mistake["loc"])) or "body": mistake["msg"] for mistake in error.errors(include_url=False)
    }
    return problem(422, "invalid", _("有几处需要改一下"), _("请求的内容和接口文档不一致。"), errors=fields)


def _touched(key: ApiKey) -> ApiKey:
    """Write down that the key was used; a reading request does so in a transaction of its own."""
    now = resources.clock.now()
    if key.last_used_at is not None and now - key.last_used_at < accounts.USED_PRECISION:
        return key
    if request.method == "POST":
        accounts.touch_key(key, at=now)
        return key
    db.session.remove()
    with db.transaction():
        accounts.touch_key(db.session.get_one(ApiKey, key.id), at=now)
    db.begin(readonly=True)
    return db.session.get_one(ApiKey, key.id)
