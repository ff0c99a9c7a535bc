"""The start page, the profile, the webhook address and the trail of a provider."""

from __future__ import annotations

import pytest

from market import db, providers
from market.accounts.models import Role
from market.catalog.models import OfferingStatus
from market.providers.models import ProviderStatus
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.catalog import a_licence, a_provider, an_offering


@pytest.fixture
def seller(database):
    """A provider with a licence and a person of each kind."""
    with db.transaction():
        provider = a_provider(name="示例服务商", summary_zh="做备份的")
        a_licence(provider, number="粤B2-示例")
        for role in (Role.OWNER, Role.PRODUCT, Role.FINANCE, Role.DEVELOPER):
            a_member(provider.organization, role, user=a_user(email=f"{role}@example.com"))
        return provider


@pytest.fixture
def vendor(seller, client):
    client.sign_in("owner@example.com", PASSWORD)
    return client


def test_a_new_provider_sees_what_to_do_first(vendor):
    page = vendor.page("/vendor/")
    assert "从入驻到出账" in page.text and "还没有服务" in page.text
    assert page.follow("新建一项服务").heading == "新建一项服务"


def test_the_start_page_says_where_reviews_stand(vendor, seller):
    with db.transaction():
        an_offering(seller, status=OfferingStatus.UNLISTED)
    page = vendor.page("/vendor/")
    assert "都填好了，可以提交审核" in page.text and page.follow("示例云备份").heading == "示例云备份"


def test_a_provider_that_waits_is_told_so(client):
    with db.transaction():
        provider = a_provider(status=ProviderStatus.APPLIED)
        a_member(provider.organization, user=a_user(email="new@example.com"))
    client.sign_in("new@example.com", PASSWORD)
    assert "入驻审核中" in client.page("/vendor/").text


@pytest.mark.every_database
def test_the_profile_is_changed_at_once_and_recorded(vendor, seller):
    page = vendor.page("/vendor/profile/")
    assert "粤B2-示例" in page.text and "做备份的" in page.text
    page = page.follow("修改资料").submit(summary_zh="做备份，也做恢复", phone="000-0000-0001", website="https://example.com")
    assert "做备份，也做恢复" in page.text and "已保存" in page.text
    assert "修改了服务商资料" in vendor.page("/vendor/activity/?about=provider").text


def test_a_profile_without_a_name_or_with_an_unreadable_website_is_refused(vendor):
    page = vendor.page("/vendor/profile/edit").submit(name_en="", website="example")
    assert page.status == 422 and page.one("input", id="website").get("value") == "example"
    page = vendor.page("/vendor/profile/edit").submit(website="example")
    assert page.status == 422 and page.one("input", id="website").get("aria-invalid") == "true"


@pytest.mark.every_database
def test_the_signing_secret_is_shown_once(vendor, seller):
    page = vendor.page("/vendor/webhooks/").submit("/webhooks/", webhook_url="https://example.com/hook")
    assert "只显示这一次" in page.text and "no-store" in page.response.headers["Cache-Control"]
    with db.transaction(readonly=True):
        secret = providers.webhook_secret(providers.provider_by_id(seller.id))
    assert secret in page.html and secret not in vendor.page("/vendor/webhooks/").html
    page = vendor.page("/vendor/webhooks/").submit("/rotate")
    assert "只显示这一次" in page.text and secret not in page.html


def test_an_unsafe_address_is_refused_and_stays_typed(vendor):
    page = vendor.page("/vendor/webhooks/").submit("/webhooks/", webhook_url="http://example.com/hook")
    assert page.status == 422 and page.one("input", id="webhook_url").get("value") == "http://example.com/hook"


def test_an_empty_address_goes_back_to_setting_up_by_hand(vendor):
    vendor.page("/vendor/webhooks/").submit("/webhooks/", webhook_url="https://example.com/hook")
    page = vendor.page("/vendor/webhooks/").submit("/webhooks/", webhook_url="")
    assert "新订单改为人工开通" in page.text and "换一个新密钥" not in page.text


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("developer", "/vendor/webhooks/", 200),
        ("developer", "/vendor/profile/edit", 403),
        ("product", "/vendor/webhooks/", 403),
        ("product", "/vendor/profile/edit", 200),
        ("finance", "/vendor/", 200),
        ("finance", "/vendor/profile/", 200),
        ("finance", "/vendor/activity/", 403),
    ],
)
def test_each_role_sees_its_pages(seller, client, role, path, status):
    client.sign_in(f"{role}@example.com", PASSWORD)
    assert client.get(path).status_code == status


@pytest.mark.every_database
def test_the_trail_is_narrowed_and_links_to_what_it_is_about(vendor, seller):
    values = {"name_zh": "示例", "name_en": "Sample", "category_slug": "storage", "slug": "a-b"}
    with db.transaction():
        an_offering(seller)
    vendor.page("/vendor/offerings/new").submit(**values)
    page = vendor.page("/vendor/activity/?about=offering")
    assert page.follow("示例").heading == "示例"
    assert "没有符合条件的记录" in vendor.page("/vendor/activity/?about=meter").text
