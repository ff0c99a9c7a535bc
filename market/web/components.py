"""What the component templates need beyond their arguments."""

from collections import ChainMap
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from flask import Flask
from markupsafe import Markup

from market import resources
from market.web import charts
from market.web.fingerprint import asset


def init_app(app: Flask) -> None:
    """Make settings, clock and chart geometry known to templates."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    # No template has globals of its own. Jinja looks through all of them with each import, twenty times a page, and
    # takes ten times as long for a chain of two dictionaries as for one.
    env.make_globals = lambda d: _chained(d, env.globals)  # type: ignore[method-assign]
    env.globals.update(
        WIDE=charts.WIDE,
        NARROW=charts.NARROW,
        bar_width=charts.bar_width,
        usage_split=charts.split,
        settings=lambda: resources.settings,
        now=lambda: resources.clock.now(),
        draw_icon=draw_icon,
    )


def _chained(own: MutableMapping[str, Any] | None, shared: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return ChainMap(own, shared) if own else shared


def draw_icon(name: str, cls: str = "", label: str = "") -> Markup:
    """An icon of `static/icons.txt`, decorative unless `label` says what it means. A page has a hundred, so most are drawn once."""
    sprite = asset("vendor/icons.svg")
    if label:
        said = Markup(' role="img" aria-label="{}"').format(label)
        return _icon(sprite, name, cls).replace(' aria-hidden="true"', said)
    return _icon(sprite, name, cls)


@lru_cache(1_000)
def _icon(sprite: str, name: str, cls: str) -> Markup:
    drawn = Markup('<svg class="i{}" focusable="false" aria-hidden="true"><use href="{}#{}"/></svg>')
    return drawn.format(f" {cls}" if cls else "", sprite, name)
