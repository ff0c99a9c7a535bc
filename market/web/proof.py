"""Proving who one is by a password: counted first, compared outside any transaction, the same for whom nobody knows."""

from dataclasses import dataclass

from flask import g, request

from market import accounts, audit, credentials, resources
from market.accounts import User
from market.web import devices, guards, login, transactions


@dataclass(frozen=True)
class Proof:
    """What came of it: the person, loaded in the request's transaction, or None; and the try that it was."""

    user: User | None
    attempt: credentials.Attempt


def by_password(email: str, password: str) -> Proof:
    """Whether `password` is the one of the account `email`. Raises TooManyAttempts before anything is compared.

    The hash takes its 20 milliseconds while no transaction is open, and as long for an account that does not exist.
    """
    email = accounts.emails.normal(email)
    attempt = take("sign_in", account=email, device=devices.key_for(email))
    return _compare(email, password, attempt)


def once_more(password: str) -> Proof:
    """The same for whoever is signed in: her session counts for itself."""
    email, here = g.user.email, login.current_session()
    attempt = take("sign_in", account=email, device=f"session {here.id}" if here else "")
    return _compare(email, password, attempt)


def take(kind: str, *, account: object = None, device: str = "") -> credentials.Attempt:
    """Count one try of this visitor's, at once and for good. Raises TooManyAttempts.

    Before anything is written: the request's transaction begins afresh, and what was loaded in it, apart from what
    the guard knows, must be loaded anew.
    """
    with guards.reentry(), transactions.apart():
        return credentials.attempt(
            kind, account=account, address=request.remote_addr or "", device=device, at=resources.clock.now()
        )


def by_hash(stored: str, password: str, *, account: str) -> bool:
    """Whether `password` is the one behind a hash that is nobody's yet. Raises TooManyAttempts."""
    attempt = take("sign_in", account=account)
    with guards.reentry():
        with transactions.apart(readonly=True):
            pass
        right = accounts.passwords.verify(stored, password)
    if right:
        credentials.succeeded(attempt)
    return right


def _compare(email: str, password: str, attempt: credentials.Attempt) -> Proof:
    with guards.reentry():
        with transactions.apart(readonly=True):
            known = accounts.user_by_email(email)
            id, stored = (known.id, known.password_hash) if known else (None, None)
        # No transaction has begun: a session only reaches for the database with its first statement.
        right = accounts.passwords.verify(stored, password)
        renewed = accounts.passwords.hash(password) if right and stored and accounts.passwords.outdated(stored) else None
    user = accounts.user_by_id(id) if right and id else None
    if user is None or not user.is_active or user.password_hash != stored:
        _note(email, attempt)
        return Proof(None, attempt)
    user.password_hash = renewed or user.password_hash
    credentials.succeeded(attempt)
    return Proof(user, attempt)


def _note(email: str, attempt: credentials.Attempt) -> None:
    """A try in vain leaves a line now and then, though the answer is a refusal."""
    by = audit.Actor("system", None, "sign-in", address=request.remote_addr or "")
    credentials.record_failure(attempt, account=email, by=by, at=resources.clock.now())
    transactions.keep()


def hashed(password: str) -> str:
    """The hash of a new password, computed while no transaction is open: what was loaded must be loaded anew."""
    with guards.reentry():
        with transactions.apart(readonly=True):
            pass
        return accounts.passwords.hash(password)
