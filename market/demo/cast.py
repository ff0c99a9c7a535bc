"""The sample people and firms. Every name carries 示例, every address ends in .example."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from market import accounts, audit, credentials, db, policies, providers
from market.accounts import Organization, OrganizationKind, Profile, Role, User
from market.kit.period import local_day

PASSWORD = "demo-cloud-2026"  # noqa: S105  # printed at every start; the demo is not a secret

OFFICE = "粤企云市运营中心（示例）"


@dataclass(frozen=True)
class Person:
    """Somebody who signs in: `key` names her in demo.json, `firm` is a buyer's key or a provider's slug.

    `totp_secret` is what her authenticator app would hold; an administrator needs one.
    """

    key: str
    title: str
    email: str
    name: str
    firm: str
    role: Role
    totp_secret: str = ""


@dataclass(frozen=True)
class Firm:
    """A sample buyer. `code` passes both check digits and belongs to nobody; money is in ten thousand yuan.

    Orders of a purchaser above `limit_fen` a month wait for the owner.
    """

    key: str
    name: str
    code: str
    city: str
    sector: str | None
    industry: str
    staff: int
    revenue: int
    limit_fen: int | None = None


BUYERS = (
    Firm("hardware", "示例五金制品有限公司", "91440604MA0000015B", "440600", None, "manufacturing", 36, 1200, 500_00),
    Firm("tea", "示例茶叶商行", "91445102MA0000023D", "445100", "speciality-commerce", "retail", 12, 96),
)
PEOPLE = (
    Person("sme", "企业老板 · SME owner", "owner@hardware.example", "示例老板", "hardware", Role.OWNER),
    Person("sme_purchaser", "企业采购 · SME purchaser", "buyer@hardware.example", "示例采购", "hardware", Role.PURCHASER),
    Person("sme_finance", "企业财务 · SME finance", "finance@hardware.example", "示例财务", "hardware", Role.FINANCE),
    Person("sme_tea", "另一家企业 · another SME", "owner@tea.example", "示例店主", "tea", Role.OWNER),
    Person("provider", "服务商 · provider", "product@storage.example", "示例产品经理", "example-cloud", Role.OWNER),
    Person(
        "provider_telecom", "运营商 · operator", "product@telecom.example", "示例运营商产品经理",
        "telecom-guangdong", Role.OWNER,
    ),
    Person(
        "provider_finance", "服务商财务 · provider's accountant", "finance@software.example", "示例服务商财务",
        "sample-software", Role.FINANCE,
    ),
    Person(
        "provider_owner", "服务商老板 · provider's owner", "owner@software.example", "示例软件老板",
        "sample-software", Role.OWNER,
    ),
    Person(
        "provider_mobile", "运营商短信 · operator, SMS", "owner@mobile.example", "示例短信产品经理",
        "mobile-guangdong", Role.OWNER,
    ),
    Person(
        "provider_promo", "服务商推广 · provider, promotion", "owner@promo.example", "示例推广老板",
        "sample-promo", Role.OWNER,
    ),
    Person(
        "administrator", "管理员甲 · administrator A", "admin-a@market.example", "示例管理员甲", "office", Role.SUPER,
        "MARKETDEMOADMINISTRATORASAMPLEAA",
    ),
    Person(
        "administrator_2", "管理员乙 · administrator B", "admin-b@market.example", "示例管理员乙", "office", Role.SUPER,
        "MARKETDEMOADMINISTRATORBSAMPLEBB",
    ),
)  # fmt: skip


def gather(*, at: datetime) -> dict[str, User]:
    """The people and the firms that are not in the catalogue, made where they are missing; key → person."""
    firms = {firm.key: _buyer(firm, at) for firm in BUYERS} | {"office": _office(at)}
    people = {}
    for person in PEOPLE:
        organization = firms.get(person.firm) or providers.provider_by_slug(person.firm).organization
        user = accounts.user_by_email(person.email)
        if user is None:
            user = accounts.add_user(email=person.email, name=person.name, password_hash=accounts.passwords.hash(PASSWORD), at=at)
            user.email_confirmed_at = at
            accounts.join(user, organization, person.role, at=at)
            policies.agree(user, at=at)
            _equip(user, person, at)
        people[person.key] = user
    return people


def _equip(user: User, person: Person, at: datetime) -> None:
    """Give her the app, by the verbs the pages call."""
    if person.totp_secret:
        by, app = actor(user), credentials.authenticators
        app.begin(user, by=by, at=at, secret=person.totp_secret)
        app.confirm(user, app.code_at(person.totp_secret, at), by=by, at=at)


def _buyer(firm: Firm, at: datetime) -> Organization:
    facts = Profile(
        name=firm.name, uscc=firm.code, city_code=firm.city, sector_slug=firm.sector,
        industry=firm.industry, staff=firm.staff, revenue_fen=firm.revenue * 1_000_000,
    )  # fmt: skip
    found = accounts.size_of(facts, on=local_day(at))
    return _known(firm.name) or _registered(
        Organization(
            kind=OrganizationKind.BUYER,
            size=found.size,
            size_rules=found.rules.slug,
            approval_above_fen=firm.limit_fen,
            created_at=at,
            **facts.values(),
        )
    )


def _office(at: datetime) -> Organization:
    return _known(OFFICE) or _registered(
        Organization(
            kind=OrganizationKind.PLATFORM, name=OFFICE, uscc=None, city_code="440100", created_at=at
        )
    )


def _known(name: str) -> Organization | None:
    return db.session.scalar(select(Organization).where(Organization.name == name))


def _registered(organization: Organization) -> Organization:
    db.session.add(organization)
    db.session.flush()
    by = audit.system("demo", organization_id=organization.id)
    audit.record("organization.registered", organization, by=by, at=organization.created_at)
    return organization


def actor(user: User, organization_id: int | None = None) -> audit.Actor:
    """The person as somebody who acts for an organization."""
    return audit.Actor("user", user.id, user.name, organization_id, "127.0.0.1")


def firm_of(user: User) -> Organization:
    """The organization a sample person belongs to."""
    return accounts.memberships_of(user)[0].organization
