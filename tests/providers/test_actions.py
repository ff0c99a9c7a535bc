"""Taking providers in, and where their systems listen."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta

import pytest

from market import audit, providers
from market.errors import NotFound
from market.kit.lifecycle import IllegalMove
from market.providers import ProviderStatus
from market.providers.models import LIFECYCLE
from tests.builders.accounts import an_organization
from tests.builders.catalog import a_licence, a_provider

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")
TODAY = date(2026, 11, 20)


def test_a_provider_applies_and_is_taken_in(session):
    provider = providers.apply(an_organization(), slug="p", name_zh="示例", name_en="Sample", by=BY, at=AT)
    with pytest.raises(NotFound):
        providers.provider_by_slug("p")
    providers.approve(provider, by=BY, at=AT)
    assert provider.verified_at == AT
    assert providers.provider_by_slug("p") is provider


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        (providers.refuse, ProviderStatus.APPLIED, ProviderStatus.REFUSED),
        (providers.suspend, ProviderStatus.APPROVED, ProviderStatus.SUSPENDED),
    ],
)
def test_a_no_has_a_reason_and_is_announced(session, verb, before, after):
    provider, said = a_provider(status=before), []
    with pytest.raises(providers.ReasonMissing):
        verb(provider, reason="", by=BY, at=AT)
    with providers.provider_changed.connected_to(lambda sender, **_: said.append(sender)):
        verb(provider, reason="许可证过期", by=BY, at=AT)
    assert provider.status is after
    assert said == [provider]
    assert audit.history(provider)[0].reason == "许可证过期"


def test_the_second_of_two_decisions_meets_the_first(session):
    provider = a_provider(status=ProviderStatus.APPLIED)
    providers.approve(provider, by=BY, at=AT)
    with pytest.raises(IllegalMove):
        providers.refuse(provider, reason="x", by=BY, at=AT)


def test_a_webhook_secret_is_shown_once_and_stored_encrypted(session):
    provider = a_provider()
    secret = providers.set_webhook(provider, " https://example.com/hook ", by=BY, at=AT)
    assert provider.webhook_url == "https://example.com/hook"
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret not in provider.webhook_secret
    assert providers.webhook_secret(provider) == secret
    assert providers.set_webhook(provider, "https://example.com/other", by=BY, at=AT) == ""
    assert secret not in str([(entry.before, entry.after) for entry in audit.history(provider)])


def test_a_new_secret_replaces_the_old_one(session):
    provider = a_provider()
    with pytest.raises(providers.NoWebhook):
        providers.rotate_secret(provider, by=BY, at=AT)
    first = providers.set_webhook(provider, "https://example.com/hook", by=BY, at=AT)
    second = providers.rotate_secret(provider, by=BY, at=AT)
    assert first != second == providers.webhook_secret(provider)


def test_without_an_address_there_is_no_secret(session):
    provider = a_provider()
    providers.set_webhook(provider, "https://example.com/hook", by=BY, at=AT)
    providers.set_webhook(provider, "", by=BY, at=AT)
    assert (provider.webhook_url, providers.webhook_secret(provider)) == ("", "")


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook", "https://example.com:8443/a?b=c", "https://8.8.8.8/x", "https://[2606:4700::1]/x"],
)
def test_public_addresses_are_allowed_with_https(url):
    assert providers.checked_url(url, allow_private=False) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "http://localhost:9000", "http://10.1.2.3/x", "http://[::1]/x"])
def test_private_addresses_are_allowed_only_where_the_settings_say_so(url):
    assert providers.checked_url(url, allow_private=True) == url
    with pytest.raises(providers.WebhookUrlInvalid):
        providers.checked_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "example.com", "ftp://example.com", "http://example.com/x", "https://", "https://u:p@example.com/", "http://169.254.169.254.example.com/",
        "https://example.com/#x", "https://example.com:99999/", "https://exa mple.com/", "https://例子.com/", "https://[::1",
        "https://example.com/" + "x" * 500, "javascript:alert(1)", "https://example.com/\n", "http://0.0.0.0.example.com",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(url):
    with pytest.raises(providers.WebhookUrlInvalid):
        providers.checked_url(url if url != "https://example.com/\n" else "https://exam\nple.com/", allow_private=True)


@pytest.mark.parametrize(
    ("days", "checked", "state"),
    [(-1, AT, "expired"), (0, AT, "expiring"), (59, AT, "expiring"), (60, AT, "valid"), (None, AT, "valid"), (60, None, "unchecked")],
)
def test_a_licence_says_how_long_it_holds(session, days, checked, state):
    until = None if days is None else TODAY + timedelta(days=days)
    assert providers.licence_state(a_licence(a_provider(), valid_until=until, checked_at=checked), TODAY) == state


def test_what_expires_soon_is_found_earliest_first(session):
    provider = a_provider()
    late, soon = (a_licence(provider, valid_until=TODAY + timedelta(days=days)) for days in (30, -5))
    a_licence(provider, valid_until=TODAY + timedelta(days=300))
    a_licence(provider, valid_until=None)
    assert list(providers.expiring_licences(TODAY)) == [soon, late]


def test_no_state_is_without_its_line_in_the_lifecycle():
    assert set(LIFECYCLE.states) == set(ProviderStatus)
