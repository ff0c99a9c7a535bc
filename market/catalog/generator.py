"""Made-up listings and firms in any number, for benchmarks and full shelves.

    for made in generator.generate(listings=10_000, organizations=2_000, seed=1, at=now): ...

Deterministic: the same numbers and seed make the same rows, and what exists already is skipped, so
an interrupted run can be repeated. Rows go in by bulk inserts, one transaction a batch. Everything
made up carries 示例 in its provider's or firm's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import joinedload

from market import audit, db, rating
from market.accounts import City, Organization, OrganizationKind, Sector, uscc
from market.catalog import facts
from market.catalog.categories import Category
from market.catalog.models import (
    Aggregation,
    Charge,
    Meter,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    Provisioning,
    RevisionStatus,
    TimeBase,
)
from market.catalog.signals import offering_changed
from market.catalog.vocabulary import (
    AUDIENCES,
    AVAILABILITY,
    HOURS,
    MEASURES,
    THINGS,
    Audience,
    Measure,
    Thing,
)
from market.errors import Refused
from market.providers import Provider, ProviderStatus

BATCH = 500
LISTINGS_PER_PROVIDER = 25
MAKER = audit.system("generator")
TAX_RATE = "0.06"


class CatalogEmpty(Refused):
    """Made-up listings stand in the categories and cities of the seed files, so those come first."""

    code = "catalog_empty"
    message = "还没有类别和地市。请先用 market seed 装载 catalog_seed。"


def generate(
    listings: int, organizations: int, seed: int, *, at: datetime, batch: int = BATCH
) -> Iterator[int]:
    """Make them up; yields after each batch how many were new. Raises CatalogEmpty."""
    with db.transaction(readonly=True):
        cities = db.session.scalars(select(City.code).order_by(City.position)).all()
        sectors = db.session.scalars(select(Sector.slug).order_by(Sector.position)).all()
        if not cities or not db.session.scalar(select(func.count()).select_from(Category)):
            raise CatalogEmpty
    per_batch = max(1, batch // LISTINGS_PER_PROVIDER) * LISTINGS_PER_PROVIDER
    for start in range(0, listings, per_batch):
        with db.transaction():
            made = _make_listings(range(start, min(start + per_batch, listings)), seed, cities, at=at)
        yield made
    for start in range(0, organizations, batch):
        with db.transaction():
            made = _make_buyers(range(start, min(start + batch, organizations)), seed, cities, sectors, at=at)
        yield made


# --- firms -------------------------------------------------------------------------------


class _Chance(Random):
    """A repeatable source of made-up choices; nothing secret comes from it."""


def _chance(seed: int, kind: str, number: int) -> _Chance:
    """Each row draws from its own source, so that a row does not depend on the size of the run."""
    return _Chance(f"{seed}:{kind}:{number}")


def fake_code(number: int, city: str) -> str:
    """A code that passes both checks and is plainly made up: its middle is a running number."""
    body = f"{number:08d}"
    first = f"91{city}{body}{uscc.organization_digit(body)}"
    return first + uscc.check_digit(first)


def _make_buyers(
    numbers: range, seed: int, cities: Sequence[str], sectors: Sequence[str], *, at: datetime
) -> int:
    rows = []
    for number in numbers:
        chance = _chance(seed, "buyer", number)
        audience, city = chance.choice(AUDIENCES), chance.choice(cities)
        rows.append({
            "kind": OrganizationKind.BUYER, "name": f"示例{audience.zh}{seed}-{number + 1:05d}",
            "uscc": fake_code(50_000_000 + seed * 1_000_000 + number, city), "city_code": city,
            "sector_slug": chance.choice(sectors), "phone": "", "anchor_day": 1, "timezone": "Asia/Shanghai",
            "created_at": at,
        })  # fmt: skip
    known = _known(Organization.uscc, [str(row["uscc"]) for row in rows])
    fresh = [row for row in rows if row["uscc"] not in known]
    if fresh:
        db.session.execute(insert(Organization), fresh)
        _note("organizations", seed, numbers, len(fresh), at=at)
    return len(fresh)


def _providers(numbers: range, seed: int, cities: Sequence[str], *, at: datetime) -> dict[int, Provider]:
    """The made-up providers with these numbers, made if they are not there."""
    slugs = {f"made-{seed}-{number}": number for number in numbers}
    query = select(Provider).where(Provider.slug.in_(slugs)).options(joinedload(Provider.organization))
    known = {row.slug: row for row in db.session.scalars(query)}
    for slug, number in slugs.items():
        if slug in known:
            continue
        city = _chance(seed, "provider", number).choice(cities)
        organization = Organization(
            kind=OrganizationKind.PROVIDER, name=f"示例云服务{seed}-{number + 1:04d}有限公司",
            uscc=fake_code(40_000_000 + seed * 100_000 + number, city), city_code=city, created_at=at,
        )  # fmt: skip
        known[slug] = Provider(
            organization=organization, slug=slug, status=ProviderStatus.APPROVED, tax_rate=TAX_RATE,
            name_zh=f"示例云服务 {number + 1:04d}", name_en=f"Sample Cloud {number + 1:04d}",
            summary_zh="为测试生成的示例服务商。", summary_en="A sample provider, made up for tests.",
            phone="000-0000-0000", email="made-up@market.example", verified_at=at, licences=[],
        )  # fmt: skip
        db.session.add(known[slug])
    db.session.flush()
    return {number: known[slug] for slug, number in slugs.items()}


def _meters(providers: Sequence[Provider], *, at: datetime) -> dict[tuple[int, str], int]:
    """Every measure of every provider: (provider's id, slug) to the meter's id."""
    ids = [provider.id for provider in providers]
    query = select(Meter.provider_id, Meter.slug, Meter.id).where(Meter.provider_id.in_(ids))
    known = {(provider, slug): id for provider, slug, id in db.session.execute(query)}
    lacking = [(id, each) for id in ids for each in MEASURES if (id, each.slug) not in known]
    rows = [
        {
            "provider_id": id, "slug": each.slug, "name_zh": each.name_zh, "name_en": each.name_en,
            "event_type": f"made.{each.slug}", "value_property": each.value_property,
            "aggregation": Aggregation(each.aggregation), "time_base": TimeBase(each.time_base),
            "unit_zh": each.unit_zh, "unit_en": each.unit_en, "unit_size": 1, "created_at": at,
        }
        for id, each in lacking
    ]  # fmt: skip
    made = _insert(Meter, rows) if rows else []
    return known | {(id, each.slug): meter for (id, each), meter in zip(lacking, made, strict=True)}


# --- listings ----------------------------------------------------------------------------


def _make_listings(numbers: range, seed: int, cities: Sequence[str], *, at: datetime) -> int:
    slugs = {number: f"made-{seed}-{number + 1}" for number in numbers}
    known = _known(Offering.slug, list(slugs.values()))
    fresh = [number for number in numbers if slugs[number] not in known]
    if not fresh:
        return 0
    homes = range(fresh[0] // LISTINGS_PER_PROVIDER, fresh[-1] // LISTINGS_PER_PROVIDER + 1)
    providers = _providers(homes, seed, cities, at=at)
    meters = _meters(list(providers.values()), at=at)
    drafts = [_Draft(number, slugs[number], seed, providers[number // LISTINGS_PER_PROVIDER]) for number in fresh]
    ids = _insert(Offering, [draft.offering(at) for draft in drafts])
    _insert(OfferingRevision, [draft.revision(id, at) for draft, id in zip(drafts, ids, strict=True)])
    plans = [(draft, row) for draft, id in zip(drafts, ids, strict=True) for row in draft.plans(id, at)]
    plan_ids = _insert(Plan, [row for _, row in plans])
    charges = [
        row for (draft, plan), id in zip(plans, plan_ids, strict=True)
        for row in draft.charges(plan["slug"], id, meters)
    ]  # fmt: skip
    _insert(Charge, charges)
    for offering in db.session.scalars(select(Offering).where(Offering.id.in_(ids)).order_by(Offering.id)):
        offering_changed.send(offering, at=at)
    _note("listings", seed, numbers, len(fresh), at=at)
    return len(fresh)


class _Draft:
    """One made-up listing, as the rows of its tables."""

    def __init__(self, number: int, slug: str, seed: int, provider: Provider) -> None:
        chance = _chance(seed, "listing", number)
        self.slug, self.provider = slug, provider
        self.thing: Thing = chance.choice(THINGS)
        self.audience: Audience = chance.choice(AUDIENCES)
        self.measure: Measure = next(each for each in MEASURES if each.slug == self.thing.measure)
        self.factor = Decimal(chance.randrange(60, 190)) / 100  # dearer or cheaper than usual
        self.kinds: list[str] = sorted(chance.sample(("payg", "monthly", "yearly"), chance.randrange(1, 4)))
        self.model = chance.choice(("per_unit", "graduated", "volume", "package"))
        self.hours, self.availability = chance.choice(HOURS), chance.choice(AVAILABILITY)
        self.trial = chance.choice((0, 0, 14, 30))
        self.city = provider.organization.city_code or "cn"

    def offering(self, at: datetime) -> dict[str, Any]:
        """Live from the start, as if reviewed."""
        return {
            "provider_id": self.provider.id, "slug": self.slug, "category_slug": self.thing.category,
            "status": OfferingStatus.LIVE, "provisioning": Provisioning.MANUAL, "created_at": at, "listed_at": at,
            "version": 1,
        }  # fmt: skip

    def revision(self, offering_id: int, at: datetime) -> dict[str, Any]:
        """The one published revision."""
        return {
            "offering_id": offering_id, "number": 1, "status": RevisionStatus.PUBLISHED, "facts": self._facts(),
            "created_at": at, "changed_at": at, "changed_by": MAKER.label, "submitted_at": at, "decided_at": at,
            "decision_reason": "", "published_at": at, "version": 1,
        }  # fmt: skip

    def _facts(self) -> dict[str, Any]:
        thing, audience = self.thing, self.audience
        return facts.dump(facts.parse({
            "name_zh": f"{audience.zh}{thing.zh}", "name_en": f"{thing.en} for {audience.en}",
            "tagline_zh": thing.benefit_zh, "tagline_en": thing.benefit_en,
            "description_zh": f"给{audience.zh}用的{thing.zh}。{thing.benefit_zh}。这是为测试生成的示例服务。",
            "description_en": f"{thing.en} for {audience.en.lower()}. {thing.benefit_en}. A sample made up for tests.",
            "subcategory": thing.subcategory, "service_layer": thing.layer, "sectors": [audience.sector],
            "keywords": [thing.zh, audience.zh],
            "benefits_zh": [thing.benefit_zh, "手机和电脑都能用", "不用了可以全部导出"],
            "benefits_en": [thing.benefit_en, "On phones and computers", "Export everything when you leave"],
            "not_for_zh": ["需要上门驻场服务的企业"], "not_for_en": ["Firms that need people on site"],
            "start_steps_zh": ["选套餐并确认订阅", "按说明设好账号", "用一周，再推给全公司"],
            "start_steps_en": ["Choose a plan and subscribe", "Set up the accounts", "Try a week, then everybody"],
            "deadline_setup_zh": "1 个工作日", "deadline_setup_en": "1 working day",
            "availability": self.availability, "availability_credit_zh": "低于承诺的当月，费用减半",
            "availability_credit_en": "The month's charges are halved if it is missed",
            "data_location": [self.city], "cross_border": "none",
            "support_hours_zh": self.hours[0], "support_hours_en": self.hours[1], "support_channels": ["phone", "chat"],
            "fapiao": ["special", "ordinary"], "payment_methods": ["bank_transfer"],
            "export_format_zh": "表格（xlsx）和原文件", "export_format_en": "Tables (xlsx) and original files",
            "export_days": 30, "deletion_days": 60, "exit_fee": "0",
        }))  # fmt: skip

    def plans(self, offering_id: int, at: datetime) -> Iterator[dict[str, Any]]:
        """One to three plans on sale."""
        for position, kind in enumerate(self.kinds):
            name_zh, name_en, summary_zh, summary_en = _PLANS[kind]
            yield {
                "offering_id": offering_id, "slug": kind, "version_number": 1, "status": PlanStatus.PUBLISHED,
                "name_zh": name_zh, "name_en": name_en, "summary_zh": summary_zh, "summary_en": summary_en,
                "position": position, "trial_days": self.trial, "created_at": at, "published_at": at, "version": 1,
            }  # fmt: skip

    def charges(self, kind: str, plan_id: int, meters: dict[tuple[int, str], int]) -> Iterator[dict[str, Any]]:
        """A fixed fee unless it is pay-as-you-go, and the measure."""
        measure = self.measure
        monthly = Decimal(measure.price) * measure.typical * self.factor
        if kind != "payg":
            amount, interval = (monthly, "month") if kind == "monthly" else (monthly * 10, "year")
            name_zh, name_en = ("月费", "Monthly fee") if kind == "monthly" else ("年费", "Yearly fee")
            terms = {"model": "flat", "interval": interval, "amount": f"{amount:.2f}"}
            yield _charge(plan_id, f"fee-{interval}", name_zh, name_en, None, terms, "0", 0)
        terms = self._usage_terms(Decimal(0) if kind == "payg" else Decimal(measure.typical))
        meter = meters[self.provider.id, measure.slug]
        position = 0 if kind == "payg" else 1
        yield _charge(plan_id, measure.slug, measure.name_zh, measure.name_en, meter, terms, str(measure.typical), position)

    def _usage_terms(self, included: Decimal) -> dict[str, Any]:
        price, typical = Decimal(self.measure.price) * self.factor, self.measure.typical
        tiers = [
            {"up_to": str(typical * 2), "unit_price": f"{price:.4f}"},
            {"up_to": None, "unit_price": f"{price * Decimal('0.7'):.4f}"},
        ]
        terms: dict[str, dict[str, Any]] = {
            "per_unit": {"unit_price": f"{price:.4f}"},
            "graduated": {"tiers": tiers},
            "volume": {"tiers": tiers},
            "package": {"package_size": str(typical), "package_price": f"{price * typical:.2f}"},
        }
        return {"model": self.model, "included": str(included), **terms[self.model]}


_PLANS = {
    "payg": ("用多少付多少", "Pay for what you use", "没有月费", "No monthly fee"),
    "monthly": ("包月版", "Monthly", "每月固定费用，含一般用量", "A fixed monthly fee with the usual amount"),
    "yearly": ("包年版", "Yearly", "一年付一次，约省 2 个月", "Paid once a year, about two months cheaper"),
}


def _charge(
    plan_id: int, slug: str, name_zh: str, name_en: str, meter_id: int | None, terms: dict[str, Any], typical: str,
    position: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        "plan_id": plan_id, "slug": slug, "name_zh": name_zh, "name_en": name_en, "meter_id": meter_id,
        "terms": rating.dump(rating.parse(terms)), "tax_rate": TAX_RATE, "hint_zh": "", "hint_en": "",
        "typical": typical, "position": position,
    }  # fmt: skip


# --- bulk --------------------------------------------------------------------------------


def _insert(table: Any, rows: list[dict[str, Any]]) -> list[int]:
    """The rows' new ids, in their order.

    Straight into the table, with ids taken before: the mapper would send a statement for each row that has other empty
    columns than the one before, and asking for the ids of many makes one statement that is longer than its rows.
    """
    columns, ids = table.__table__, _new_ids(table, len(rows))
    db.session.connection().execute(insert(columns), [{"id": id, **row} for id, row in zip(ids, rows, strict=True)])
    return ids


def _new_ids(table: Any, count: int) -> list[int]:
    """On SQLite nobody else writes meanwhile."""
    if not db.on_postgresql():
        last = db.session.scalar(select(func.max(table.id))) or 0
        return list(range(last + 1, last + 1 + count))
    sequence = func.pg_get_serial_sequence(table.__tablename__, "id")
    return list(db.session.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))))


def _known(column: Any, values: list[str]) -> set[str]:
    return set(db.session.scalars(select(column).where(column.in_(values))))


def _note(what: str, seed: int, numbers: range, made: int, *, at: datetime) -> None:
    """One audit row a batch: row by row it would say nothing more."""
    subject = db.session.scalars(select(Category).limit(1)).one()
    after = {"seed": seed, "from": numbers.start + 1, "to": numbers.stop, "made": made}
    audit.record(f"catalog.{what}_made_up", subject, by=MAKER, at=at, after=after)
