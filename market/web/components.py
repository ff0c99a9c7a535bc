"""What the component templates need beyond their arguments."""

from flask import Flask

from market import resources
from market.web import charts


def init_app(app: Flask) -> None:
    """Make settings, clock and chart geometry known to templates."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.globals.update(
        WIDE=charts.WIDE,
        NARROW=charts.NARROW,
        bar_width=charts.bar_width,
        usage_split=charts.split,
        settings=lambda: resources.settings,
        now=lambda: resources.clock.now(),
    )
