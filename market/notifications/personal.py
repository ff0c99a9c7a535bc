"""Letters about somebody's own account: links, and word of what has changed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from market.accounts import User
from market.credentials import LinkRequest, Purpose, signals
from market.notifications import letters
from market.notifications.actions import enqueue

#: Where each kind of link leads.
PATHS = {
    Purpose.RESET_PASSWORD: "/reset-password/",
    Purpose.CONFIRM_EMAIL: "/confirm-email/",
    Purpose.CHANGE_EMAIL: "/change-email/",
    Purpose.UNDO_EMAIL: "/undo-email/",
}


def listen() -> None:
    """From now on these are written."""
    signals.link_issued.connect(_link_issued)
    signals.password_changed.connect(_password_changed)
    signals.email_changed.connect(_email_changed)
    signals.address_wanted.connect(_address_wanted)
    signals.address_unknown.connect(_address_unknown)
    signals.second_step_changed.connect(_second_step_changed)
    signals.recovery_code_used.connect(_recovery_code_used)


def _link_issued(user: User, *, purpose: Purpose, word: str, email: str, at: datetime, **_: Any) -> None:
    _write(f"link_{purpose.value}", user, at, recipient=email, path=PATHS[purpose] + word)


def _password_changed(user: User, *, at: datetime, **_: Any) -> None:
    _write("password_changed", user, at)


def _email_changed(user: User, *, old: str, word: str, at: datetime, **_: Any) -> None:
    path = PATHS[Purpose.UNDO_EMAIL] + word
    _write("email_changed", user, at, recipient=old, path=path, email=user.email)


def _address_wanted(owner: User, *, at: datetime, **_: Any) -> None:
    _write("address_wanted", owner, at, registering=False)


def _address_unknown(_sender: None, *, request: LinkRequest, at: datetime, **_: Any) -> None:
    subject, body = letters.write("address_unknown", _language(request.locale), email=request.email)
    enqueue(f"address_unknown.{request.id}", None, subject, body, recipient=request.email, at=at)


def _second_step_changed(user: User, *, change: str, means: str, at: datetime, name: str = "", **_: Any) -> None:
    _write("second_step_changed", user, at, change=change, means=means, key=name)


def _recovery_code_used(user: User, *, left: int, at: datetime, **_: Any) -> None:
    _write("recovery_code_used", user, at, left=left)


def _write(event: str, user: User, at: datetime, *, recipient: str = "", **facts: Any) -> None:
    subject, body = letters.write(event, _language(user.locale), name=user.name, **facts)
    # Two links of one moment are two letters; the key must not give the word in them away.
    which = hashlib.sha256(str(facts.get("path", at.isoformat())).encode()).hexdigest()[:16]
    key = f"{event}.{user.id}.{which}"
    enqueue(key, user, subject, body, recipient=recipient or user.email, at=at)


def _language(locale: str) -> str:
    return locale if locale in letters.LANGUAGES else "zh"
