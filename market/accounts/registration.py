"""Registering: a person and the buying firm she owns, once the link in a letter has shown that the mailbox is hers.

The form does the same for every address and every firm; who has them is looked up by the worker, and told to those
who read the mailbox only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select

from market import audit, db
from market.accounts import emails, names, passwords, profile, signals
from market.accounts.actions import add_user, join
from market.accounts.models import Membership, Organization, OrganizationKind, Registration, Role
from market.accounts.profile import Profile
from market.accounts.queries import user_by_email
from market.errors import Invalid, MarketError
from market.kit.period import local_day
from market.kit.refusal import Refusal

#: How long the link in the letter works.
LIFE = timedelta(hours=24)
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}[0-9]")


@dataclass(frozen=True)
class Applicant:
    """Who registers."""

    name: str
    email: str
    password: str
    phone: str = ""
    locale: str = "zh"


class RegistrationGone(MarketError):
    """The link was used, is too old, or was never sent."""

    status, code, title = 404, "registration_gone", "这个注册链接不能用了"
    message = "链接 24 小时内有用，只能用一次。如果已经注册好，直接登录就行；否则请重新填写，会再收到一封信。"


#: What the boxes of the form are called where they differ from the columns: the person has a name too.
_BOXES = {"name": "organization_name", "uscc": "code"}


def apply(
    applicant: Applicant, firm: Profile, password_hash: str, *, browser: str, destination: str = "", at: datetime
) -> Registration:
    """Keep what was filled in for a day; one row, whoever has the address or the firm. Raises Invalid.

    `browser` is a random word that only the asking browser has; `answer_registrations` writes the letter.
    """
    check_registration(applicant, firm, at=at)
    pending = Registration(
        email=emails.normal(applicant.email), name=applicant.name.strip(), phone=narrow(applicant.phone),
        locale=applicant.locale, password_hash=password_hash, firm=firm.tidy().values(), destination=destination,
        browser_hash=_digest(browser), created_at=at, expires_at=at + LIFE,
    )  # fmt: skip
    db.session.add(pending)
    return pending


def check_registration(applicant: Applicant, firm: Profile, *, at: datetime) -> None:
    """Everything that must be changed, at once; nothing in it depends on who is registered. Raises Invalid."""
    problems = _at_boxes(profile.problems(firm.tidy(), OrganizationKind.BUYER, on=local_day(at)))
    if wrong := names.problem(applicant.name):
        problems["name"] = wrong
    if weak := passwords.problem(applicant.password, email=applicant.email, name=applicant.name):
        problems["password"] = weak
    if applicant.phone.strip() and not _PHONE.fullmatch(narrow(applicant.phone)):
        problems["phone"] = "电话写成 13800000000 或 0757-88880000 的样子。"
    if wrong := emails.problem(applicant.email):
        problems["email"] = wrong
    if problems:
        raise Invalid(fields=problems)


def answer_registrations(now: datetime) -> int:
    """Write the letters to those who filled in the form, oldest first; returns how many."""
    with db.transaction(readonly=True):
        waiting = select(Registration.id).where(Registration.token_hash.is_(None), Registration.expires_at > now)
        due = db.session.scalars(waiting.order_by(Registration.id).limit(50)).all()
    for id in due:
        with db.transaction():
            pending = db.session.get(Registration, id, with_for_update=True)
            if pending is not None and pending.token_hash is None:  # another worker was faster
                _answer(pending, now)
    return len(due)


def _answer(pending: Registration, at: datetime) -> None:
    owner = user_by_email(pending.email)
    if owner is None:
        word = secrets.token_urlsafe(32)
        pending.token_hash = _digest(word)
        signals.registration_answered.send(pending, owner=None, word=word, at=at)
        return
    if owner.is_active:
        signals.registration_answered.send(pending, owner=owner, word="", at=at)
    db.session.delete(pending)


def registration_of_token(word: str, *, at: datetime) -> Registration:
    """What the link in a letter is about. Raises RegistrationGone."""
    pending = db.session.scalar(select(Registration).where(Registration.token_hash == _digest(word)))
    if pending is None or at >= pending.expires_at:
        raise RegistrationGone
    return pending


def browser_digest(browser: str) -> str:
    """What is kept of the word in the cookie of the asking browser."""
    return _digest(browser)


def same_browser(pending: Registration, browser: str) -> bool:
    """Whether the form was filled in where this word is."""
    return hmac.compare_digest(pending.browser_hash, _digest(browser))


def finish(pending: Registration, *, at: datetime, address: str = "") -> Membership | None:
    """The mailbox is hers: a person who can sign in, her firm with its size, and her place in it as its owner.

    None when her firm is known already: then its owners are asked by letter to let her in. Raises RegistrationGone,
    EmailTaken when she got an account in another way meanwhile.
    """
    _spend(pending)
    organization = _firm(Profile(**pending.firm), at)
    if organization is None:
        _pass_on(pending, at=at, address=address)
        return None
    user = add_user(email=pending.email, name=pending.name, password_hash=pending.password_hash, at=at, locale=pending.locale)
    user.phone, user.email_confirmed_at = pending.phone, at
    membership = join(user, organization, Role.OWNER, at=at)
    size = organization.size.value if organization.size else None
    audit.record(
        "organization.registered", organization, by=audit.Actor("user", user.id, user.name, organization.id, address), at=at,
        after={"uscc": organization.uscc, "city": organization.city_code, "size": size},
    )  # fmt: skip
    return membership


def _pass_on(pending: Registration, *, at: datetime, address: str) -> None:
    known = profile.firm_with(pending.firm["uscc"], OrganizationKind.BUYER)
    if known is not None:
        by = audit.Actor("system", None, "registration", address=address)
        audit.record("organization.wanted", known, by=by, at=at, after={"email": audit.masked(pending.email)})
        signals.firm_wanted.send(pending, organization=known, at=at)


def _spend(pending: Registration) -> None:
    """The link works once: of two who use it at once one deletes the row. What else she filled in goes with it."""
    hers = delete(Registration).where(Registration.id == pending.id)
    db.session.expunge(pending)
    if cast("CursorResult[Any]", db.session.execute(hers)).rowcount != 1:
        raise RegistrationGone
    db.session.execute(delete(Registration).where(Registration.email == pending.email))


def _firm(facts: Profile, at: datetime) -> Organization | None:
    """The new firm; None when it is known. The unique key decides a race."""
    if profile.firm_with(facts.uscc, OrganizationKind.BUYER) is not None:
        return None
    organization = Organization(kind=OrganizationKind.BUYER, created_at=at)
    try:
        profile.write(organization, facts, on=local_day(at))
    except Invalid:
        return None
    return organization


def sweep_registrations(now: datetime) -> int:
    """Forget what nobody finished in time; returns how many."""
    with db.transaction():
        old = delete(Registration).where(Registration.expires_at <= now)
        return cast("CursorResult[Any]", db.session.execute(old)).rowcount


def narrow(phone: str) -> str:
    """A number as it is stored: digits that were typed wide made narrow."""
    return unicodedata.normalize("NFKC", phone).replace("－", "-").strip()


def _at_boxes(found: dict[str, str | Refusal]) -> dict[str, str | Refusal]:
    return {_BOXES.get(name, name): message for name, message in found.items()}


def _digest(word: str) -> str:
    """Of random words only, for which a fast hash is safe."""
    return hashlib.sha256(word.encode()).hexdigest()
