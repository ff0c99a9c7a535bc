"""Private plans: what a provider has agreed on with named firms, as a plan version of its own on the same offering.

Nobody else sees or buys it: it is not among `Offering.live_plans`, so no list, page, search, comparison or interface
that reads those can show it; who may have one asks `plans_for`. It goes on sale at once, for no buyer in public
reads it; the offering's words have been reviewed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship, selectinload

from market import audit, db
from market.accounts.models import Organization, OrganizationKind
from market.catalog import numbers
from market.catalog.actions import Retired, record
from market.catalog.models import Charge, Offering, OfferingStatus, Plan, PlanStatus
from market.catalog.plans import LEAST_NOTICE, check_plan, publish, retire
from market.errors import Invalid, NotFound, Refused

#: Firms to one private plan.
MOST_FIRMS = 200
#: Of the slug of the plan it is made from.
_SLUG_ROOM = 48


class PlanAudience(db.Base):
    """A firm that may see and buy a private plan."""

    __tablename__ = "plan_audiences"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), primary_key=True, index=True)
    added_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")


class NotPrivate(Refused):
    """A public plan is for everybody; it has no list of firms."""

    code = "plan_not_private"
    message = "这是公开套餐，谁都能订，不用选企业。"


def agree(
    base: Plan,
    *,
    key: str,
    name_zh: str,
    name_en: str,
    summary_zh: str,
    summary_en: str,
    trial_days: int,
    charges: Sequence[Mapping[str, Any]],
    quantity: Mapping[str, Any] | None = None,
    notice_days: int = LEAST_NOTICE,
    firms: Sequence[Organization],
    by: audit.Actor,
    at: datetime,
) -> Plan:
    """Put what was agreed on sale, for these firms only; `charges` and `quantity` as `save_plan` takes them.

    The same `key` is the same plan, however often it is sent. Raises PlanInvalid, Invalid without a firm, Retired.
    """
    offering = db.session.get_one(Offering, base.offering_id)
    db.lock(offering)
    if offering.status is OfferingStatus.RETIRED:
        raise Retired
    slug = f"{base.slug[:_SLUG_ROOM].rstrip('-')}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    known = db.session.scalar(select(Plan).where(Plan.offering_id == offering.id, Plan.slug == slug))
    if known is not None:
        return known
    written = check_plan(
        offering, slug=slug, name_zh=name_zh, name_en=name_en, trial_days=trial_days, charges=charges, quantity=quantity,
        notice_days=notice_days,
    )  # fmt: skip
    if not written:
        raise Invalid("写明至少一个收费项目。")
    _check_firms(firms)
    plan = Plan(
        offering=offering, slug=slug, name_zh=name_zh.strip(), name_en=name_en.strip(), summary_zh=summary_zh.strip(),
        summary_en=summary_en.strip(), trial_days=trial_days, notice_days=notice_days, position=base.position,
        private=True, created_at=at, status=PlanStatus.DRAFT, charges=written, **numbers.columns(quantity or {}, []),
    )  # fmt: skip
    db.session.add(plan)
    db.session.flush()
    publish(plan, by=by, at=at)
    for firm in firms:
        admit(plan, firm, by=by, at=at)
    return plan


def admit(plan: Plan, firm: Organization, *, by: audit.Actor, at: datetime) -> None:
    """Let one more firm see and buy it; a second time changes nothing. Raises NotPrivate, Invalid."""
    db.lock(plan)
    if not plan.private:
        raise NotPrivate
    _check_firms([firm, *(one.organization for one in audience(plan))])
    if db.session.get(PlanAudience, (plan.id, firm.id)) is not None:
        return
    db.session.add(PlanAudience(plan_id=plan.id, organization_id=firm.id, organization=firm, added_at=at))
    db.session.flush()
    _record("plan.firm_admitted", plan, firm, by=by, at=at)


def exclude(plan: Plan, firm: Organization, *, by: audit.Actor, at: datetime) -> None:
    """A firm cannot buy it any more; what it has bought goes on. A second time changes nothing."""
    db.lock(plan)
    listed = db.session.get(PlanAudience, (plan.id, firm.id))
    if listed is None:
        return
    db.session.delete(listed)
    db.session.flush()
    _record("plan.firm_excluded", plan, firm, by=by, at=at)


def call_in(plan: Plan, *, by: audit.Actor, at: datetime) -> None:
    """Stop selling a private plan; those who bought it keep it. A second time changes nothing. Raises NotPrivate."""
    db.lock(plan)
    if not plan.private:
        raise NotPrivate
    if plan.status is PlanStatus.PUBLISHED:
        retire(plan, by=by, at=at)


# --- who sees what -----------------------------------------------------------------------


def plans_for(offering: Offering, organization: Organization | None) -> list[Plan]:
    """What this buyer can subscribe to: her own agreed plans first. `offering.live_plans` is loaded; None: anybody."""
    return plans_for_each([offering], organization)[offering.id]


def plans_for_each(offerings: Sequence[Offering], organization: Organization | None) -> dict[int, list[Plan]]:
    """The same of several services, by their ids."""
    agreed = private_plans(offerings, organization) if organization else []
    return {one.id: [*(plan for plan in agreed if plan.offering_id == one.id), *one.live_plans] for one in offerings}


def private_plans(offerings: Sequence[Offering], organization: Organization) -> Sequence[Plan]:
    """The agreed plans of these services that this firm can buy, the newest first, with charges and meters."""
    query = select(Plan).join(PlanAudience, PlanAudience.plan_id == Plan.id)
    query = query.where(Plan.offering_id.in_([one.id for one in offerings]), Plan.private, Plan.status == PlanStatus.PUBLISHED)
    return _loaded(query.where(PlanAudience.organization_id == organization.id))


def may_buy(plan: Plan, organization: Organization) -> bool:
    """Whether the plan is for this firm."""
    return not plan.private or db.session.get(PlanAudience, (plan.id, organization.id)) is not None


def agreed_plans(offering: Offering) -> Sequence[Plan]:
    """Every private plan of an offering, the newest first, with charges and meters."""
    return _loaded(select(Plan).where(Plan.offering_id == offering.id, Plan.private))


def agreed_plan(offering: Offering, id: int) -> Plan:
    """One of them. Raises NotFound."""
    found = _loaded(select(Plan).where(Plan.offering_id == offering.id, Plan.private, Plan.id == id))
    if not found:
        raise NotFound
    return found[0]


def audience(plan: Plan) -> Sequence[PlanAudience]:
    """The firms of a private plan in the order in which they came, with their organizations."""
    query = select(PlanAudience).where(PlanAudience.plan_id == plan.id).options(joinedload(PlanAudience.organization))
    return db.session.scalars(query.order_by(PlanAudience.added_at, PlanAudience.organization_id)).all()


def _loaded(query: Any) -> Sequence[Plan]:
    charges = selectinload(Plan.charges).joinedload(Charge.meter)
    return list(db.session.scalars(query.options(charges).order_by(Plan.id.desc())))


def _check_firms(firms: Sequence[Organization]) -> None:
    if not firms:
        raise Invalid(fields={"firms": "至少写一家企业的统一社会信用代码。"})
    if len({firm.id for firm in firms}) > MOST_FIRMS:
        raise Invalid(fields={"firms": "一个商定套餐最多给 200 家企业。"})
    if any(firm.kind is not OrganizationKind.BUYER for firm in firms):
        raise Invalid(fields={"firms": "只能选在这里注册、订购服务的企业。"})


def _record(action: str, plan: Plan, firm: Organization, *, by: audit.Actor, at: datetime) -> None:
    """In the provider's trail: the firm's own would tell it about a plan before anybody showed it."""
    offering = db.session.get_one(Offering, plan.offering_id)
    record(action, plan, offering, by=by, at=at, after={"firm": firm.name, "code": firm.uscc or ""})
