"""The permission table: what each role may do, on one screen.

A permission is `noun.verb`. Guards, menus and the page that explains the roles read this table
and nothing else; what is not listed is not allowed.
"""

from __future__ import annotations

from market.accounts.models import OrganizationKind as Kind
from market.accounts.models import Role

_BUYER_READ = frozenset({"subscriptions.read", "usage.read", "bills.read", "audit.read"})
_PROVIDER_READ = frozenset({"offerings.read", "customers.read", "usage.read", "audit.read"})
_PLATFORM_READ = frozenset(
    {
        "reviews.read", "recommended.read", "payments.read", "bills.read", "providers.read",
        "organizations.read", "audit.read",
    }
)  # fmt: skip

#: Everything an API key can be allowed to do.
SCOPES = ("events:write", "catalogue:read", "subscriptions:read", "provisioning:write")

GRANTS: dict[Kind, dict[Role, frozenset[str]]] = {
    Kind.BUYER: {
        Role.OWNER: _BUYER_READ | {"subscriptions.order", "subscriptions.end", "access.read", "bills.pay"},
        Role.PURCHASER: _BUYER_READ | {"subscriptions.order", "subscriptions.end"},
        Role.TECHNICIAN: frozenset({"subscriptions.read", "usage.read", "access.read"}),
        Role.FINANCE: _BUYER_READ | {"bills.pay"},
        Role.VIEWER: frozenset({"subscriptions.read", "usage.read"}),
    },
    Kind.PROVIDER: {
        Role.OWNER: _PROVIDER_READ
        | {"offerings.edit", "keys.edit", "events.read", "events.write", "provisioning.do", "revenue.read"},
        Role.PRODUCT: _PROVIDER_READ | {"offerings.edit", "provisioning.do"},
        Role.FINANCE: _PROVIDER_READ | {"revenue.read"},
        Role.DEVELOPER: _PROVIDER_READ | {"keys.edit", "events.read", "events.write", "provisioning.do"},
    },
    Kind.PLATFORM: {
        Role.REVIEWER: frozenset(
            {"reviews.read", "reviews.decide", "providers.read", "providers.decide", "organizations.read", "audit.read"}
        ),
        Role.CURATOR: frozenset({"recommended.read", "recommended.decide", "reviews.read", "audit.read"}),
        Role.FINANCE: frozenset(
            {"payments.read", "payments.confirm", "bills.read", "bills.close", "organizations.read", "audit.read"}
        ),
        Role.AUDITOR: _PLATFORM_READ,
        Role.SUPER: _PLATFORM_READ
        | {"reviews.decide", "recommended.decide", "providers.decide", "payments.confirm", "bills.close"},
    },
}


def may(kind: Kind, role: Role, permission: str) -> bool:
    """Whether `role` in an organization of this kind holds `permission`."""
    return permission in GRANTS[kind].get(role, frozenset())


def roles_of(kind: Kind) -> tuple[Role, ...]:
    """The roles that exist in an organization of this kind."""
    return tuple(GRANTS[kind])
