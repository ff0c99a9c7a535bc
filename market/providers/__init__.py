"""Providers: the firms that sell, their licences, and where their systems listen.

Owns        provider profiles, licences with their last day, the webhook address and its secret.
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
    suspend,
    webhook_secret,
)
from market.providers.models import Licence, Provider, ProviderStatus
from market.providers.queries import (
    EXPIRING,
    all_providers,
    approved_providers,
    count_by_status,
    expiring_licences,
    licence_state,
    provider_by_id,
    provider_by_slug,
    provider_of_organization,
)
from market.providers.signals import provider_changed
from market.providers.webhooks import WebhookUrlInvalid, checked_url

__all__ = [
    "EXPIRING",
    "Licence",
    "NoWebhook",
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
    "edit_profile",
    "expiring_licences",
    "licence_state",
    "provider_by_id",
    "provider_by_slug",
    "provider_changed",
    "provider_of_organization",
    "refuse",
    "reinstate",
    "rotate_secret",
    "set_webhook",
    "suspend",
    "webhook_secret",
]
