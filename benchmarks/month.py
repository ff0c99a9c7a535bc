"""A marketplace at the end of a month, made by a few statements: firms, their people, subscriptions and day counters.

The events are not stored. The database draws each of them, an instant of the month and a value, and counts them as
ingestion does: a counter for every meter of a subscription and every local day on which one of its events fell. So
the counters are, row for row, those that so many stored events would have left behind; what a bill reads is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select, text

from benchmarks.place import bar
from market import accounts, db
from market.accounts import Membership, Role, User
from market.catalog import Aggregation, Charge, Meter, Offering, OfferingRevision, Plan, generator
from market.catalog.models import PlanStatus
from market.kit.period import Period
from market.subscriptions import Subscription, SubscriptionStatus

PER_FIRM = 10
#: Events of each subscription in a month, half of them for each of its two meters.
EVENTS = 100
#: One subscription in so many begins in the middle of the month.
_LATE_STARTERS = 10
_SEED, _SLUG = 11, "bench"
_ROWS, _DRAWN_AT_ONCE = 5_000, 5_000

#: What every plan charges: a fee by the month, units by tiers beyond what is included, and calls.
_TERMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("fee", {"model": "flat", "interval": "month"}),
    ("units", {"model": "graduated", "included": "100", "tiers": [
        {"up_to": "1000", "unit_price": "0.05", "flat": "0.00"}, {"up_to": None, "unit_price": "0.032", "flat": "0.00"},
    ]}),
    ("calls", {"model": "per_unit", "unit_price": "0.0125", "included": "10"}),
)  # fmt: skip
_FEES = ("19.00", "99.00", "299.00")

_PG_DRAW = """
    INSERT INTO usage_counters (subscription_id, meter_id, day, slice, count, sum, area)
    SELECT s, m, CAST(:first AS date) + d, '', count(*), sum(v), 0
    FROM (
        SELECT s.id AS s, m.id AS m, b + floor(random() * (:days - b))::int AS d,
            CASE WHEN m.aggregation = 'sum' THEN floor(random() * 5000 + 1)::bigint * 10000 ELSE 0 END AS v
        FROM subscriptions AS s JOIN meters AS m ON m.provider_id = s.provider_id AND m.slug LIKE 'bench-%'
        CROSS JOIN LATERAL (SELECT greatest((s.started_at AT TIME ZONE 'Asia/Shanghai')::date - CAST(:first AS date), 0) AS b) AS begun
        CROSS JOIN generate_series(1, :events)
        WHERE s.id BETWEEN :low AND :high
    ) AS drawn
    GROUP BY s, m, d ORDER BY s, m, d
"""
_LITE_DRAW = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :events),
    begun AS (
        SELECT id, provider_id, max(CAST(julianday(date(started_at, '+8 hours')) - julianday(:first) AS integer), 0) AS b
        FROM subscriptions WHERE id BETWEEN :low AND :high
    ),
    drawn AS MATERIALIZED (
        SELECT s.id AS s, m.id AS m, date(:first, '+' || (b + abs(random()) % (:days - b)) || ' days') AS d,
            CASE WHEN m.aggregation = 'sum' THEN (abs(random()) % 5000 + 1) * 10000 ELSE 0 END AS v
        FROM begun AS s JOIN meters AS m ON m.provider_id = s.provider_id AND m.slug LIKE 'bench-%' CROSS JOIN n
    )
    INSERT INTO usage_counters (subscription_id, meter_id, day, slice, count, sum, area)
    SELECT s, m, d, '', count(*), sum(v), 0 FROM drawn GROUP BY s, m, d
"""


@dataclass(frozen=True)
class Offer:
    """What a subscription is made of."""

    provider_id: int
    plan_id: int
    revision_id: int


def furnish(subscriptions: int, month: Period) -> None:
    """Fill an empty marketplace (`place.shelf`) with so many subscriptions that run in a month, and its usage."""
    at = month.start - timedelta(days=90)
    with bar("firms", -(-subscriptions // PER_FIRM), "") as shown:
        for made in generator.generate(listings=0, organizations=-(-subscriptions // PER_FIRM), seed=_SEED, at=at):
            shown.update(made)
    with db.transaction():
        offers, firms = _offers(at), _firms()
        owners = _owners(firms, at)
        rows = _subscriptions(subscriptions, offers, list(zip(firms, owners, strict=True)), month)
        _insert(Subscription, rows, subscriptions)
    draw(month)


def draw(month: Period, *, events: int = EVENTS) -> None:
    """The month's usage of every subscription that runs in it."""
    first, last = _ids()
    statement = text(_PG_DRAW if db.on_postgresql() else _LITE_DRAW)
    with bar("usage", last - first + 1, "") as shown:
        for low in range(first, last + 1, _DRAWN_AT_ONCE):
            given = {"first": month.first_day.isoformat(), "days": month.days, "events": events // 2, "low": low}
            with db.transaction():
                db.session.execute(statement, given | {"high": low + _DRAWN_AT_ONCE - 1})
            shown.update(_DRAWN_AT_ONCE)


def settle() -> None:
    """Let the database know what it holds, as it would after a month's work."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if db.on_postgresql() else "ANALYZE"))
        if db.on_postgresql():
            connection.execute(text("CHECKPOINT"))


def _offers(at: datetime) -> list[Offer]:
    """Three plans of three charges on one offering of every provider of the seed, with meters of their own."""
    found = []
    query = select(Offering).order_by(Offering.provider_id, Offering.id)
    offerings = {offering.provider_id: offering for offering in db.session.scalars(query)}
    revisions = dict(db.session.execute(select(OfferingRevision.offering_id, OfferingRevision.id)).all())
    for offering in offerings.values():
        meters = {kind: _meter(offering.provider_id, kind, at) for kind in (Aggregation.SUM, Aggregation.COUNT)}
        for number, fee in enumerate(_FEES):
            plan = Plan(
                offering_id=offering.id, slug=f"{_SLUG}-{number}", status=PlanStatus.PUBLISHED, created_at=at, published_at=at,
                name_zh=f"示例套餐 {number + 1}", name_en=f"Sample plan {number + 1}",
                charges=[_charge(slug, terms, fee, position, meters) for position, (slug, terms) in enumerate(_TERMS)],
            )  # fmt: skip
            db.session.add(plan)
            db.session.flush()
            found.append(Offer(offering.provider_id, plan.id, revisions[offering.id]))
    return found


def _meter(provider_id: int, kind: Aggregation, at: datetime) -> Meter:
    summed = kind is Aggregation.SUM
    meter = Meter(
        provider_id=provider_id, slug=f"{_SLUG}-{kind.value}", event_type=f"bench.{kind.value}", aggregation=kind, created_at=at,
        value_property="value" if summed else "", name_zh="示例用量" if summed else "示例次数",
        name_en="Sample units" if summed else "Sample calls", unit_zh="份" if summed else "次", unit_en="units" if summed else "calls",
    )  # fmt: skip
    db.session.add(meter)
    return meter


def _charge(slug: str, terms: dict[str, Any], fee: str, position: int, meters: dict[Aggregation, Meter]) -> Charge:
    kind = {"units": Aggregation.SUM, "calls": Aggregation.COUNT}.get(slug)
    return Charge(
        slug=slug, terms=terms if kind else terms | {"amount": fee}, position=position, tax_rate="0.06",
        meter=meters[kind] if kind else None,
        name_zh={"fee": "月费", "units": "用量", "calls": "调用"}[slug], name_en=slug.capitalize(),
    )  # fmt: skip


def _firms() -> Sequence[int]:
    kind = accounts.OrganizationKind.BUYER
    query = select(accounts.Organization.id).where(accounts.Organization.kind == kind)
    return db.session.scalars(query.order_by(accounts.Organization.id)).all()


def _owners(firms: Sequence[int], at: datetime) -> Sequence[int]:
    """Somebody in every firm who pays its bills, and hears of each."""
    people = [
        {"email": f"owner-{firm}@market.example", "name": f"示例用户{firm}", "password_hash": "", "created_at": at} for firm in firms
    ]
    _insert(User, people, len(people))
    ids = db.session.scalars(select(User.id).where(User.email.like("owner-%@market.example")).order_by(User.id)).all()
    places = [
        {"user_id": user, "organization_id": firm, "role": Role.OWNER, "created_at": at}
        for user, firm in zip(ids, firms, strict=True)
    ]
    _insert(Membership, places, len(places))
    return ids


def _subscriptions(
    number: int, offers: Sequence[Offer], firms: Sequence[tuple[int, int]], month: Period
) -> Iterator[dict[str, Any]]:
    chance = Random(_SEED)  # noqa: S311  # repeatable, and nothing secret comes from it
    for place in range(number):
        offer, (firm, owner) = chance.choice(offers), firms[place // PER_FIRM]
        within = chance.randrange(1, month.days) if place % _LATE_STARTERS == _LATE_STARTERS - 1 else 0
        at = month.start + timedelta(days=within, hours=9)
        yield {
            "public_id": f"sub_{chance.getrandbits(80):020x}", "organization_id": firm, "provider_id": offer.provider_id,
            "plan_id": offer.plan_id, "revision_id": offer.revision_id, "status": SubscriptionStatus.ACTIVE, "estimate": {},
            "terms_hash": "0" * 64, "accepted_by_id": owner, "ordered_at": at, "started_at": at, "version": 1,
        }  # fmt: skip


def _insert(model: type[db.Base], rows: Iterator[dict[str, Any]] | list[dict[str, Any]], number: int) -> None:
    waiting: list[dict[str, Any]] = []
    with bar(str(model.__tablename__), number, "") as shown:
        for row in rows:
            waiting.append(row)
            if len(waiting) == _ROWS:
                db.session.execute(insert(model), waiting)
                shown.update(len(waiting))
                waiting = []
        if waiting:
            db.session.execute(insert(model), waiting)


def _ids() -> tuple[int, int]:
    with db.transaction(readonly=True):
        low, high = db.session.execute(text("SELECT min(id), max(id) FROM subscriptions")).one()
        return int(low), int(high)



