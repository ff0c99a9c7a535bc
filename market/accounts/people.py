"""What a person tells about herself."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from market import audit
from market.accounts import names
from market.accounts.models import User
from market.errors import Invalid
from market.kit.refusal import Refusal

LOCALES = ("zh", "en")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}[0-9]")


def change_person(user: User, *, name: str, phone: str, locale: str, by: audit.Actor, at: datetime) -> None:
    """Another name, telephone or language of letters. Raises Invalid."""
    name, phone = name.strip(), unicodedata.normalize("NFKC", phone).replace("－", "-").strip()
    problems: dict[str, str | Refusal] = {}
    if wrong := names.problem(name):
        problems["name"] = wrong
    if phone and not _PHONE.fullmatch(phone):
        problems["phone"] = "电话写成 13800000000 或 0757-88880000 的样子。"
    if locale not in LOCALES:
        problems["locale"] = "选择邮件用的语言。"
    if problems:
        raise Invalid(fields=problems)
    wanted = {"name": name, "phone": phone, "locale": locale}
    # The trail names the person in its own columns, where she can be forgotten; not among the facts.
    changed = [key for key, value in wanted.items() if getattr(user, key) != value]
    if changed:
        user.name, user.phone, user.locale = name, phone, locale
        audit.record("user.changed", user, by=by, at=at, after={"changed": changed})
