"""Plans and their charges: written as drafts, published with a revision, never changed afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from market import audit, db, rating
from market.catalog import numbers
from market.catalog.actions import NotEditable, Retired, pending_revision, record
from market.catalog.facts import Missing, Problem
from market.catalog.models import (
    EDITABLE,
    PLAN_LIFECYCLE,
    Aggregation,
    Charge,
    Meter,
    Offering,
    OfferingStatus,
    Plan,
    PlanStatus,
)
from market.catalog.queries import meters_of
from market.catalog.signals import offering_changed
from market.catalog.slugs import METER_SLUG, SLUG
from market.errors import Invalid, Refused
from market.kit import quantity
from market.kit.refusal import Refusal
from market.providers import Provider

MOST_CHARGES = 20
LONGEST_TRIAL = 365
#: Days before a new price counts for those who have the plan.
LEAST_NOTICE, LONGEST_NOTICE = 7, 365
#: Of a charge's filter.
MOST_VALUES, LONGEST_VALUE = 50, 100

_RATE = re.compile(r"0(?:\.[0-9]{1,4})?")


class PlanInvalid(Invalid):
    """The plan cannot be used as written; `problems` names each field, as in `charges.0.tiers.1.up_to`."""

    code = "plan_invalid"
    message = "套餐里有几处要改一下。"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(fields={problem.field: str(problem) for problem in problems})
        self.problems = list(problems)


class PlanChangedMeanwhile(Refused):
    """Somebody else wrote the next version of the plan at the same moment."""

    code = "plan_changed_meanwhile"
    message = "同一个套餐刚被别人改过，请刷新后再改。"


class LastPlan(Refused):
    """A live offering without a plan could not be bought."""

    code = "last_plan"
    message = "这是最后一个在售套餐。要停售，请下架整项服务，或先发布另一个套餐。"


def save_plan(
    offering: Offering,
    *,
    slug: str,
    name_zh: str,
    name_en: str,
    summary_zh: str,
    summary_en: str,
    trial_days: int,
    position: int,
    charges: Sequence[Mapping[str, Any]],
    quantity: Mapping[str, Any] | None = None,
    notice_days: int = LEAST_NOTICE,
    by: audit.Actor,
    at: datetime,
) -> Plan:
    """Write the draft of a plan; a published plan gets its next version, which goes live with a revision.

    `quantity` says in which numbers it is sold (see `numbers`); without it, it is not sold by number.
    Each charge is a mapping with `terms` and, for usage, `meter` (a slug of the provider's; its newest version is
    priced). Optional: `slug`, `name_zh`, `name_en` (the meter's otherwise), `tax_rate` (the provider's otherwise),
    `filter_property` and `filter_values`, `hint_zh`, `hint_en`, `typical`, `typical_count`. Raises PlanInvalid, NotEditable while a
    revision is under review.
    """
    db.lock(offering)  # those who save, drop, submit and publish take turns
    _check_editable(offering)
    words = {
        "name_zh": name_zh.strip(), "name_en": name_en.strip(), "summary_zh": summary_zh.strip(),
        "summary_en": summary_en.strip(), "trial_days": trial_days, "notice_days": notice_days, "position": position,
    }  # fmt: skip
    written = check_plan(
        offering, slug=slug, name_zh=name_zh, name_en=name_en, trial_days=trial_days, charges=charges, quantity=quantity,
        notice_days=notice_days,
    )  # fmt: skip
    words |= numbers.columns(quantity or {}, [])
    plan = draft_of(offering, slug) or _next_version(offering, slug, words, at=at)
    before = snapshot(plan)
    for column, value in words.items():
        setattr(plan, column, value)
    plan.charges.clear()
    db.session.flush()  # the new charges may carry the old ones' slugs
    plan.charges.extend(written)
    record("plan.saved", plan, offering, by=by, at=at, before=before, after=snapshot(plan))
    return plan


def check_plan(
    offering: Offering,
    *,
    slug: str,
    name_zh: str,
    name_en: str,
    trial_days: int,
    charges: Sequence[Mapping[str, Any]],
    quantity: Mapping[str, Any] | None = None,
    notice_days: int = LEAST_NOTICE,
) -> list[Charge]:
    """The charges as `save_plan` would write them. Raises PlanInvalid with everything that is wrong."""
    words = {"name_zh": name_zh.strip(), "name_en": name_en.strip(), "trial_days": trial_days, "notice_days": notice_days}
    problems = list(_word_problems(slug, words))
    numbers.columns(quantity or {}, problems)
    written = _charges(offering, charges, problems)
    if problems:
        raise PlanInvalid(problems)
    return written


def drop_plan(plan: Plan, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    """Delete a draft, or stop selling a published plan; those who bought it keep it. Raises LastPlan."""
    offering = db.session.get_one(Offering, plan.offering_id)
    db.lock(offering)
    if db.session.scalar(select(Plan.id).where(Plan.id == plan.id)) is None:
        return  # somebody else has dropped this draft in the meantime
    db.lock(plan)
    if plan.status is PlanStatus.DRAFT:
        _check_editable(offering)
        record("plan.dropped", plan, offering, by=by, at=at, reason=reason)
        db.session.delete(draft_of(offering, plan.slug))  # with its charges, which the caller may not have loaded
        db.session.flush()
        return
    if _is_last(offering, plan):
        raise LastPlan
    retire(plan, by=by, at=at, reason=reason)
    offering_changed.send(offering, at=at)


def retire(plan: Plan, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    """A published plan is not sold any more."""
    PLAN_LIFECYCLE.move(plan, PlanStatus.RETIRED)
    plan.retired_at = at
    record("plan.retired", plan, db.session.get_one(Offering, plan.offering_id), by=by, at=at, reason=reason)
    db.session.flush()


def publish(plan: Plan, *, by: audit.Actor, at: datetime) -> None:
    """A draft goes on sale; it never changes again."""
    PLAN_LIFECYCLE.move(plan, PlanStatus.PUBLISHED)
    plan.published_at = at
    record("plan.published", plan, db.session.get_one(Offering, plan.offering_id), by=by, at=at, after=snapshot(plan))
    db.session.flush()


def plans_of(offering: Offering) -> Sequence[Plan]:
    """Every version of every public plan, with charges and meters, in the order of the storefront."""
    query = select(Plan).where(Plan.offering_id == offering.id, ~Plan.private).options(*_loads())
    return db.session.scalars(query.order_by(Plan.position, Plan.slug, Plan.version_number)).all()


def draft_of(offering: Offering, slug: str) -> Plan | None:
    """The draft of the plan with this slug, with its charges."""
    query = select(Plan).where(Plan.offering_id == offering.id, Plan.slug == slug, Plan.status == PlanStatus.DRAFT)
    return _plan(query)


def on_sale_after(offering: Offering) -> list[Plan]:
    """What will be on sale once the drafts are published: drafts take the place of their older versions."""
    current = [plan for plan in plans_of(offering) if plan.status is not PlanStatus.RETIRED]
    drafts = {plan.slug for plan in current if plan.status is PlanStatus.DRAFT}
    return [plan for plan in current if plan.status is PlanStatus.DRAFT or plan.slug not in drafts]


def incomplete_plans(offering: Offering) -> list[Missing]:
    """What is missing about plans before the offering can be submitted, as fields `plans` or `plans.<slug>`."""
    plans = on_sale_after(offering)
    if not plans:
        return [Missing("plans", "至少一个套餐", "At least one plan", "plans")]
    return [missing for plan in plans for missing in _incomplete(plan)]


def snapshot(plan: Plan) -> dict[str, Any]:
    """A plan as the audit trail remembers it."""
    return {
        "name": plan.name_zh,
        "trial_days": plan.trial_days,
        "notice_days": plan.notice_days,
        **numbers.snapshot(plan),
        "charges": {charge.slug: dict(charge.terms) | _picked(charge) for charge in plan.charges},
    }


def _picked(charge: Charge) -> dict[str, Any]:
    return {"filter": {charge.filter_property: list(charge.filter_values)}} if charge.filter else {}


def _incomplete(plan: Plan) -> Iterator[Missing]:
    field = f"plans.{plan.slug}"
    if not plan.charges:
        yield Missing(
            field, f"套餐“{plan.name_zh}”的收费项目", f"Charges of the plan “{plan.name_en}”", "plans"
        )
    for charge in plan.charges:
        try:
            rating.parse(charge.terms)
        except rating.InvalidTerms:
            yield Missing(
                field, f"套餐“{plan.name_zh}”里“{charge.name_zh}”的价格",
                f"Price of “{charge.name_en}” in the plan “{plan.name_en}”", "plans",
            )  # fmt: skip


def _check_editable(offering: Offering) -> None:
    if offering.status is OfferingStatus.RETIRED:
        raise Retired
    pending = pending_revision(offering)
    if pending is not None and pending.status not in EDITABLE:
        raise NotEditable


def _next_version(offering: Offering, slug: str, words: Mapping[str, Any], *, at: datetime) -> Plan:
    newest = db.session.scalar(
        select(func.max(Plan.version_number)).where(Plan.offering_id == offering.id, Plan.slug == slug)
    )
    try:
        with db.session.begin_nested():
            plan = Plan(
                offering=offering, slug=slug, version_number=(newest or 0) + 1, status=PlanStatus.DRAFT,
                created_at=at, charges=[], **words,
            )  # fmt: skip
            db.session.add(plan)
    except IntegrityError as error:
        raise PlanChangedMeanwhile from error
    return plan


def _is_last(offering: Offering, plan: Plan) -> bool:
    others = select(func.count()).where(
        Plan.offering_id == offering.id, Plan.status == PlanStatus.PUBLISHED, Plan.id != plan.id, ~Plan.private
    )
    return offering.status is not OfferingStatus.RETIRED and not db.session.scalar(others)


def _word_problems(slug: str, words: Mapping[str, Any]) -> Iterator[Problem]:
    if not SLUG.fullmatch(slug):
        yield Problem("slug", "代号只用小写字母、数字和连字符，最多 60 个，例如 basic。", {})
    for name, message in (("name_zh", "填写套餐的中文名称。"), ("name_en", "填写套餐的英文名称。")):
        if not words[name]:
            yield Problem(name, message, {})
    if not 0 <= words["trial_days"] <= LONGEST_TRIAL:
        yield Problem("trial_days", "试用天数填 0 到 %(most)s，0 表示不试用。", {"most": LONGEST_TRIAL})
    if not LEAST_NOTICE <= words["notice_days"] <= LONGEST_NOTICE:
        yield Problem("notice_days", "改价要提前至少 7 天通知，最多写 365 天。", {})


# --- charges -----------------------------------------------------------------------------


def _charges(
    offering: Offering, rows: Sequence[Mapping[str, Any]], problems: list[Problem]
) -> list[Charge]:
    """The rows as charges; what is wrong is added to `problems`."""
    provider = db.session.get_one(Provider, offering.provider_id)
    meters = {meter.slug: meter for meter in meters_of(provider)}
    if len(rows) > MOST_CHARGES:
        problems.append(Problem("charges", "一个套餐最多 %(most)s 个收费项目。", {"most": MOST_CHARGES}))
    charges = [
        _charge(row, place, provider.tax_rate, meters, problems) for place, row in enumerate(rows[:MOST_CHARGES])
    ]
    slugs = [charge.slug for charge in charges]
    for place, slug in enumerate(slugs):
        if slug in slugs[:place]:
            problems.append(Problem(f"charges.{place}.slug", "前面已有代号为“%(slug)s”的收费项目。", {"slug": slug}))
    return charges


def _charge(
    row: Mapping[str, Any], place: int, tax_rate: str, meters: Mapping[str, Meter], problems: list[Problem]
) -> Charge:
    meter = meters.get(row.get("meter") or "")
    terms = _terms(priced(row.get("terms"), meter), f"charges.{place}", problems)
    interval = str(terms.get("interval", ""))
    charge = Charge(
        slug=row.get("slug") or (meter.slug if meter else f"fee-{interval or 'fixed'}"),
        name_zh=row.get("name_zh") or (meter.name_zh if meter else _FEES_ZH.get(interval, "固定费用")),
        name_en=row.get("name_en") or (meter.name_en if meter else _FEES_EN.get(interval, "Fixed fee")),
        meter=meter,
        terms=terms,
        filter_property=str(row.get("filter_property") or "").strip(),
        filter_values=[value.strip() for value in row.get("filter_values") or () if value.strip()],
        tax_rate=str(row.get("tax_rate") or tax_rate),
        hint_zh=row.get("hint_zh") or "",
        hint_en=row.get("hint_en") or "",
        typical=str(row.get("typical") or "0"),
        typical_count=_count(row, place, problems),
        position=place,
    )
    problems.extend(_charge_problems(charge, row, f"charges.{place}"))
    return charge


_FEES_ZH = {"month": "月费", "year": "年费", "once": "一次性费用"}
_FEES_EN = {"month": "Monthly fee", "year": "Yearly fee", "once": "One-off fee"}


def priced(terms: Any, meter: Meter | None) -> Any:
    """Terms as a meter's usage is priced with them: how it rounds belongs to the price."""
    if meter is None or not isinstance(terms, Mapping) or terms.get("model") == "percentage":
        return terms
    plain = {name: value for name, value in terms.items() if name != "rounding"}
    return plain | ({"rounding": meter.rounding.value} if meter.rounding else {})


def _count(row: Mapping[str, Any], place: int, problems: list[Problem]) -> int:
    typed = str(row.get("typical_count") or "0").strip().replace(",", "")
    if typed.isascii() and typed.isdigit() and len(typed) < 10:
        return int(typed)
    problems.append(Problem(f"charges.{place}.typical_count", "一般每月多少笔，填整数，例如 1200。", {}))
    return 0


def _terms(raw: Any, path: str, problems: list[Problem]) -> dict[str, Any]:
    wrong = rating.problems(raw or {})
    for refusal in wrong:
        field = f"{path}.{refusal.field}" if refusal.field else path
        problems.append(Problem(field, refusal.message, refusal.params))
    if isinstance(raw, Mapping) and raw.get("count"):
        problems.append(Problem(f"{path}.count", "价格里不写数量：卖多少份由订阅决定。", {}))
    return {} if wrong else rating.dump(rating.parse(raw or {}))


def _charge_problems(charge: Charge, row: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not METER_SLUG.fullmatch(charge.slug):
        yield Problem(f"{path}.slug", "代号只用小写字母、数字、下划线和连字符，最多 60 个。", {})
    if row.get("meter") and charge.meter is None:
        yield Problem(f"{path}.meter", "没有名为“%(meter)s”的计量项，请先建立它。", {"meter": str(row["meter"])[:60]})
    elif charge.terms and (charge.terms["model"] == "flat") != (charge.meter is None):
        message = "固定费用不按用量算，不要选计量项。" if charge.meter else "选择按哪个计量项的用量收费。"
        yield Problem(f"{path}.meter", message, {})
    elif charge.meter and charge.terms.get("model") == "percentage" and not _adds_up_money(charge.meter):
        yield Problem(f"{path}.meter", "按比例收费要用把交易金额加起来、不取整的计量项。", {})
    yield from _filter_problems(charge, path)
    if not _RATE.fullmatch(charge.tax_rate) or Decimal(charge.tax_rate) > Decimal("0.5"):
        yield Problem(f"{path}.tax_rate", "税率写成 0.06 的样子，表示 6%。", {})
    try:
        if quantity.parse(charge.typical) < 0:
            yield Problem(f"{path}.typical", "一般用量不能小于 0。", {})
    except Refusal as refusal:
        yield Problem(f"{path}.typical", refusal.message, refusal.params)


def _adds_up_money(meter: Meter) -> bool:
    """Whether a percentage can be taken of what it counts: every event is a transaction and its value the amount."""
    return meter.aggregation is Aggregation.SUM and not meter.rounding


def _filter_problems(charge: Charge, path: str) -> Iterator[Problem]:
    name, chosen = charge.filter_property, charge.filter_values
    if name and (charge.meter is None or name not in charge.meter.dimensions):
        yield Problem(f"{path}.filter_property", "这个计量项不按“%(name)s”分组，不能按它挑选用量。", {"name": name[:60]})
    elif name and not chosen:
        yield Problem(f"{path}.filter_values", "写明只收哪些取值的用量，用逗号隔开。", {})
    elif chosen and not name:
        yield Problem(f"{path}.filter_property", "选择按哪个字段挑选用量。", {})
    elif len(chosen) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in chosen):
        yield Problem(f"{path}.filter_values", "最多 %(most)s 个取值，每个最多 100 个字符。", {"most": MOST_VALUES})
    elif len(set(chosen)) < len(chosen):
        yield Problem(f"{path}.filter_values", "同一个取值只写一次。", {})


def _loads() -> tuple[Any, ...]:
    return (selectinload(Plan.charges).joinedload(Charge.meter),)


def _plan(query: Any) -> Plan | None:
    return db.session.scalar(query.options(selectinload(Plan.charges).joinedload(Charge.meter)))
