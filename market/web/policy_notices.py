"""The rules and the privacy policy: what they are called, and the notice of a change for whoever is signed in."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from market import policies, resources
from market.policies import Notice, Subject
from market.web import login

TITLES = {Subject.RULES: _l("平台规则"), Subject.PRIVACY: _l("隐私政策")}


def init_app(app: Flask) -> None:
    """Give the layouts of the desks what a person has not seen yet."""
    app.jinja_env.globals.update(policy_notice=notice, policy_title=title)


def title(subject: Subject) -> str:
    """What the policy is called."""
    return str(TITLES[subject])


def notice() -> Notice | None:
    """The next change that the person asking has not seen; one at a time, so that a page does not begin with a pile."""
    user = login.viewer()
    found = policies.notices(user, resources.clock.now()) if user else []
    return found[0] if found else None
