"""Addresses of pages, each worked out once: a list has sixty of them, and most stand on every page."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask, has_request_context, request

_MOST = 10_000
_PLAIN = frozenset((str, int))
#: What makes an address more than a path.
_WHOLE = frozenset(("_anchor", "_method", "_scheme", "_external"))


def init_app(app: Flask) -> None:
    """Let `url_for` remember. No blueprint of ours has defaults for addresses, so what is asked for says it all."""
    work_out = app.url_for

    @lru_cache(_MOST)
    def known(_root: str, endpoint: str, values: tuple[tuple[str, object], ...]) -> str:
        return work_out(endpoint, **dict(values))  # type: ignore[arg-type]  # names of values

    def url_for(endpoint: str, **values: Any) -> str:
        if not has_request_context():
            return work_out(endpoint, **values)
        here = request._get_current_object()  # type: ignore[attr-defined]  # a proxy
        plain: list[tuple[str, object]] = []
        for name, value in values.items():
            if value is None or (name in _WHOLE and not value):
                continue
            if type(value) not in _PLAIN or name in _WHOLE:
                return work_out(endpoint, **values)
            plain.append((name, value))
        if endpoint[0] == ".":
            endpoint = f"{here.blueprint}{endpoint}" if here.blueprint else endpoint[1:]
        return known(here.root_path, endpoint, tuple(plain))

    app.url_for = url_for  # type: ignore[method-assign]  # as Flask says that it may be
    app.jinja_env.globals["url_for"] = url_for
