"""One offering as its page shows it: plain rows with the names of the models, as lists have them.

The page changes nothing, and the mapper takes longer over a dozen rows than the database over finding them. What leads to
other rows than these, only the models know; whoever wants to write loads them (`offering_by_slug`).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Column, bindparam, select

from market import db
from market.catalog.categories import Category
from market.catalog.models import Charge, Meter, Offering, OfferingRevision, OfferingStatus, Plan, PlanStatus
from market.catalog.window import PUBLISHED
from market.errors import NotFound
from market.providers import Licence, Provider

#: What of a provider is for everybody.
_OF_PROVIDER = ("id", "slug", "status", "name_zh", "name_en", "summary_zh", "summary_en", "phone", "website", "verified_at")


def _columns(model: Any, names: Sequence[str] = ()) -> list[Column[Any]]:
    return [column for column in model.__table__.c if not names or column.key in names]


def _rows(model: Any, columns: Sequence[Column[Any]], *more: str) -> Any:
    """A tuple for rows of a model, with names for what is loaded beside them; it can say of itself what the model can."""
    said = {name: one for name, one in vars(model).items() if isinstance(one, property) or name == "__str__"}
    plain = namedtuple(f"{model.__name__}Shown", [column.key for column in columns] + [*more])  # type: ignore[misc]  # named after the model
    return type(plain.__name__, (plain,), {**said, "__slots__": (), "__eq__": object.__eq__, "__hash__": object.__hash__})


_O, _P, _C, _R = _columns(Offering), _columns(Provider, _OF_PROVIDER), _columns(Category), _columns(OfferingRevision)
_L, _PL, _CH, _M = _columns(Licence), _columns(Plan), _columns(Charge), _columns(Meter)
_Offering = _rows(Offering, _O, "provider", "category", "live_revision", "live_plans")
_Provider, _Category, _Revision = _rows(Provider, _P, "licences"), _rows(Category, _C), _rows(OfferingRevision, _R)
_Licence, _Plan, _Charge, _Meter = _rows(Licence, _L), _rows(Plan, _PL, "charges"), _rows(Charge, _CH, "meter"), _rows(Meter, _M)

_OFFERING = (
    select(*_O, *_P, *_C, *_R)
    .select_from(Offering)
    .join(Provider, Provider.id == Offering.provider_id)
    .join(Category, Category.slug == Offering.category_slug)
    .outerjoin(OfferingRevision, PUBLISHED)
    .where(Offering.slug == bindparam("slug"), Offering.status != OfferingStatus.UNLISTED)
)
_LICENCES = select(*_L).where(Licence.provider_id == bindparam("id")).order_by(Licence.id)
_PLANS = (
    select(*_PL, *_CH, *_M)
    .select_from(Plan)
    .outerjoin(Charge, Charge.plan_id == Plan.id)
    .outerjoin(Meter, Meter.id == Charge.meter_id)
    .where(Plan.offering_id == bindparam("id"), Plan.status == PlanStatus.PUBLISHED, ~Plan.private)
    .order_by(Plan.position, Plan.id, Charge.position)
)


def shown_offering(slug: str) -> Offering:
    """The offering at an address as its page shows it, to be read only. Raises NotFound while it was never listed."""
    connection = db.session.connection()
    row = connection.execute(_OFFERING, {"slug": slug}).one_or_none()
    if row is None:
        raise NotFound
    provider, category, revision, end = _cuts(_O, _P, _C, _R)
    if row[revision] is None:
        raise NotFound
    id, provider_id = row[0], row[provider]
    licences = [_Licence(*each) for each in connection.execute(_LICENCES, {"id": provider_id})]
    found = _Offering(
        *row[:provider], _Provider(*row[provider:category], licences), _Category(*row[category:revision]),
        _Revision(*row[revision:end]), _plans(id),
    )  # fmt: skip
    return cast(Offering, found)


def _plans(offering_id: int) -> list[Any]:
    charges, meters, end = _cuts(_PL, _CH, _M)
    plans: dict[int, Any] = {}
    known: dict[int, Any] = {}
    for row in db.session.connection().execute(_PLANS, {"id": offering_id}):
        plan = plans.get(row[0])
        if plan is None:
            plan = plans[row[0]] = _Plan(*row[:charges], [])
        if row[charges] is not None:
            meter = row[meters]
            if meter is not None and meter not in known:
                known[meter] = _Meter(*row[meters:end])
            plan.charges.append(_Charge(*row[charges:meters], known.get(meter)))
    return list(plans.values())


def _cuts(*parts: Sequence[Any]) -> list[int]:
    """Where in a row each part but the first begins, and where the last one ends."""
    ends, at = [], 0
    for part in parts:
        at += len(part)
        ends.append(at)
    return ends
