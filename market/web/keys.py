"""After a change of the secret key: what an earlier key signed is still believed, and signed anew.

Sessions, forms and device cookies are read with earlier keys by themselves (SECRET_KEY_FALLBACKS); Flask-Login's
cookie of people who stay signed in is not.
"""

from flask import Flask, current_app, request, session
from flask_login.utils import decode_cookie

from market import resources


def init_app(app: Flask) -> None:
    """Look at each request before anybody asks who it is from."""
    app.before_request(_renew_remembered)


def _renew_remembered() -> None:
    kept = request.cookies.get(current_app.config["REMEMBER_COOKIE_NAME"])
    if not kept or "_user_id" in session or "_remember" in session or decode_cookie(kept):
        return
    old = (decode_cookie(kept, key=key) for key in resources.settings.old_secret_keys)
    token = next((token for token in old if token), None)
    if token:
        # As Flask-Login does with a cookie it knows, and as at sign-in: the answer brings a new cookie.
        session.update(_user_id=token, _fresh=False, _remember="set")
