"""Registering: a person and the buying firm she owns, in one step."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from market import audit
from market.accounts import emails, names, passwords, profile
from market.accounts.actions import EmailTaken, add_user, join
from market.accounts.models import Membership, Organization, OrganizationKind, Role
from market.accounts.profile import Profile
from market.accounts.queries import user_by_email
from market.errors import Invalid, MarketError
from market.kit.period import local_day
from market.kit.refusal import Refusal

_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}[0-9]")


@dataclass(frozen=True)
class Applicant:
    """Who registers."""

    name: str
    email: str
    password: str
    phone: str = ""
    locale: str = "zh"


#: What the boxes of the form are called where they differ from the columns: the person has a name too.
_BOXES = {"name": "organization_name", "uscc": "code"}


def register(applicant: Applicant, firm: Profile, *, at: datetime, address: str = "") -> Membership:
    """A person who can sign in, her firm with its size, and her place in it as its owner.

    Raises Invalid with `fields` for what must be changed, EmailTaken for a known address.
    """
    check_registration(applicant, firm, at=at)
    user = add_user(
        email=applicant.email, name=applicant.name, password=applicant.password, at=at, locale=applicant.locale
    )
    user.phone = narrow(applicant.phone)
    organization = Organization(kind=OrganizationKind.BUYER, created_at=at)
    try:
        profile.write(organization, firm.tidy(), on=local_day(at))
    except Invalid as refusal:
        raise Invalid(fields=_at_boxes(refusal.fields)) from refusal
    membership = join(user, organization, Role.OWNER, at=at)
    actor = audit.Actor("user", user.id, user.name, organization.id, address)
    size = organization.size.value if organization.size else None
    audit.record(
        "organization.registered", organization, by=actor, at=at,
        after={"uscc": organization.uscc, "city": organization.city_code, "size": size},
    )  # fmt: skip
    return membership


def check_registration(applicant: Applicant, firm: Profile, *, at: datetime) -> None:
    """Everything `register` would refuse, at once. Raises Invalid; EmailTaken when nothing else is wrong."""
    problems = _at_boxes(profile.problems(firm.tidy(), OrganizationKind.BUYER, on=local_day(at)))
    if wrong := names.problem(applicant.name):
        problems["name"] = wrong
    if weak := passwords.problem(applicant.password, email=applicant.email, name=applicant.name):
        problems["password"] = weak
    if applicant.phone.strip() and not _PHONE.fullmatch(narrow(applicant.phone)):
        problems["phone"] = "电话写成 13800000000 或 0757-88880000 的样子。"
    if wrong := emails.problem(applicant.email):
        problems["email"] = wrong
    taken = user_by_email(emails.normal(applicant.email)) is not None
    if taken and problems:
        problems["email"] = EmailTaken.message
    if problems:
        raise Invalid(fields=problems)
    if taken:
        raise EmailTaken(field="email")


def tells_of_others(refusal: MarketError) -> bool:
    """Whether a refusal lets a stranger know that a person or a firm is registered."""
    said = refusal.fields.values() if isinstance(refusal, Invalid) else ()
    return isinstance(refusal, EmailTaken) or EmailTaken.message in said or profile.CODE_TAKEN in said


def narrow(phone: str) -> str:
    """A number as it is stored: digits that were typed wide made narrow."""
    return unicodedata.normalize("NFKC", phone).replace("－", "-").strip()


def _at_boxes(found: dict[str, str | Refusal]) -> dict[str, str | Refusal]:
    return {_BOXES.get(name, name): message for name, message in found.items()}
