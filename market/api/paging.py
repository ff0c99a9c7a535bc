"""Long lists for machines: `?cursor=` and a `Link: rel="next"` header (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, request, url_for
from pydantic import Field

from market.api.answers import answer
from market.api.asking import Query

SIZE = 100


class CursorQuery(Query):
    """Where to go on: the cursor of the `next` link."""

    cursor: int = Field(0, ge=0, le=2**53, description="Take it from the `next` link.")


def page(rows: Sequence[Any], told: Callable[[Any], dict[str, Any]], cursor: Callable[[Any], int]) -> Response:
    """The answer for up to `SIZE` of `rows`; one row more says that there is a next page."""
    shown, more = rows[:SIZE], len(rows) > SIZE
    response = answer({"data": [told(row) for row in shown]})
    if more:
        arguments: dict[str, Any] = {**request.args.to_dict(), "cursor": cursor(shown[-1])}
        arguments |= request.view_args or {}
        response.headers["Link"] = f'<{url_for(str(request.endpoint), _external=True, **arguments)}>; rel="next"'
    return response
