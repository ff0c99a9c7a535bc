"""Writing to the outbox and emptying it."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from market import db, resources
from market.accounts import User
from market.notifications.models import LIFECYCLE, Email, EmailStatus

log = structlog.get_logger(__name__)

#: Waits between attempts; after the last one the message is marked failed and stays visible.
RETRIES = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 600))
TIMEOUT_SECONDS = 15
#: The random word at the end of a link.
_LINK_WORD = re.compile(r"(?<=/)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


class Letter(NamedTuple):
    """A message to be put in the outbox; named as the arguments of `enqueue`."""

    key: str
    user: User | None
    subject: str
    body: str
    recipient: str = ""


def enqueue(key: str, user: User | None, subject: str, body: str, *, at: datetime, recipient: str = "") -> None:
    """Put one message in the outbox, in the transaction of what it tells. A known `key` changes nothing.

    `recipient` is for an address that is not the person's own, or nobody's yet: then there is no `user`.
    """
    enqueue_all([Letter(key, user, subject, body, recipient)], at=at)


def enqueue_all(letters: Iterable[Letter], *, at: datetime) -> None:
    """The same for many messages."""
    db.session.flush()  # a person who registers has her number from here on
    rows = [
        {
            "key": each.key,
            "user_id": each.user.id if each.user else None,
            "recipient": each.recipient or (each.user.email if each.user else ""),
            "subject": each.subject,
            "body": each.body,
            "next_attempt_at": at,
            "created_at": at,
        }
        for each in letters
    ]
    insert: Any = (postgresql if db.engine().dialect.name == "postgresql" else sqlite).insert(Email)
    if rows:
        db.session.execute(insert.on_conflict_do_nothing(index_elements=["key"]), rows)


def send_due(now: datetime, *, limit: int = 50) -> int:
    """Send what is due, oldest first; returns how many messages left the outbox.

    Without a mail server every message is kept for the local mailbox. A crash between the send and
    the commit sends a message twice: the recipient's system drops the copy by its Message-ID.
    """
    with db.transaction(readonly=True):
        query = select(Email.id).where(Email.status == EmailStatus.QUEUED, Email.next_attempt_at <= now)
        due = db.session.scalars(query.order_by(Email.id).limit(limit)).all()
    return sum(_deliver(id, now) for id in due)


def _deliver(id: int, now: datetime) -> bool:
    with db.transaction(readonly=True):
        email = db.session.get_one(Email, id)
        message = _message(email)
    error = "" if resources.settings.smtp_url is None else _send(message)
    with db.transaction():
        email = db.session.get_one(Email, id, with_for_update=True)
        if email.status is EmailStatus.QUEUED:
            _settle(email, error, now)
    return not error


def _settle(email: Email, error: str, now: datetime) -> None:
    email.attempts += 1
    email.last_error = error
    if not error:
        LIFECYCLE.move(email, EmailStatus.SENT if resources.settings.smtp_url else EmailStatus.KEPT)
        email.sent_at = now
        if email.status is EmailStatus.SENT:
            # A link that works once must not lie here, and in every backup, once it is in the mailbox.
            email.body = _LINK_WORD.sub("…", email.body)
    elif email.attempts <= len(RETRIES):
        email.next_attempt_at = now + RETRIES[email.attempts - 1]
    else:
        LIFECYCLE.move(email, EmailStatus.FAILED)


def _message(email: Email) -> EmailMessage:
    message = EmailMessage()
    settings = resources.settings
    message["From"] = f"{settings.site_name_zh} <{settings.mail_from}>"
    message["To"] = email.recipient
    message["Subject"] = email.subject
    message["Date"] = format_datetime(email.created_at)
    domain = settings.mail_from.rpartition("@")[2]
    message["Message-ID"] = f"<{email.id}.{int(email.created_at.timestamp())}@{domain}>"
    message.set_content(email.body)
    return message


def _send(message: EmailMessage) -> str:
    """Hand the message to the mail server; returns what went wrong, in its own words, or nothing."""
    url = urlsplit(resources.settings.smtp_url or "")
    try:
        with _connect(url.scheme == "smtps", url.hostname or "", url.port) as server:
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("email_not_sent", error=str(error))
        return str(error)[:500]
    return ""


def _connect(encrypted: bool, host: str, port: int | None) -> smtplib.SMTP:
    if encrypted:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, port or 587, timeout=TIMEOUT_SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    return server
