"""One request, one transaction: reading requests cannot write, refused ones leave nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, g, request

from market import db
from market.web import login

READING = {"GET", "HEAD", "OPTIONS"}


def init_app(app: Flask) -> None:
    """Begin before, decide after, and let go of the connection in every case.

    Must be the last of the front door's parts that register an `after_request`: those run in
    reverse, so the commit comes before anything that only decorates the answer.
    """
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_release)


def keep() -> None:
    """Commit this request although it is answered with a refusal: part of what was sent is stored."""
    g.keep_transaction = True


@contextmanager
def apart(*, readonly: bool = False) -> Iterator[None]:
    """A short transaction in the middle of a request, committed whatever the request comes to.

    The request's own is given up before it, so nothing may have been written in it, and begins afresh after it:
    nothing is held meanwhile, and what was loaded must be loaded anew.
    """
    db.rollback()
    db.session.remove()
    try:
        with db.transaction(readonly=readonly):
            yield
    finally:
        login.forget_loaded()
        _begin()


def _begin() -> None:
    if request.endpoint != "static":
        db.begin(readonly=request.method in READING)


def _finish(response: Response) -> Response:
    if request.endpoint == "static" or not db.session.registry.has():
        return response
    wanted = response.status_code < 400 or g.get("keep_transaction", False)
    if wanted and request.method not in READING:
        g.committing = True
        db.commit()
    else:
        db.let_go()
    return response


def _release(_error: BaseException | None) -> None:
    db.session.remove()
