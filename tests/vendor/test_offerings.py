"""Listing an offering through the pages: from a name to the review, and what is refused on the way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market import audit, catalog, db
from market.accounts.models import OrganizationKind, Role
from market.catalog.models import Offering, OfferingStatus, PlanStatus, RevisionStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_administrator, an_organization
from tests.builders.catalog import a_category, a_meter, a_provider, an_offering

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BASICS = {
    "name_zh": "示例云备份", "name_en": "Sample Backup", "tagline_zh": "每天自动备份一份", "tagline_en": "A copy every day",
    "description_zh": "把电脑里的文件每天备份。", "description_en": "Backs up your files every day.",
    "subcategory": "backup", "service_layer": "saas",
}  # fmt: skip
BENEFITS = {
    "benefits_zh": "误删能找回\n电脑坏了能恢复\n不用管", "benefits_en": "Files back\nRecover a computer\nNothing to do",
    "not_for_zh": "需要实时同步", "not_for_en": "Live synchronization",
    "start_steps_zh": "订阅\n装客户端\n选文件夹", "start_steps_en": "Subscribe\nInstall\nChoose folders",
    "deadline_setup_zh": "约 2 分钟", "deadline_setup_en": "About 2 minutes",
    "faq-0-question_zh": "断网怎么办？", "faq-0-question_en": "No network?",
    "faq-0-answer_zh": "联网后自动补上。", "faq-0-answer_en": "It catches up.",
}  # fmt: skip
REST = {
    "promises": {"availability": "99.9%", "availability_credit_zh": "退当月费用的 10%", "availability_credit_en": "10% back"},
    "compliance": {
        "data_location": ["cn"], "cross_border": "none", "certificates-0-type": "djbh3",
        "certificates-0-number": "示例-0001", "certificates-0-valid_until": "2028-06-30",
    },
    "support": {
        "support_hours_zh": "每天 8:00–22:00", "support_hours_en": "Every day 8:00–22:00",
        "support_channels": ["phone"], "fapiao": ["special"], "payment_methods": ["bank_transfer"],
    },
    "exit": {
        "export_format_zh": "原文件打包下载", "export_format_en": "A download", "export_days": "30", "deletion_days": "90",
        "exit_fee": "¥0",
    },
}  # fmt: skip
PLAN = {
    "name_zh": "基础版", "name_en": "Basic", "slug": "basic", "trial_days": "14", "charges-0-amount": "99.00",
}  # fmt: skip


@pytest.fixture
def seller(database):
    """A provider with a person of each kind, a meter, and the categories."""
    with db.transaction():
        provider = a_provider(name="示例服务商")
        for role in (Role.OWNER, Role.DEVELOPER):
            a_member(provider.organization, role, user=a_user(email=f"{role}@example.com"))
        a_category("backup", parent="storage")
        a_meter(provider, "storage_gb", name_zh="占用空间", name_en="Space", unit_zh="GB", unit_en="GB")
        return provider


@pytest.fixture
def vendor(seller, client):
    client.sign_in("owner@example.com", PASSWORD)
    return client


def made(vendor, **changes):
    """A new offering through its form."""
    page = vendor.page("/vendor/offerings/new")
    values = {"name_zh": "示例云备份", "name_en": "Sample Backup", "category_slug": "storage", "slug": "sample-backup"}
    return page.submit(**(values | changes))


def stored(seller) -> Offering:
    """The only offering, read afresh."""
    (offering,) = catalog.offerings_of(seller)
    return offering


def filled(vendor) -> str:
    """A new offering with all facts, through its forms; its address."""
    home = made(vendor).path
    sections = {"basics": BASICS, "benefits": BENEFITS} | REST
    for section, values in sections.items():
        page = vendor.page(f"{home}/facts/{section}").submit(button="保存这一部分", **values)
        assert page.path == home, page.text[:600]
    return home


def test_the_whole_path_from_a_name_to_the_review(vendor, seller):
    home = filled(vendor)
    page = vendor.page(home)
    assert "至少一个套餐" in page.text and "还差 1 项必填" in page.text

    page = vendor.page(f"{home}/plans/").follow("新建套餐")
    page = page.submit(button="添加收费项目", new_kind="graduated", **PLAN)
    page = page.submit(button="重新算示例账单", **{
        "charges-1-meter": "storage_gb", "charges-1-included": "100", "charges-1-typical": "350",
        "charges-1-tiers-0-up_to": "200", "charges-1-tiers-0-unit_price": "0.50", "charges-1-tiers-1-unit_price": "0.30",
    })  # fmt: skip
    assert "¥214.00" in page.text, "99 + 200 × 0.50 + 50 × 0.30"
    page = page.submit(button="保存套餐")
    assert page.path.endswith("/plans/") and "¥214.00" in page.text

    preview = vendor.page(f"/preview/{home.rpartition('/')[2]}", query_string={"storage_gb": "400"})
    assert "这是预览" in preview.text and "示例云备份" in preview.text and "¥229.00" in preview.text

    page = vendor.page(home)
    assert "必填都填好了" in page.text
    page = page.submit("/submit")
    assert "等待审核" in page.text and "排在第 1 位" in page.text
    with db.transaction(readonly=True):
        revision = stored(seller).revisions[-1]
        assert revision.status is RevisionStatus.SUBMITTED
        assert revision.facts["faq"][0]["question_zh"] == "断网怎么办？"
        assert revision.facts["certificates"] == [{"type": "djbh3", "number": "示例-0001", "valid_until": "2028-06-30"}]
        assert revision.facts["availability"] == "99.9" and revision.facts["exit_fee"] == "0"
    assert vendor.get(f"{home}/facts/basics").status_code == 409
    assert "不能改套餐" in vendor.page(f"{home}/plans/").text
    assert vendor.get(f"{home}/plans/basic").status_code == 409


def test_what_is_missing_is_listed_with_links_when_submitted_too_early(vendor, seller):
    page = made(vendor).submit("/submit")
    assert page.status == 422
    assert "还不能提交" in page.text and "退出费用（元）" in page.text
    assert page.link("数据存放地").endswith("/facts/compliance#data_location-box")
    with db.transaction(readonly=True):
        assert stored(seller).revisions[-1].status is RevisionStatus.DRAFT


@pytest.mark.every_database
def test_a_double_click_makes_one_offering(vendor):
    first, second = made(vendor), made(vendor)
    assert first.path == second.path != "/vendor/offerings/new"


def test_a_foreign_address_is_refused_and_what_was_typed_stays(vendor):
    with db.transaction():
        an_offering(slug="taken")
    page = made(vendor, slug="taken", name_zh="别的名字")
    assert page.status == 422 and "已有服务用了这个网址名" in page.text and "别的名字" in page.html


def test_an_address_with_capitals_is_refused_at_its_field(vendor):
    page = made(vendor, slug="Sample Backup!")
    assert page.status == 422 and page.one("input", id="slug").get("aria-invalid") == "true"


def test_a_draft_may_be_incomplete_but_must_be_readable(vendor):
    home = made(vendor).path
    page = vendor.page(f"{home}/facts/exit").submit(button="保存这一部分", export_days="三十", exit_fee="12.345")
    assert page.status == 422
    assert "这里填整数" in page.text and page.one("input", id="export_days").get("value") == "三十"
    assert page.one("input", id="exit_fee").get("aria-invalid") == "true"
    assert vendor.page(f"{home}/facts/exit").submit(button="保存这一部分", export_days="30").path == home


def test_rows_can_be_added_and_errors_stand_at_the_right_row(vendor):
    home = made(vendor).path
    page = vendor.page(f"{home}/facts/compliance")
    page = page.submit(button="添加一行", **{"certificates-0-number": "甲-1"})
    assert page.status == 200 and page.one("input", id="certificates-0-number").get("value") == "甲-1"
    page = page.submit(button="保存这一部分", **{
        "certificates-0-number": "", "certificates-1-type": "icp", "certificates-1-number": "乙-2",
        "certificates-1-valid_until": "明年",
    })  # fmt: skip
    assert page.status == 422
    assert page.one("input", id="certificates-1-valid_until").get("aria-invalid") == "true"


def test_a_returned_revision_shows_the_reason_and_the_comment_at_its_field(vendor, seller):
    with db.transaction():
        offering = an_offering(seller, status=OfferingStatus.UNLISTED)
        admin = an_administrator()
        by = audit.Actor("user", admin.id, admin.name, None, "")
        revision = offering.revisions[0]
        catalog.submit(revision, by=by, at=NOW)
        catalog.claim(revision, reviewer=admin, by=by, at=NOW)
        catalog.comment(revision, field="tagline_zh", text="请写客户得到什么", by=by, at=NOW)
        catalog.send_back(revision, reason="一句话好处太空。", by=by, at=NOW)
        id = offering.id
    page = vendor.page(f"/vendor/offerings/{id}")
    assert "待修改" in page.text and "一句话好处太空。" in page.text and "1 条审核意见" in page.text
    page = vendor.page(f"/vendor/offerings/{id}/facts/basics")
    assert "请写客户得到什么" in page.text


def test_a_live_offering_is_changed_beside_itself(vendor, seller):
    with db.transaction():
        id = an_offering(seller).id
    page = vendor.page(f"/vendor/offerings/{id}")
    assert vendor.get(f"/vendor/offerings/{id}/facts/basics").status_code == 409
    page = page.submit("/revise")
    page = vendor.page(f"/vendor/offerings/{id}/facts/basics").submit(button="保存这一部分", tagline_zh="每小时备份一份")
    assert "和已发布的不同：1 项" in page.text and "每小时备份一份" in page.text
    page = vendor.page(f"/vendor/offerings/{id}/plans/basic")
    assert "在售的第 1 版不会变" in page.text
    page = page.submit(button="保存套餐", **{"charges-0-unit_price": "0.02"})
    assert "审核通过后替换在售的第 1 版" in page.text
    with db.transaction(readonly=True):
        assert [plan.status for plan in catalog.offering_of(seller, id).plans] == [PlanStatus.PUBLISHED, PlanStatus.DRAFT]


def test_a_new_price_starts_a_revision_by_itself(vendor, seller):
    with db.transaction():
        id = an_offering(seller).id
    vendor.page(f"/vendor/offerings/{id}/plans/basic").submit(button="保存套餐", **{"charges-0-unit_price": "0.02"})
    assert "提交给平台审核" in vendor.page(f"/vendor/offerings/{id}").text


def test_suspending_and_retiring_say_what_happens_and_need_a_reason(vendor, seller):
    with db.transaction():
        id = an_offering(seller).id
    page = vendor.page(f"/vendor/offerings/{id}/suspend")
    assert "可以随时恢复" in page.text
    assert page.submit(reason=" ").status == 422
    page = vendor.page(f"/vendor/offerings/{id}/suspend").submit(reason="机房搬迁")
    assert "服务已暂停" in page.text
    page = page.submit("/reinstate")
    assert "服务已恢复" in page.text
    page = vendor.page(f"/vendor/offerings/{id}/retire").submit(reason="不做了")
    assert "服务已下架" in page.text
    assert vendor.get(f"/vendor/offerings/{id}/plans/new").status_code == 409


@pytest.mark.every_database
def test_the_way_of_setting_up_is_changed_at_once(vendor, seller):
    with db.transaction():
        id = an_offering(seller).id
    page = vendor.page(f"/vendor/offerings/{id}/provisioning").submit(provisioning="webhook")
    assert "开通方式已保存" in page.text and "系统开通" in page.text


@pytest.mark.every_database
@pytest.mark.parametrize("path", ["", "/facts/basics", "/plans/", "/plans/new", "/plans/basic", "/suspend", "/provisioning"])
def test_a_strangers_offering_does_not_exist(vendor, path):
    with db.transaction():
        id = an_offering().id
    assert vendor.get(f"/vendor/offerings/{id}{path}").status_code == 404
    assert vendor.get(f"/preview/{id}").status_code == 404


def test_roles_without_the_right_read_but_do_not_write(seller, client):
    with db.transaction():
        id = an_offering(seller, status=OfferingStatus.UNLISTED).id
    client.sign_in("developer@example.com", PASSWORD)
    assert "提交给平台审核" not in client.page(f"/vendor/offerings/{id}").text
    assert client.page(f"/vendor/offerings/{id}/plans/").status == 200
    for path in ("facts/basics", "plans/new", "plans/basic", "retire", "provisioning"):
        assert client.get(f"/vendor/offerings/{id}/{path}").status_code == 403, path
    assert client.get("/vendor/offerings/new").status_code == 403


def test_a_buyer_may_not_see_a_preview(seller, client):
    with db.transaction():
        id = an_offering(seller, status=OfferingStatus.UNLISTED).id
        a_member(an_organization(kind=OrganizationKind.BUYER), user=a_user(email="buyer@example.com"))
    assert client.get(f"/preview/{id}").status_code == 303
    client.sign_in("buyer@example.com", PASSWORD)
    assert client.get(f"/preview/{id}").status_code == 403


def test_the_list_without_offerings_says_what_to_do(vendor):
    page = vendor.page("/vendor/offerings/")
    assert "还没有服务" in page.text and page.follow("新建一项服务").heading == "新建一项服务"
