"""What the pages of the second step share: the box for a code, and what sample people see in it."""

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from market import credentials, resources
from market.accounts import User
from market.web import forms


class CodeForm(forms.MarketForm):
    """Six digits of an app."""

    code = StringField(
        _l("6 位验证码"),
        [forms.Filled(_l("填写验证器应用里现在显示的 6 位数字"))],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 40},
    )


def is_sample(user: User) -> bool:
    """Whether this is one of the sample people of a demo, who have no phone at hand."""
    return resources.settings.demo and user.email.endswith(".example")


def sample_code(user: User) -> str | None:
    """The code that a sample person would read from her phone now; None for everybody else."""
    return credentials.authenticators.usable_code(user, at=resources.clock.now()) if is_sample(user) else None
