"""What somebody who is not signed in may send: forms that machines fill in badly, and a link to read the answer by.

No sign-in is asked for and no puzzle. Machines are kept out by a box that nobody sees, by a mark that says when the form was
opened, and by a limit for each address; to whom it looks like a machine nothing is lost: the form comes back filled in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from flask import make_response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField

from market import audit, credentials, resources
from market.accounts import User
from market.errors import MarketError, NotFound
from market.web import forms, proof, trail

Answer = Response | str | tuple[str, int]
Found = TypeVar("Found")
#: Nobody reads the form and writes ten characters any faster; a form from the day before yesterday is opened anew.
FASTEST, LONGEST = timedelta(seconds=3), timedelta(days=2)


class VisitorForm(forms.MarketForm):
    """A form about something, with an address for the answer; the rules live in `quality`."""

    email = StringField(_l("您的邮箱"), render_kw={"type": "email", "autocomplete": "email", "inputmode": "email"})
    website = StringField(_l("请不要填这一格"), render_kw={"autocomplete": "off", "tabindex": "-1"})
    opened = HiddenField()

    def open(self, about: str) -> None:
        """Mark it as opened now."""
        self.opened.data = _signer().dumps([about, resources.clock.now().isoformat()])

    def by_a_person(self, about: str) -> bool:
        """Whether it is well formed and looks as if a person had filled it in; says so where not."""
        if not self.validate():
            return False
        if self._hurried(about, resources.clock.now()):
            self.form_errors.append(_("这份表单打开得太久或提交得太快。内容还在下面，请看一遍再提交。"))
            return False
        return True

    def _hurried(self, about: str, now: datetime) -> bool:
        if self.website.data:
            return True
        try:
            known, at = _signer().loads(self.opened.data or "")
            age = now - datetime.fromisoformat(at)
        except (BadSignature, ValueError, TypeError):
            return True
        return known != about or not FASTEST <= age <= LONGEST


def refused(form: VisitorForm, refusal: MarketError, page: Callable[[], str]) -> Answer:
    """The form again, with what is wrong or how long to wait."""
    form.refuse(refusal)
    if isinstance(refusal, credentials.TooManyAttempts):
        return make_response(page(), 429, {"Retry-After": str(refusal.retry_after)})
    return page(), refusal.status


def by_link(find: Callable[[str], Found], word: str) -> Found:
    """What a link leads to. Raises NotFound; who tries out words is slowed down."""
    try:
        return find(word)
    except NotFound:
        proof.take("link")
        raise


def unlisted(html: str) -> Response:
    """A page for whoever has its address: kept nowhere, and its address told to nobody."""
    response = make_response(html)
    response.headers["Cache-Control"], response.headers["Referrer-Policy"] = "no-store", "no-referrer"
    return response


def actor(viewer: User | None) -> audit.Actor:
    """Whoever is signed in; else a visitor."""
    address = request.remote_addr or ""
    return audit.Actor("user", viewer.id, viewer.name, None, address) if viewer else audit.Actor("system", None, trail.VISITOR, None, address)


def _signer() -> URLSafeSerializer:
    keys = [*resources.settings.old_secret_keys[::-1], resources.settings.secret_key]
    return URLSafeSerializer(keys, salt="market report")
