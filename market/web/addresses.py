"""Addresses of pages, each worked out once: a list has sixty of them, and most stand on every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.routing import Rule

_MOST = 10_000
_PLAIN = frozenset((str, int))
#: What makes an address more than a path.
_WHOLE = frozenset(("_anchor", "_method", "_scheme", "_external"))


class LateRule(Rule):
    """Compiles how its address is put together when somebody first asks for it.

    There are two functions for each of five hundred rules; to make them all took a tenth of the start, and a process
    asks for few of them.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)
        return lambda rule, /, **values: compiled(append_unknown)(rule, **values)


def init_app(app: Flask) -> None:
    """Let `url_for` remember. No blueprint of ours has defaults for addresses, so what is asked for says it all."""
    app.url_rule_class = LateRule
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
