"""Providers, meters, offerings and plans for tests.

    a_plan(per_unit="0.01", meter="api_calls")          a live offering of an approved provider, one charge
    a_plan(monthly="99.00", per_unit="0.50", meter="storage", included="200")
    an_offering(status=OfferingStatus.UNLISTED)         a draft revision and a draft plan, ready to submit
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import select

from market import audit, catalog, db
from market.accounts.models import Organization, OrganizationKind
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
from market.providers.models import Licence, Provider, ProviderStatus
from tests.builders.accounts import EARLY, _added, _waiting, an_organization, together

_numbers = count(1)


@together()
def a_category(slug: str = "storage", *, parent: str | None = None) -> Category:
    """A category; the same one when asked again."""
    if parent is not None:
        a_category(parent)
    with db.session.no_autoflush:
        known = _waiting(Category, slug=slug) or db.session.get(Category, slug)
    return known or _added(
        Category(slug=slug, parent_slug=parent, name_zh=f"示例类别 {slug}", name_en=f"Sample {slug}",
                 icon="database", tile="t1", position=len(slug))
    )  # fmt: skip


@together()
def a_provider(
    *, organization: Organization | None = None, status: ProviderStatus = ProviderStatus.APPROVED, name: str = "", **columns: Any
) -> Provider:
    """A provider with an organization of its own; other columns by name."""
    number = next(_numbers)
    name = name or f"示例服务商{number}"
    organization = organization or an_organization(kind=OrganizationKind.PROVIDER, name=name)
    columns = {"slug": f"provider-{number}", "name_en": f"Sample Provider {number}", "verified_at": EARLY} | columns
    return _added(Provider(organization=organization, licences=[], status=status, name_zh=name, **columns))


def a_licence(provider: Provider, **columns: Any) -> Licence:
    """A licence of a provider."""
    defaults = {"kind": "icp", "name_zh": "增值电信业务经营许可证", "name_en": "Value-added telecom licence",
                "number": f"粤B2-{next(_numbers):08d}", "valid_until": None, "checked_at": EARLY}  # fmt: skip
    return _added(Licence(provider=provider, **(defaults | columns)))


def a_meter(
    provider: Provider,
    slug: str = "api_calls",
    *,
    aggregation: Aggregation = Aggregation.SUM,
    time_base: TimeBase = TimeBase.NONE,
    unit_size: int = 1,
    **columns: Any,
) -> Meter:
    """A provider's meter of this name; the same one when asked again."""
    known = _waiting(Meter, provider=provider, slug=slug)
    if known is None and provider.id is not None:
        with db.session.no_autoflush:
            known = db.session.scalar(select(Meter).where(Meter.provider_id == provider.id, Meter.slug == slug))
    if known is not None:
        return known
    defaults = {
        "name_zh": "调用次数", "name_en": "Calls", "event_type": f"example.{slug}", "unit_zh": "次", "unit_en": "calls",
        "value_property": "" if aggregation is Aggregation.COUNT else "value", "created_at": EARLY,
    }  # fmt: skip
    return _added(
        Meter(provider=provider, slug=slug, aggregation=aggregation, time_base=time_base,
              unit_size=unit_size, **(defaults | columns))
    )  # fmt: skip


def complete_facts(**changes: Any) -> dict[str, Any]:
    """Facts that can be submitted, with these differences."""
    return {
        "name_zh": "示例云备份", "name_en": "Sample Backup",
        "tagline_zh": "每天自动备份一份", "tagline_en": "A copy every day",
        "description_zh": "把电脑里的文件每天自动备份到云上。", "description_en": "Backs up the files on your computers every day.",
        "subcategory": "backup", "service_layer": "saas", "sectors": [],
        "benefits_zh": ["误删能找回", "电脑坏了能恢复", "不用管"],
        "benefits_en": ["Get deleted files back", "Recover a broken computer", "Nothing to look after"],
        "not_for_zh": ["需要实时同步"], "not_for_en": ["Live synchronization"],
        "start_steps_zh": ["订阅", "装客户端", "选文件夹"], "start_steps_en": ["Subscribe", "Install", "Choose folders"],
        "deadline_setup_zh": "约 2 分钟", "deadline_setup_en": "About 2 minutes",
        "faq": [], "availability": "99.9",
        "availability_credit_zh": "低于承诺退当月费用的 10%", "availability_credit_en": "10% of the month's fee back",
        "data_location": ["440100"], "data_location_note_zh": "", "data_location_note_en": "",
        "cross_border": "none", "cross_border_note_zh": "", "cross_border_note_en": "",
        "certificates": [{"type": "djbh3", "number": "示例-0001", "valid_until": "2028-06-30"}],
        "support_hours_zh": "每天 8:00–22:00", "support_hours_en": "Every day 8:00–22:00",
        "support_channels": ["phone"], "fapiao": ["special"], "payment_methods": ["bank_transfer"],
        "export_format_zh": "原文件打包下载", "export_format_en": "A download of the original files",
        "export_days": 30, "deletion_days": 90, "exit_fee": "0",
    } | changes  # fmt: skip


@together()
def an_offering(
    provider: Provider | None = None,
    *,
    slug: str = "",
    category: str = "storage",
    status: OfferingStatus = OfferingStatus.LIVE,
    provisioning: Provisioning = Provisioning.MANUAL,
    facts: dict[str, Any] | None = None,
    plans: bool = True,
) -> Offering:
    """An offering with one revision and, unless told otherwise, one plan.

    Live ones (and suspended, retired) have them published; an unlisted one has drafts.
    """
    provider = provider or a_provider()
    a_category("backup", parent=category)
    listed = status is not OfferingStatus.UNLISTED
    offering = _added(
        Offering(provider=provider, slug=slug or f"offering-{next(_numbers)}", category=a_category(category),
                 status=status, revisions=[], plans=[], provisioning=provisioning, created_at=EARLY, listed_at=EARLY if listed else None)
    )  # fmt: skip
    _added(
        OfferingRevision(
            offering=offering, comments=[], number=1, facts=facts or complete_facts(), created_at=EARLY, changed_at=EARLY,
            status=RevisionStatus.PUBLISHED if listed else RevisionStatus.DRAFT, published_at=EARLY if listed else None,
        )
    )  # fmt: skip
    if plans:
        a_plan(offering, per_unit="0.01", status=PlanStatus.PUBLISHED if listed else PlanStatus.DRAFT)
    return offering


@together()
def a_plan(
    offering: Offering | None = None,
    *,
    slug: str = "basic",
    status: PlanStatus = PlanStatus.PUBLISHED,
    monthly: str | None = None,
    yearly: str | None = None,
    once: str | None = None,
    per_unit: str | None = None,
    package: tuple[str, str] | None = None,
    graduated: Sequence[tuple[str | None, str]] | None = None,
    volume: Sequence[tuple[str | None, str]] | None = None,
    included: str = "0",
    meter: str | Meter = "api_calls",
    **columns: Any,
) -> Plan:
    """A plan, by default published, with a charge for every price given.

    `package` is (size, price); tiers are (up_to, unit price), the last with None. Usage charges share
    `included` and `meter` (a slug makes a sum meter); give further ones with `a_charge`.
    """
    offering = offering or an_offering(plans=False)
    published = status is not PlanStatus.DRAFT
    defaults = {
        "name_zh": "基础版", "name_en": "Basic", "version_number": 1, "created_at": EARLY,
        "published_at": EARLY if published else None, "retired_at": EARLY if status is PlanStatus.RETIRED else None,
    }  # fmt: skip
    plan = _added(Plan(offering=offering, charges=[], slug=slug, status=status, **(defaults | columns)))
    for interval, amount in (("month", monthly), ("year", yearly), ("once", once)):
        if amount is not None:
            a_charge(plan, {"model": "flat", "interval": interval, "amount": amount}, slug=f"fee-{interval}")
    usage: dict[str, dict[str, Any]] = {}
    if per_unit is not None:
        usage["per_unit"] = {"unit_price": per_unit}
    if package is not None:
        usage["package"] = {"package_size": package[0], "package_price": package[1]}
    for model, tiers in (("graduated", graduated), ("volume", volume)):
        if tiers is not None:
            usage[model] = {"tiers": [{"up_to": up_to, "unit_price": price, "flat": "0"} for up_to, price in tiers]}
    for model, terms in usage.items():
        a_charge(plan, {"model": model, "included": included, **terms}, meter=meter)
    return plan


@together()
def a_charge(plan: Plan, terms: dict[str, Any], *, meter: str | Meter | None = None, slug: str = "", **columns: Any) -> Charge:
    """One more priced line of a plan; a meter's slug makes a sum meter of the plan's provider."""
    if isinstance(meter, str):
        meter = a_meter(plan.offering.provider, meter)
    defaults = {
        "slug": slug or f"{meter.slug if meter else 'fee'}-{terms['model']}".replace("_", "-"),
        "name_zh": meter.name_zh if meter else "固定费用", "name_en": meter.name_en if meter else "Fixed fee",
        "tax_rate": "0.06", "typical": "0", "position": len(plan.charges),
    }  # fmt: skip
    return _added(Charge(plan=plan, meter=meter, terms=terms, **(defaults | columns)))


def a_private_plan(
    base: Plan, firms: Sequence[Organization], *, monthly: str = "79.00", trial_days: int = 0, key: str = "", name: str = "商定版"
) -> Plan:
    """What was agreed on with these firms: the base's usage charges and another monthly fee, by the real verb."""
    usage = [
        {"terms": charge.terms, "slug": charge.slug, "meter": charge.meter.slug, "typical": charge.typical}
        for charge in base.charges
        if charge.meter is not None
    ]
    fee = {"terms": {"model": "flat", "interval": "month", "amount": monthly}, "slug": "fee-month"}
    names = ("unit_zh", "unit_en", "minimum", "maximum", "step")
    numbers = {name: getattr(base, f"quantity_{name}") for name in names} if base.quantity_unit_zh else None
    return catalog.agree(
        base, key=key or f"agreed-{next(_numbers)}", name_zh=name, name_en="Agreed", summary_zh="", summary_en="",
        trial_days=trial_days, charges=[fee, *usage], quantity=numbers, firms=firms, by=audit.system("test"), at=EARLY,
    )  # fmt: skip
