"""The app's addresses, compiled once for all tests.

Every test has an app of its own, and each app compiles a few hundred functions that put addresses together: the same
ones every time, and most of what making an app takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}


class KnownRule(Rule):
    """A rule that takes over the functions which an equal one of an earlier app has compiled."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        key: tuple[Any, ...] = (self.rule, self.host, self.subdomain, *self._trace, append_unknown)
        if key not in _builders:
            _builders[key] = super()._compile_builder(append_unknown)
        return _builders[key]
