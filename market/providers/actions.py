"""Verbs: taking providers in, stopping them, and setting where their systems listen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from market import audit, db, resources
from market.accounts.models import Organization
from market.errors import Invalid, Refused
from market.kit.period import local_day
from market.providers.models import LIFECYCLE, Licence, Provider, ProviderStatus
from market.providers.rechecks import next_day
from market.providers.signals import provider_changed, webhook_stopped
from market.providers.webhooks import checked_url, new_secret

#: What a provider may change about itself without being checked again.
PROFILE = ("name_zh", "name_en", "summary_zh", "summary_en", "phone", "email", "website")
#: How long the secret before the newest one signs as well.
OVERLAP = timedelta(hours=24)
_NEEDED = {"name_zh": "填写服务商的中文名称。", "name_en": "填写服务商的英文名称。"}


class ReasonMissing(Invalid):
    """The other side will read the reason, so there has to be one."""

    code = "reason_missing"
    message = "写明原因，服务商会原样看到。"

    def __init__(self) -> None:
        super().__init__(fields={"reason": self.message})


class NoWebhook(Refused):
    """There is no address yet that a secret could belong to."""

    code = "no_webhook"
    message = "还没有填写通知地址。先保存地址，再更换密钥。"


def apply(
    organization: Organization, *, slug: str, name_zh: str, name_en: str, by: audit.Actor, at: datetime, **profile: Any
) -> Provider:
    """A provider that waits to be taken in; `profile` fills the other columns that buyers see."""
    provider = Provider(
        organization=organization,
        slug=slug,
        status=ProviderStatus.APPLIED,
        name_zh=name_zh,
        name_en=name_en,
        licences=[],
        **profile,
    )
    db.session.add(provider)
    audit.record(
        "provider.applied", provider, by=by, at=at, after={"slug": slug, "name": name_zh},
        organization_id=organization.id,
    )  # fmt: skip
    return provider


def add_licence(
    provider: Provider,
    *,
    kind: str,
    name_zh: str,
    name_en: str,
    number: str,
    valid_until: date | None,
    checked_at: datetime | None,
    by: audit.Actor,
    at: datetime,
) -> Licence:
    """A licence with its number and last day; `checked_at` says when an administrator saw it."""
    licence = Licence(
        provider=provider, kind=kind, name_zh=name_zh, name_en=name_en,
        number=number, valid_until=valid_until, checked_at=checked_at,
    )  # fmt: skip
    db.session.add(licence)
    after = {"kind": kind, "number": number, "valid_until": valid_until.isoformat() if valid_until else None}
    _record("provider.licence_added", provider, by=by, at=at, after=after)
    provider_changed.send(provider, at=at)
    return licence


def approve(provider: Provider, *, by: audit.Actor, at: datetime) -> None:
    """Take a provider in; from now on its offerings can go live. It is looked at again in six months."""
    _move(provider, ProviderStatus.APPROVED, "provider.approved", by=by, at=at)
    provider.verified_at, provider.recheck_due_on = at, next_day(local_day(at))


def refuse(provider: Provider, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Do not take a provider in; it may apply again."""
    _move(provider, ProviderStatus.REFUSED, "provider.refused", reason=_given(reason), by=by, at=at)


def suspend(provider: Provider, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Hide a provider's offerings from new buyers; running subscriptions go on."""
    _move(provider, ProviderStatus.SUSPENDED, "provider.suspended", reason=_given(reason), by=by, at=at)


def reinstate(provider: Provider, *, by: audit.Actor, at: datetime) -> None:
    """End a suspension."""
    _move(provider, ProviderStatus.APPROVED, "provider.reinstated", by=by, at=at)


def edit_profile(provider: Provider, changes: Mapping[str, str], *, by: audit.Actor, at: datetime) -> None:
    """Change what buyers read about a provider: names, summary, how to reach it. Raises Invalid with `fields`."""
    after = {name: changes[name].strip() for name in PROFILE if name in changes}
    problems = {name: message for name, message in _NEEDED.items() if after.get(name) == ""}
    website = after.get("website", "")
    if website and not website.startswith(("https://", "http://")):
        problems["website"] = "网站写成 https://example.com 的样子。"
    if problems:
        raise Invalid(fields=problems)
    db.lock(provider)
    before = {name: getattr(provider, name) for name in after}
    changed = [name for name in after if after[name] != before[name]]
    for name in changed:
        setattr(provider, name, after[name])
    if changed:
        _record("provider.edited", provider, by=by, at=at,
                before={name: before[name] for name in changed}, after={name: after[name] for name in changed})  # fmt: skip
        provider_changed.send(provider, at=at)


def set_webhook(provider: Provider, url: str, *, by: audit.Actor, at: datetime) -> str:
    """Set or, with an empty address, remove where provisioning requests are sent.

    Returns the signing secret when a new one was made, else an empty text; it is shown once.
    Raises WebhookUrlInvalid.
    """
    url = checked_url(url, allow_private=resources.settings.allow_private_webhooks) if url.strip() else ""
    db.lock(provider)  # of two who set it at once only one makes the secret, and is shown it
    before, provider.webhook_url = provider.webhook_url, url
    provider.webhook_stopped_at = None
    if not url:
        provider.webhook_secret, provider.old_webhook_secret, provider.old_secret_until = "", "", None
    _record("provider.webhook_changed", provider, by=by, at=at, before={"url": before}, after={"url": url})
    return rotate_secret(provider, by=by, at=at) if url and not provider.webhook_secret else ""


def stop_webhook(provider: Provider, *, at: datetime) -> None:
    """The provider's system wants no more: nothing is sent there until its people save the address again."""
    db.lock(provider)
    if provider.webhook_stopped_at is None and provider.webhook_url:
        provider.webhook_stopped_at = at
        by = audit.system("worker")
        _record("provider.webhook_stopped", provider, by=by, at=at, after={"url": provider.webhook_url})
        webhook_stopped.send(provider, at=at)


def rotate_secret(provider: Provider, *, by: audit.Actor, at: datetime, keep_old: bool = True) -> str:
    """Replace the signing secret and return the new one. Raises NoWebhook without an address.

    The old one signs as well for a day, so that nobody has to change both sides in the same moment; without
    `keep_old` it ends now, for one that strangers know.
    """
    db.lock(provider)
    if not provider.webhook_url:
        raise NoWebhook
    secret, stays = new_secret(), keep_old and bool(provider.webhook_secret)
    provider.old_webhook_secret = provider.webhook_secret if stays else ""
    provider.old_secret_until = at + OVERLAP if stays else None
    provider.webhook_secret = resources.cipher.encrypt(secret)
    _record("provider.webhook_secret_made", provider, by=by, at=at)
    return secret


def webhook_secret(provider: Provider) -> str:
    """The newest signing secret in the clear; empty without a webhook."""
    return resources.cipher.decrypt(provider.webhook_secret) if provider.webhook_secret else ""


def webhook_secrets(provider: Provider, *, at: datetime) -> tuple[str, ...]:
    """The secrets that sign now, in the clear, the newest first; none without a webhook."""
    old = provider.old_webhook_secret if provider.old_secret_until and provider.old_secret_until > at else ""
    return tuple(resources.cipher.decrypt(each) for each in (provider.webhook_secret, old) if each)


def _given(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing
    return reason.strip()


def _move(
    provider: Provider, to: ProviderStatus, action: str, *, by: audit.Actor, at: datetime, reason: str = ""
) -> None:
    db.lock(provider)
    before = provider.status
    LIFECYCLE.move(provider, to)
    _record(action, provider, by=by, at=at, reason=reason, before={"status": before}, after={"status": to})
    provider_changed.send(provider, at=at)


def _record(action: str, provider: Provider, **details: Any) -> None:
    audit.record(action, provider, organization_id=provider.organization_id, **details)
