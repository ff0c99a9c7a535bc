"""Titles 抬头: what stands on a fapiao as the buyer, checked, with one that is taken unless another is chosen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import select

from market import audit, db
from market.accounts import Organization, uscc
from market.billing.fapiao.models import FapiaoTitle
from market.errors import Invalid, NotFound, Refused
from market.kit.refusal import Refusal

#: More than any firm with branches keeps; a list that nobody can overlook helps nobody.
MOST_TITLES = 20
LONGEST = {"name": 100, "address": 100, "phone": 30, "bank": 60, "account": 40}
#: What a page or letter somewhere could take for markup, and what no licence has in it.
_MARKUP = frozenset("<>")
#: Perhaps with an extension, behind a character such as 转.
_PHONE = re.compile("[0-9+() -]{5,}(?:[^\x00-\x7f][0-9]+)?")
_ACCOUNT = re.compile(r"[0-9]{6,32}")


@dataclass(frozen=True)
class Title:
    """The words of a title, named as the columns are."""

    name: str = ""
    tax_code: str = ""
    address: str = ""
    phone: str = ""
    bank: str = ""
    account: str = ""

    def tidy(self) -> Title:
        """As it is stored: wide digits made narrow, no spaces in numbers, single ones between words."""
        words = {name: " ".join(value.split()) for name, value in self.values().items()}
        words["tax_code"] = uscc.normal(self.tax_code)
        words["phone"] = unicodedata.normalize("NFKC", words["phone"])
        words["account"] = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", self.account))
        return Title(**words)

    def values(self) -> dict[str, str]:
        """Column → words."""
        return asdict(self)

    def problems(self) -> dict[str, str | Refusal]:
        """Everything to change, by column."""
        found: dict[str, str | Refusal] = {}
        for name, limit in LONGEST.items():
            if (count := len(getattr(self, name))) > limit:
                found[name] = Refusal("最多 %(limit)d 个字，现在有 %(count)d 个。", limit=limit, count=count)
            elif set(getattr(self, name)) & _MARKUP:
                found[name] = "这里不能有尖括号 < 和 >。请照营业执照填写。"
        if not self.name:
            found["name"] = "填写发票抬头，和营业执照上的名称一致。"
        if self.tax_code and (wrong := uscc.problem(self.tax_code)):
            found["tax_code"] = wrong
        if self.phone and not _PHONE.fullmatch(self.phone):
            found.setdefault("phone", "电话写成 020-12345678 的样子。")
        if self.account and not _ACCOUNT.fullmatch(self.account):
            found.setdefault("account", "银行账号是 6 到 32 位数字。请照开户许可证填写。")
        if self.account and not self.bank:
            found.setdefault("bank", "填了账号，也要填开户银行，写到支行。")
        if self.bank and not self.account:
            found.setdefault("account", "填了开户银行，也要填银行账号。")
        return found


COLUMNS = tuple(field.name for field in fields(Title))


class TooManyTitles(Refused):
    """The list is as long as it may be."""

    code = "too_many_fapiao_titles"
    message = "已有 20 个抬头。请先删掉不用的。"


def words_of(title: FapiaoTitle) -> Title:
    """What a stored title says."""
    return Title(**{name: getattr(title, name) for name in COLUMNS})


def suggested(organization: Organization) -> Title:
    """What the firm has told about itself already, so that nobody types it twice."""
    return Title(name=organization.name, tax_code=organization.uscc or "", phone=organization.phone).tidy()


def titles_of(organization: Organization) -> Sequence[FapiaoTitle]:
    """The firm's titles, the default one first."""
    query = select(FapiaoTitle).where(FapiaoTitle.organization_id == organization.id)
    return db.session.scalars(query.order_by(FapiaoTitle.is_default.desc(), FapiaoTitle.id)).all()


def title_of(organization: Organization, id: int) -> FapiaoTitle:
    """One of them. Raises NotFound."""
    found = db.session.scalar(
        select(FapiaoTitle).where(FapiaoTitle.id == id, FapiaoTitle.organization_id == organization.id)
    )
    if found is None:
        raise NotFound
    return found


def add_title(
    organization: Organization, title: Title, *, default: bool = False, by: audit.Actor, at: datetime
) -> FapiaoTitle:
    """A further title; the first one is the default. Raises Invalid, TooManyTitles.

    The same words sent twice at once are one title.
    """
    words, known = _checked(organization, title), titles_of(organization)
    if same := next((each for each in known if words_of(each) == words), None):
        return same
    _unlike(words, known)
    if len(known) >= MOST_TITLES:
        raise TooManyTitles
    added = FapiaoTitle(organization_id=organization.id, is_default=False, created_at=at, **words.values())
    db.session.add(added)
    audit.record("fapiao_title.added", added, by=by, at=at, organization_id=organization.id, after=words.values())
    if default or not known:
        _prefer(added, known)
    return added


def edit_title(
    organization: Organization, row: FapiaoTitle, title: Title, *, default: bool = False, by: audit.Actor, at: datetime
) -> None:
    """Other words, for requests from now on. Raises Invalid."""
    words, known = _checked(organization, title), titles_of(organization)
    _unlike(words, [each for each in known if each.id != row.id])
    before = words_of(row)
    for name, value in words.values().items():
        setattr(row, name, value)
    if before != words:
        audit.record(
            "fapiao_title.changed", row, by=by, at=at, organization_id=organization.id,
            before=before.values(), after=words.values(),
        )  # fmt: skip
    if default and not row.is_default:
        prefer_title(organization, row, by=by, at=at)


def prefer_title(organization: Organization, row: FapiaoTitle, *, by: audit.Actor, at: datetime) -> None:
    """Make it the one that is taken unless another is chosen."""
    db.lock(organization)
    if row.is_default:
        return
    _prefer(row, titles_of(organization))
    audit.record("fapiao_title.preferred", row, by=by, at=at, organization_id=organization.id)


def remove_title(organization: Organization, row: FapiaoTitle, *, by: audit.Actor, at: datetime) -> None:
    """Take it off the list; what was requested with it keeps its words. The oldest other one becomes the default."""
    db.lock(organization)
    audit.record(
        "fapiao_title.removed", row, by=by, at=at, organization_id=organization.id, before=words_of(row).values()
    )
    others = [each for each in titles_of(organization) if each.id != row.id]
    was_default = row.is_default
    db.session.delete(row)
    db.session.flush()
    if was_default and others:
        _prefer(min(others, key=lambda each: each.id), [])


def _checked(organization: Organization, title: Title) -> Title:
    """Tidy words without a problem, with the firm's list held until the transaction ends. Raises Invalid."""
    words = title.tidy()
    if problems := words.problems():
        raise Invalid(fields=problems)
    db.lock(organization)
    return words


def _unlike(words: Title, others: Sequence[FapiaoTitle]) -> None:
    if any((each.name, each.tax_code) == (words.name, words.tax_code) for each in others):
        raise Invalid(fields={"name": "已有名称和税号相同的抬头。请修改那一个。"})


def _prefer(row: FapiaoTitle, known: Sequence[FapiaoTitle]) -> None:
    """One default at a time: the old one steps down before the new one steps up."""
    for each in known:
        each.is_default = False
    db.session.flush()
    row.is_default = True
    db.session.flush()
