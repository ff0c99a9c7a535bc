"""Why did it rise, and the first event: two of the tasks that newcomers have to manage alone, click by click."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable

import pytest

from market import db
from market.accounts.models import OrganizationKind
from tests.builders.accounts import a_member, a_user, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story, a_usual_october
from tests.support.clock import FakeClock
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def november(database: None, clock: FakeClock) -> Story:
    """It is 12 November: more traffic than in October, most of it on the 8th."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        an_issued_bill(story.organization, OCTOBER)
        for day in (2, 4, 6, 8, 10):
            report(story.backup, story.traffic, 400 if day == 8 else 40, at=moment(f"2026-11-{day:02} 12:00"))
    clock.set(moment("2026-11-12 12:00"))
    return story


def test_why_did_my_bill_rise(walker: Callable[..., Walker], november: Story) -> None:
    """Task 7: one click from the console to the cause; one more to the hours of the day that did it."""
    owner = walker(width=390).sign_in(november.owner.email, path="/console/").at("/console/")
    owner.click("用量与费用").heading("用量与费用")
    owner.see("前 11 天比 2026年10月同期多 ¥180.00", "主要原因：外网流量多用了 439.5 GB", "其中 11月8日 一天用了 400 GB")
    assert len(owner.clicks) <= 1
    owner.click("看那一天的明细").see("11月8日 每小时", within="#rhythm").see("400", within="#rhythm tbody tr:has-text('12:00')")
    assert len(owner.clicks) <= 2
    narrowed(owner)
    taken_home(owner)


def narrowed(owner: Walker) -> None:
    """Choosing a meter is enough where scripts run; the button does it elsewhere."""
    owner.at("/console/usage/").choose("看哪一项", "外网流量")
    if not owner.script:
        owner.click("查看", within="main form")
    owner.address("of=sub_").see("合计（含税）¥180.00").click("看全部服务").see("合计（含税）¥279.00")


def taken_home(owner: Walker) -> None:
    """Task 15: what is shown, as a file, in one click."""
    with owner.page.expect_download() as started:
        owner.click("下载明细")
    written = started.value.path().read_text(encoding="utf-8-sig")
    assert "\n2026-11-08,160.00,400," in written.replace("\r", "")


@pytest.fixture
def seller(database: None, clock: FakeClock) -> str:
    """A provider with a meter and one customer, and nothing reported yet."""
    with db.transaction():
        organization = an_organization(kind=OrganizationKind.PROVIDER, name="示例云备份公司")
        person = a_member(organization, user=a_user(email="seller@example.com"))
        offering = an_offering(a_provider(organization=organization), plans=False)
        a_subscription(a_plan(offering, per_unit="0.50", meter="storage"), started_at=moment("2026-11-02 10:00"))
        return person.email


def test_the_first_event_of_a_provider(walker: Callable[..., Walker], seller: str) -> None:
    """Task 18: four clicks to an accepted test event, which is the sample as it stands on the page."""
    vendor = walker().sign_in(seller, path="/vendor/").at("/vendor/")
    vendor.click("接口密钥", within=".side").click("新建密钥", within="main").write("用在哪里", "计量程序").click("新建密钥", within="main form")
    secret = vendor.page.locator("[data-copy-text]").first.text_content() or ""
    vendor.click("上报第一条用量").heading("上报第一条事件").see("正在等第一条计入的事件")
    assert len(vendor.clicks) <= 4
    assert '"accepted"' in sent(vendor, secret)
    vendor.click("正式，会计费")
    assert '"accepted"' in sent(vendor, secret)
    if not vendor.script:
        vendor.click("刷新", within="main")
    vendor.see("已收到第一条事件").click("看事件记录").see("example.storage")
    assert len(vendor.clicks) <= 7


def sent(vendor: Walker, secret: str) -> str:
    """The sample run as it would be pasted into a terminal, with the key filled in; what is answered."""
    command = vendor.page.locator(".copy code").text_content() or ""
    origin = re.match(r"https?://[^/]+", vendor.page.url)
    assert origin
    pasted = re.sub(r"https?://[^/]+/api", f"{origin[0]}/api", re.sub(r"Bearer [^']*…", f"Bearer {secret}", command))
    return subprocess.run(shlex.split(pasted.replace("\\\n", " ")), capture_output=True, text=True, check=True, timeout=30).stdout
