"""What a firm says about itself: checking it, changing it, and the size that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from market import audit, db
from market.accounts import sizes, uscc, verification
from market.accounts.models import City, Organization, OrganizationKind, Sector
from market.errors import Invalid, Refused
from market.kit.period import local_day
from market.kit.refusal import Refusal

MOST_STAFF = 10_000_000
MOST_FEN = 10**15
LONGEST_NAME = 120
#: What no licence has in a firm's name, and what a page or a letter somewhere could take for markup.
MARKUP = frozenset("<>")
CODE_TAKEN = "这家企业已经注册过。请企业的老板（所有者）邀请您加入。"
#: What the licence says; when it changes the check no longer holds.
IDENTITY = ("name", "uscc")


@dataclass(frozen=True)
class Profile:
    """The facts of a firm, named as its columns are."""

    name: str
    uscc: str | None
    city_code: str | None
    sector_slug: str | None = None
    phone: str = ""
    industry: str | None = None
    staff: int | None = None
    revenue_fen: int | None = None
    assets_fen: int | None = None

    def tidy(self) -> Profile:
        """As it is stored: no spaces around words, the code in capitals, nothing instead of an empty choice."""
        return Profile(
            name=" ".join(self.name.split()),
            uscc=uscc.normal(self.uscc or "") or None,
            city_code=self.city_code or None,
            sector_slug=self.sector_slug or None,
            phone=self.phone.strip(),
            industry=self.industry or None,
            staff=self.staff,
            revenue_fen=self.revenue_fen,
            assets_fen=self.assets_fen,
        )

    def values(self) -> dict[str, Any]:
        """Column → value."""
        return {name: getattr(self, name) for name in FIELDS}


FIELDS = tuple(field.name for field in fields(Profile))


class ChangedMeanwhile(Refused):
    """Somebody else changed the firm's facts since the form was opened."""

    code = "organization_changed_meanwhile"
    message = "在您填写的时候，企业资料被别人改过。两边的内容都在下面，请逐项选择要哪一个，再保存。"


def profile_of(organization: Organization) -> Profile:
    """The facts as they stand."""
    return Profile(**{name: getattr(organization, name) for name in FIELDS})


def size_of(profile: Profile | Organization, *, on: date) -> sizes.Size:
    """The size of a firm with these facts, by the rules of that day."""
    return sizes.size_of(
        profile.industry, staff=profile.staff, revenue_fen=profile.revenue_fen, assets_fen=profile.assets_fen, on=on
    )


def problems(
    profile: Profile, kind: OrganizationKind, *, on: date, but: Organization | None = None
) -> dict[str, str | Refusal]:
    """Everything to change in facts that somebody typed, by column; `but` is the firm that they are about.

    Whoever has no firm here yet is not told that another one has the code.
    """
    found: dict[str, str | Refusal] = {}
    if not profile.name:
        found["name"] = "填写企业名称，和营业执照上一致。"
    elif len(profile.name) > LONGEST_NAME:
        found["name"] = Refusal("企业名称最多 %(limit)d 个字，现在有 %(count)d 个。", limit=LONGEST_NAME, count=len(profile.name))
    elif set(profile.name) & MARKUP:
        found["name"] = "企业名称里不能有尖括号 < 和 >。请照营业执照填写。"
    if wrong := uscc.problem(profile.uscc or ""):
        found["uscc"] = wrong
    elif but is not None and _taken(profile.uscc, kind, but):
        found["uscc"] = CODE_TAKEN
    if profile.city_code is None or db.session.get(City, profile.city_code) is None:
        found["city_code"] = "选择企业所在的地市。"
    if profile.sector_slug and db.session.get(Sector, profile.sector_slug) is None:
        found["sector_slug"] = "选择列表里的行业领域。"
    if profile.industry and profile.industry not in sizes.industries(on):
        found["industry"] = "选择列表里的行业。"
    if profile.staff is not None and not 0 <= profile.staff <= MOST_STAFF:
        found["staff"] = "员工人数填 0 到 1000 万之间的整数。"
    for name in ("revenue_fen", "assets_fen"):
        amount = getattr(profile, name)
        if amount is not None and not 0 <= amount < MOST_FEN:
            found[name] = "金额填 0 到 10 亿万元之间的数。"
    return found


def firm_with(code: str | None, kind: OrganizationKind) -> Organization | None:
    """The organization of this kind that has the code."""
    return db.session.scalar(select(Organization).where(Organization.uscc == code, Organization.kind == kind))


def _taken(code: str | None, kind: OrganizationKind, but: Organization) -> bool:
    owner = firm_with(code, kind)
    return owner is not None and owner.id != but.id


def write(organization: Organization, profile: Profile, *, on: date) -> None:
    """Set the columns and what follows from them. Raises Invalid when another firm took the code just now."""
    for name, value in profile.values().items():
        setattr(organization, name, value)
    found = size_of(profile, on=on)
    organization.size = found.size
    organization.size_rules = found.rules.slug if found.size else None
    try:
        with db.session.begin_nested():
            db.session.add(organization)
            db.session.flush()
    except IntegrityError as error:
        raise Invalid(fields={"uscc": CODE_TAKEN}) from error


def check_profile(organization: Organization, profile: Profile, *, at: datetime) -> None:
    """Everything that must be changed before these could be the firm's facts. Raises Invalid with `fields`."""
    if found := problems(profile.tidy(), organization.kind, on=local_day(at), but=organization):
        raise Invalid(fields=found)


def edit_profile(
    organization: Organization, profile: Profile, *, version: int, by: audit.Actor, at: datetime
) -> list[str]:
    """Change a firm's facts, compared with the `version` the form was opened with; returns what has changed.

    A new name or code ends a check that holds, and puts the new facts before the administrators where a check
    waits. Raises Invalid with `fields`, ChangedMeanwhile.
    """
    db.lock(organization)
    wanted, before = profile.tidy(), profile_of(organization)
    changed = [name for name in FIELDS if getattr(wanted, name) != getattr(before, name)]
    if changed and organization.version != version:
        raise ChangedMeanwhile
    check_profile(organization, wanted, at=at)
    if not changed:
        return []
    organization.version += 1
    write(organization, wanted, on=local_day(at))
    audit.record(
        "organization.changed", organization, by=by, at=at, organization_id=organization.id,
        before={name: getattr(before, name) for name in changed},
        after={name: getattr(wanted, name) for name in changed},
    )  # fmt: skip
    if set(changed) & set(IDENTITY):
        verification.identity_changed(organization, by=by, at=at)
    return changed
