"""Providers: the firms that sell, their licences, and where their systems listen.

Owns        provider profiles, licences with their last day, when they are looked at again, the webhook address and
            its secret.
Not here    what they sell (catalog), their people and keys (accounts), sending webhooks (subscriptions).
Invariants  only an approved provider is shown to buyers as selling; a signing secret is stored encrypted
            and shown once; `provider_changed` is sent in the transaction of every visible change.
"""

from market.providers.actions import (
    NoWebhook,
    ReasonMissing,
    add_licence,
    apply,
    approve,
    edit_profile,
    refuse,
    reinstate,
    rotate_secret,
    set_webhook,
    stop_webhook,
    suspend,
    webhook_secret,
    webhook_secrets,
)
from market.providers.models import Licence, Provider, ProviderStatus
from market.providers.queries import (
    EXPIRING,
    IN_BUSINESS,
    RECHECK_NEAR,
    all_providers,
    approved_providers,
    count_by_status,
    count_rechecks,
    due_rechecks,
    expiring_licences,
    licence_state,
    number_of_provider,
    provider_by_id,
    provider_by_slug,
    provider_of_organization,
    rechecks,
)
from market.providers.rechecks import NotInBusiness, next_day, recheck, remind_due
from market.providers.signals import provider_changed, recheck_near, webhook_stopped
from market.providers.webhooks import WebhookUrlInvalid, checked_url

__all__ = [
    "EXPIRING",
    "IN_BUSINESS",
    "RECHECK_NEAR",
    "Licence",
    "NoWebhook",
    "NotInBusiness",
    "Provider",
    "ProviderStatus",
    "ReasonMissing",
    "WebhookUrlInvalid",
    "add_licence",
    "all_providers",
    "apply",
    "approve",
    "approved_providers",
    "checked_url",
    "count_by_status",
    "count_rechecks",
    "due_rechecks",
    "edit_profile",
    "expiring_licences",
    "licence_state",
    "next_day",
    "number_of_provider",
    "provider_by_id",
    "provider_by_slug",
    "provider_changed",
    "provider_of_organization",
    "recheck",
    "recheck_near",
    "rechecks",
    "refuse",
    "reinstate",
    "remind_due",
    "rotate_secret",
    "set_webhook",
    "stop_webhook",
    "suspend",
    "webhook_secret",
    "webhook_secrets",
    "webhook_stopped",
]
