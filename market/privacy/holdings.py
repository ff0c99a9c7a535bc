"""What is whose: how every table leads to an organization or a person.

A path names the columns to follow, from the table's own to the owner's number: `bill_id.organization_id` reads "the
organization of the bill". A table that is nobody's has its reason here; a test fails for one that is named nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Table, select

from market import db
from market.accounts.models import OrganizationKind

_MEMBERS = {
    "organizations": "id",
    "memberships": "organization_id",
    "invitations": "organization_id",
    "verifications": "organization_id",
    "exports": "organization_id",
    "documents": "organization_id",
    "api_keys": "organization_id",
    "audit_events": "organization_id",
}
_BOUGHT = {
    "orders": "organization_id",
    "subscriptions": "organization_id",
    "subscription_changes": "subscription_id.organization_id",
    "contracts": "subscription_id.organization_id",
    "price_notices": "subscription_id.organization_id",
    "suspensions": "subscription_id.organization_id",
    "plan_audiences": "organization_id",
    "provisioning_requests": "subscription_id.organization_id",
    "usage_counters": "subscription_id.organization_id",
    "usage_events": "subscription_id.organization_id",
    "usage_corrections": "subscription_id.organization_id",
    "usage_values": "subscription_id.organization_id",
    "correcting_events": "correction_id.subscription_id.organization_id",
    "reconciled_days": "subscription_id.organization_id",
    "silences": "subscription_id.organization_id",
    "reservations": "subscription_id.organization_id",
    "bills": "organization_id",
    "bill_lines": "bill_id.organization_id",
    "bill_taxes": "bill_id.organization_id",
    "bill_reopenings": "bill_id.organization_id",
    "budgets": "organization_id",
    "budget_alerts": "budget_id.organization_id",
    "credit_notes": "organization_id",
    "credit_note_lines": "credit_note_id.organization_id",
    "credit_proposals": "bill_id.organization_id",
    "refund_requests": "organization_id",
    "balance_entries": "organization_id",
    "balance_grants": "organization_id",
    "balance_lots": "organization_id",
    "balance_lot_moves": "lot_id.organization_id",
    "fapiao_titles": "organization_id",
    "fapiao_requests": "organization_id",
    "fapiao_amounts": "request_id.organization_id",
    "fapiaos": "request_id.organization_id",
    "payments": "organization_id",
    "saved_cards": "organization_id",
    "gateway_customers": "organization_id",
    "gateway_events": "payment_id.organization_id",
    "refunds": "payment_id.organization_id",
    "disputes": "payment_id.organization_id",
    "ledger_accounts": "organization_id",
    "bank_arrivals": "payment_id.organization_id",
    "dunning_steps": "bill_id.organization_id",
    "dunning_holds": "organization_id",
    "bank_lines": "organization_id",
    "bank_allocations": "line_id.organization_id",
    "payer_names": "organization_id",
    "payment_proofs": "payment_id.organization_id",
    "reviews": "organization_id",
    "review_wordings": "review_id.organization_id",
    "review_replies": "review_id.organization_id",
}
_SOLD = {
    "providers": "organization_id",
    "licences": "provider_id.organization_id",
    "ledger_accounts": "provider_id.organization_id",
    "meters": "provider_id.organization_id",
    "offerings": "provider_id.organization_id",
    "offering_revisions": "offering_id.provider_id.organization_id",
    "review_comments": "revision_id.offering_id.provider_id.organization_id",
    "plans": "offering_id.provider_id.organization_id",
    "charges": "plan_id.offering_id.provider_id.organization_id",
    "plan_audiences": "plan_id.offering_id.provider_id.organization_id",
    "price_changes": "offering_id.provider_id.organization_id",
    "price_notices": "price_change_id.offering_id.provider_id.organization_id",
    "contracts": "subscription_id.provider_id.organization_id",
    "recommended_entries": "offering_id.provider_id.organization_id",
    "subscriptions": "provider_id.organization_id",
    "subscription_changes": "subscription_id.provider_id.organization_id",
    "provisioning_requests": "subscription_id.provider_id.organization_id",
    "provisioning_attempts": "request_id.subscription_id.provider_id.organization_id",
    "usage_counters": "subscription_id.provider_id.organization_id",
    "usage_events": "provider_id.organization_id",
    "refused_events": "provider_id.organization_id",
    "usage_uploads": "provider_id.organization_id",
    "usage_corrections": "provider_id.organization_id",
    "usage_values": "subscription_id.provider_id.organization_id",
    "correcting_events": "correction_id.provider_id.organization_id",
    "reconciled_days": "subscription_id.provider_id.organization_id",
    "silences": "subscription_id.provider_id.organization_id",
    "heartbeats": "provider_id.organization_id",
    "reservations": "provider_id.organization_id",
    "bill_lines": "provider_id.organization_id",
    "credit_note_lines": "provider_id.organization_id",
    "reviews": "offering_id.provider_id.organization_id",
    "review_wordings": "review_id.offering_id.provider_id.organization_id",
    "review_replies": "review_id.offering_id.provider_id.organization_id",
}

OF_ORGANIZATION: Mapping[OrganizationKind, Mapping[str, str]] = {
    OrganizationKind.BUYER: _MEMBERS | _BOUGHT,
    OrganizationKind.PROVIDER: _MEMBERS | _SOLD,
}
OF_PERSON: Mapping[str, str] = {
    "users": "id",
    "memberships": "user_id",
    "sessions": "user_id",
    "authenticators": "user_id",
    "passkeys": "user_id",
    "recovery_codes": "user_id",
    "tokens": "user_id",
    "consents": "user_id",
    "emails": "user_id",
    "exports": "user_id",
    "audit_events": "actor_id",
    "problem_reports": "user_id",
    "requirements": "user_id",
}
#: Tables that belong to nobody in particular, and why nobody misses them in an archive.
NOBODYS: Mapping[str, str] = {
    "access_details": "shown in the console; encrypted, and of no use outside",
    "bank_layouts": "how the office reads its bank's files",
    "bank_statements": "the office's own bank statements; a firm's lines of them are in its archive",
    "dunning_sequences": "the office's rules of dunning, the same for everybody",
    "archived_months": "where a month's events lie; says nothing of whose they are",
    "audit_heads": "public",
    "audit_links": "the seal of the trail, checked with `market audit verify`",
    "catalog_changes": "tells the search index what to read again",
    "search_generations": "the search index",
    "search_documents": "the search index: what the storefront says anyway",
    "search_words": "the search index: words of names",
    "categories": "public",
    "challenges": "random words for passkeys, gone within minutes",
    "cities": "public",
    "editions": "public",
    "event_identities": "hashes of events' ids, which keep a second report from being counted",
    "link_requests": "gone as soon as the letter is written",
    "ledger_postings": "follow from bills, payments, credit notes and refunds, which the archive has",
    "number_series": "counts bill numbers",
    "policy_versions": "public",
    "registrations": "nobody's account yet; gone with the link in its letter, after a day at the latest",
    "sectors": "public",
    "solution_parts": "public",
    "solutions": "public",
    "usage_upload_parts": "lines of a file that its owner has, and their verdicts; gone after three months",
    "throttles": "counts failed attempts by hash; swept after a day",
}
#: Never handed out, not even to the owner: hashes and encrypted texts prove nothing outside.
SECRETS = frozenset(
    {
        "password_hash", "secret_hash", "token_hash", "code_hash", "secret", "webhook_secret", "old_webhook_secret",
        "old_secret_until", "answer", "public_key", "actor_salt", "subject_salt",
    }
)  # fmt: skip


def table_of(name: str) -> Table:
    """The table with this name."""
    return db.Base.metadata.tables[name]


def belongs(table: Table, path: str, owner_id: int) -> ColumnElement[bool]:
    """The condition that a row of `table` is the owner's, along `path`."""
    first, _, rest = path.partition(".")
    column = table.c[first]
    if not rest:
        return column == owner_id
    above = next(iter(column.foreign_keys)).column
    return column.in_(select(above).where(belongs(above.table, rest, owner_id)))
