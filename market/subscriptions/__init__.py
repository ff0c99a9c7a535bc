"""Subscriptions: what an organization buys, and having it set up and taken down.

Owns        subscriptions, access details, provisioning requests and their delivery.
Not here    what is for sale (catalog), what was used (metering), what it costs (billing).
Invariants  one order key of an organization is one subscription; a subscription keeps the plan version and the
            offering revision it was bought at; a status moves along its lifecycle; dates decide what is paid for.
"""

from market.subscriptions.access import access_of
from market.subscriptions.actions import cancel, convert, end_due, keep, subscribe
from market.subscriptions.agreement import terms, terms_hash
from market.subscriptions.models import (
    LIVE,
    OPENING,
    AccessDetails,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning.orders import complete, fail, retry
from market.subscriptions.provisioning.webhook import deliver_due
from market.subscriptions.queries import (
    OPEN_REQUESTS,
    by_public_ids,
    by_request_key,
    customers_of,
    firms_of,
    live_during,
    live_in,
    of_provider,
    open_requests,
    request_by_public_id,
    request_of,
    requests_about,
    requests_of,
    running_by_plan,
    running_for,
    subscription_of,
    subscriptions_of,
    timeline,
    to_do,
    with_plan,
)
from market.subscriptions.refusals import (
    AlreadyEnded,
    NotCanceled,
    NotForSale,
    NotTrialing,
    OfferingNotLive,
    ProviderNotApproved,
    RequestClosed,
    RequestKeyReused,
    RequestNotFailed,
    TermsChanged,
)
from market.subscriptions.signals import (
    subscription_activated,
    subscription_ended,
    subscription_failed,
)
from market.subscriptions.span import Segment, paid_from, paid_span, pays_yearly, period_end, segments

__all__ = [
    "LIVE",
    "OPENING",
    "OPEN_REQUESTS",
    "AccessDetails",
    "AlreadyEnded",
    "NotCanceled",
    "NotForSale",
    "NotTrialing",
    "OfferingNotLive",
    "ProviderNotApproved",
    "ProvisioningRequest",
    "RequestClosed",
    "RequestKeyReused",
    "RequestKind",
    "RequestNotFailed",
    "RequestStatus",
    "Segment",
    "Subscription",
    "SubscriptionStatus",
    "TermsChanged",
    "access_of",
    "by_public_ids",
    "by_request_key",
    "cancel",
    "complete",
    "convert",
    "customers_of",
    "deliver_due",
    "end_due",
    "fail",
    "firms_of",
    "keep",
    "live_during",
    "live_in",
    "of_provider",
    "open_requests",
    "paid_from",
    "paid_span",
    "pays_yearly",
    "period_end",
    "request_by_public_id",
    "request_of",
    "requests_about",
    "requests_of",
    "retry",
    "running_by_plan",
    "running_for",
    "segments",
    "subscribe",
    "subscription_activated",
    "subscription_ended",
    "subscription_failed",
    "subscription_of",
    "subscriptions_of",
    "terms",
    "terms_hash",
    "timeline",
    "to_do",
    "with_plan",
]
