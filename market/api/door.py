"""At the door: which key, what it may do, how often; what a refusal looks like, and how a test key shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from flask import Response, g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, Field, ValidationError

from market import accounts, audit, credentials, db, providers, resources
from market.accounts import ApiKey, Holder, Organization, OrganizationKind
from market.api.limits import Limiter, TooManyRequests
from market.errors import Forbidden, MarketError
from market.providers import Provider
from market.web.errors import problem

P = ParamSpec("P")
R = TypeVar("R")

#: A runaway client must not starve the others; an honest one never meets this.
limiter = Limiter(burst=4000, per_second=2000)
#: Wrong secrets are counted in the database; whoever floods us with them must not keep it busy with counting.
strangers = Limiter(burst=500, per_second=5)


class Problem(BaseModel):
    """What every refusal looks like (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="Stable; meant for programs.")
    detail: str


#: The answer that the document describes in words only.
OK: Any = {200: {"description": "OK"}}


#: What a mistake is called, by the beginning of pydantic's name for its kind.
MISTAKES = {
    "missing": _l("缺少这一项。"),
    "int": _l("须是整数。"),
    "bool": _l("须是 true 或 false。"),
    "string": _l("须是文字。"),
    "dict": _l("须是 JSON 对象。"),
    "model": _l("须是 JSON 对象。"),
    "greater": _l("数字太小。"),
    "less": _l("数字太大。"),
    "": _l("读不懂这一项，请对照接口文档检查。"),
}


class KeyMissing(MarketError):
    """The request carries no key, or none that works."""

    status, code = 401, "invalid_key"
    message = "需要有效的接口密钥：在请求头里写 Authorization: Bearer 密钥。"


class ScopeMissing(Forbidden):
    """The key works, and may not do this."""

    code = "insufficient_scope"
    message = "这个密钥没有“%(scope)s”权限。请新建一个有此权限的密钥；企业的密钥只能读取自己的用量。"


class LiveKeyNeeded(Forbidden):
    """What a test key sends is judged and not kept, and this cannot be judged without being done."""

    code = "test_key"
    message = "测试密钥不能办理开通：那会真的改变客户的订阅。请改用正式密钥。"


class Reporting(NamedTuple):
    """The provider behind the key, as far as reporting usage needs it."""

    id: int


def enter() -> None:
    """Find who is behind the key; everything after this works for that provider, or that buyer, only."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyMissing
    key = accounts.holder_of_secret(secret.strip(), at=resources.clock.now()) if secret.isascii() else None
    if key is None:
        _count_stranger(request.remote_addr or "")
        raise KeyMissing
    retry_after = limiter.take(key.prefix)
    if retry_after:
        g.retry_after = retry_after
        raise TooManyRequests
    _touch(key)
    if key.kind is OrganizationKind.PLATFORM:
        raise KeyMissing
    g.api_key, g.test_mode = key, key.test
    g.actor = audit.Actor("key", key.id, str(key), key.organization_id, request.remote_addr or "")


def reporter() -> Reporting:
    """The provider behind the key, by its number only."""
    return Reporting(providers.number_of_provider(g.api_key.organization_id))


def organization() -> Organization:
    """The organization behind the key."""
    return db.session.get_one(Organization, g.api_key.organization_id)


def provider() -> Provider:
    """The provider behind the key. Raises NotFound for a buyer's."""
    return providers.provider_of_organization(organization())


def sells() -> bool:
    """Whether the key is a provider's."""
    return bool(g.api_key.kind is OrganizationKind.PROVIDER)


def leave(response: Response) -> Response:
    """Say how to get in, what is missing, when to come back, and whether anything was kept."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="market"'
    if scope := g.get("scope_needed"):
        response.headers["WWW-Authenticate"] = f'Bearer realm="market", error="insufficient_scope", scope="{scope}"'
    if g.get("test_mode"):
        _mark_test(response)
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
            if scope not in g.api_key.scopes or scope not in accounts.scopes_of(g.api_key.kind):
                g.scope_needed = scope
                raise ScopeMissing(scope=scope)
            return view(*args, **kwargs)

        guarded.scope = scope  # type: ignore[attr-defined]  # read by the documentation page and the tests
        return guarded

    return decorate


def live_only() -> None:
    """What cannot be tried without being done is refused to test keys."""
    if g.test_mode:
        raise LiveKeyNeeded


def invalid(error: ValidationError) -> Response:
    """A query, path or body that does not have the documented shape."""
    fields = {
        ".".join(map(str, mistake["loc"])) or "body": _words(mistake["type"], mistake.get("ctx", {}))
        for mistake in error.errors(include_url=False)
    }
    return problem(422, "invalid", _("有几处需要改一下"), _("请求的内容和接口文档不一致。"), errors=fields)


def _words(kind: str, facts: Mapping[str, Any]) -> str:
    """What a kind of mistake means, in the asker's language; pydantic speaks English, and of Python."""
    if kind == "literal_error":
        return _("只能是 %(words)s。", words=str(facts["expected"]).replace("'", "").replace(" or ", ", "))
    return str(next((words for start, words in MISTAKES.items() if kind.startswith(start)), MISTAKES[""]))


def _count_stranger(address: str) -> None:
    """Count a wrong secret by address; only wrong ones cost anything. Raises when there were too many.

    A secret cannot be guessed, and a right one is never kept out: this spares the log and the machine.
    """
    g.retry_after = strangers.take(address)
    if g.retry_after:
        raise TooManyRequests
    db.session.remove()
    try:
        with db.transaction():
            credentials.attempt("api_key", at=resources.clock.now(), address=address)
    except credentials.TooManyAttempts as refusal:
        g.retry_after = refusal.retry_after
        raise
    finally:
        db.begin(readonly=True)


def _mark_test(response: Response) -> None:
    """An answer to a test key says so: in a header, and in the body where that is an object."""
    response.headers["Test-Mode"] = "true"
    if response.mimetype in ("application/json", "application/problem+json"):
        body = response.get_json()
        if isinstance(body, dict):
            response.set_data(json.dumps(body | {"test": True}, ensure_ascii=False))


def _touch(key: Holder) -> None:
    """Write down that the key was used; a reading request does so in a transaction of its own."""
    now = resources.clock.now()
    if key.last_used_at is not None and now - key.last_used_at < accounts.USED_PRECISION:
        return
    address = request.remote_addr or ""
    if request.method == "POST":
        accounts.touch_key(db.session.get_one(ApiKey, key.id), at=now, address=address)
        return
    db.session.remove()
    with db.transaction():
        accounts.touch_key(db.session.get_one(ApiKey, key.id), at=now, address=address)
    db.begin(readonly=True)
