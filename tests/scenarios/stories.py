"""A small firm and what it buys, for the scenarios: fixed names, so that bills can be compared word for word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.accounts import Organization, User
from market.catalog import Aggregation, Meter, TimeBase
from market.subscriptions import Subscription
from tests.builders.accounts import a_user, an_organization
from tests.builders.billing import moment
from tests.builders.catalog import a_charge, a_meter, a_plan, a_provider, an_offering, complete_facts
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

CODE = "91440101MA5EXAMPL0"


@dataclass
class Story:
    """The firm, its owner, its backup subscription and that one's meters."""

    organization: Organization
    owner: User
    backup: Subscription
    stored: Meter
    traffic: Meter
    requests: Meter


def a_story(*, started: str = "2026-10-01 10:00", trial_days: int = 0, dimensions: Sequence[str] = ()) -> Story:
    """示例五金制品有限公司 subscribes to 安澜文件备份, standard plan; traffic can be told apart by `dimensions`."""
    owner = a_user(email="owner@example.com", name="示例老板")
    organization = an_organization(name="示例五金制品有限公司", owner=owner)
    organization.uscc = CODE
    seller = a_provider(
        name="示例安澜科技", name_en="Sample Anlan",
        organization=an_organization(name="示例安澜科技（广东）有限公司"),
    )  # fmt: skip
    seller.organization.uscc = "91440101MA5EXAMPL1"
    facts = complete_facts(name_zh="安澜文件备份", name_en="Anlan File Backup")
    offering = an_offering(seller, plans=False, facts=facts)
    plan = a_plan(offering, name_zh="标准版", name_en="Standard", trial_days=trial_days)
    a_charge(plan, {"model": "flat", "interval": "month", "amount": "99.00"}, name_zh="月费", name_en="Monthly fee")
    stored = a_meter(
        seller, "stored", name_zh="备份空间", name_en="Backup space", unit_zh="GB", unit_en="GB",
        aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD,
    )  # fmt: skip
    a_charge(plan, {"model": "per_unit", "unit_price": "0.12", "included": "500"}, meter=stored)
    traffic = a_meter(
        seller, "traffic", name_zh="外网流量", name_en="Download traffic", unit_zh="GB", unit_en="GB", dimensions=list(dimensions)
    )
    a_charge(plan, {"model": "per_unit", "unit_price": "0.50", "included": "200"}, meter=traffic)
    requests = a_meter(
        seller, "requests", name_zh="访问次数", name_en="Requests", unit_zh="万次", unit_en="×10,000 requests", unit_size=10_000
    )
    tiers = [{"up_to": "50", "unit_price": "0.10"}, {"up_to": None, "unit_price": "0.08"}]
    a_charge(plan, {"model": "graduated", "included": "100", "tiers": tiers}, meter=requests)
    backup = a_subscription(plan, organization=organization, user=owner, started_at=moment(started))
    return Story(organization, owner, backup, stored, traffic, requests)


def a_usual_october(story: Story) -> None:
    """800 GB from the 2nd on, 365 GB of traffic, 1,816,720 requests."""
    report(story.backup, story.stored, "800", at=moment("2026-10-02 00:00"))
    for day, gigabytes in ((5, "120.5"), (12, "200"), (31, "44.5")):
        report(story.backup, story.traffic, gigabytes, at=moment(f"2026-10-{day:02} 23:59"))
    report(story.backup, story.requests, "1816720", at=moment("2026-10-20 12:00"))
