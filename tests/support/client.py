"""The test client: HTTP as a visitor sees it, with every HTML page checked on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from flask import session
from flask.testing import FlaskClient
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from market import accounts, credentials, db
from market.accounts import passwords
from market.web import login
from tests.support.pages import Page, problems


class Client(FlaskClient):
    """`client.get` and `client.post` are Flask's; `page` and `Page.submit` read and fill in pages."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; an HTML answer must be a right page."""
        kwargs.setdefault("buffered", True)  # a file that is sent must be closed
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 307, 308):
            request = response.request
            found = problems(
                response.get_data(as_text=True),
                request.path,
                self.application,
                fragment="HX-Request" in request.headers and "HX-Boosted" not in request.headers,
            )
            assert not found, f"{request.method} {request.path} ({response.status_code}): " + "; ".join(found)
        return response

    def page(self, path: str, *, status: int = 200, **kwargs: Any) -> Page:
        """Fetch a page, following redirects; it must answer with `status`."""
        page = Page(self, self.get(path, follow_redirects=True, **kwargs))
        assert page.status == status, f"GET {path}: {page.status} instead of {status}: {page.text[:300]}"
        return page

    def send(self, method: str, path: str, data: Sequence[tuple[str, Any]], *, follow: bool = True) -> Page:
        """What pressing a form's button does."""
        fields: MultiDict[str, Any] = MultiDict(data)
        if method == "GET":
            return Page(self, self.get(path, query_string=fields, follow_redirects=follow))
        return Page(self, self.post(path, data=fields, follow_redirects=follow))

    def sign_in(self, email: str, password: str, *, second_step: bool = True) -> None:
        """Come in as this person, as after the sign-in page and a second step, but without their pages and the
        slow hash. The session outlives whatever months the test lets pass.
        """
        context = self.application.test_request_context(environ_base=self.environ_base)
        with self.session_transaction() as cookie, context, db.transaction():
            user = accounts.user_by_email(email)
            assert user is not None and _fits(user.password_hash, password), f"{email} could not sign in"
            login.sign_in(user, second_step=second_step)
            begun: credentials.Session = current_user.session
            begun.expires_at += timedelta(days=3650)
            cookie.clear()
            cookie.update(session)


@cache
def _fits(hash: str, password: str) -> bool:
    return passwords.verify(hash, password)
