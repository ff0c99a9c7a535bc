"""Refusals: every "no" the product says on purpose has a name, a status and a code.

Messages are Chinese source strings for gettext; the faces translate them and fill in the
parameters. Anything that is not a `MarketError` is a bug and becomes a 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from market.kit.refusal import Refusal


class MarketError(Exception):
    """A refusal. `status` is the HTTP status, `code` is stable for machines.

    `title` heads the page that tells it; empty means the usual words for the status.
    """

    status = 400
    title = ""
    code = "bad_request"
    message = "这个请求无法处理。"

    def __init__(self, message: str | None = None, *, field: str | None = None, **params: Any) -> None:
        self.message = message or type(self).message
        self.field = field
        self.params = params
        super().__init__(self.message % params if params else self.message)


class NotFound(MarketError):
    """It does not exist, or the asker may not know that it does."""

    status, code = 404, "not_found"
    message = "没有找到您要的内容。"


class Forbidden(MarketError):
    """The asker is known, and this role may not do this."""

    status, code = 403, "forbidden"
    message = "您的角色不能做这个操作，可请企业的老板（所有者）来做。"


class Refused(MarketError):
    """The request is well formed, but the thing is not in a state that allows it."""

    status, code = 409, "refused"
    message = "现在不能做这个操作。"


class Invalid(MarketError):
    """What was sent cannot be used; `fields` maps a field's name to what to change.

    A plain string is a message without parameters, a `Refusal` brings its own.
    """

    status, code = 422, "invalid"
    message = "有几处需要改一下。"

    def __init__(
        self, message: str | None = None, *, fields: Mapping[str, str | Refusal] | None = None, **params: Any
    ) -> None:
        super().__init__(message, **params)
        self.fields = dict(fields or {})
