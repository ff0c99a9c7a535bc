"""Accounts: who may act, for whom, and as what.

Owns        people, organizations, memberships and roles, API keys, the plan's cities and sectors.
Not here    what a provider sells under (providers), sessions and guards (web).
Invariants  a secret is stored only as a hash; an e-mail address and a firm's code are registered once.
"""

from market.accounts.actions import (
    USED_PRECISION,
    EmailTaken,
    add_user,
    authenticate,
    check_registration,
    issue_key,
    join,
    key_of_secret,
    register,
    revoke_key,
    touch_key,
)
from market.accounts.models import (
    CHECK_LIFECYCLE,
    ApiKey,
    CheckStatus,
    City,
    Invitation,
    Membership,
    Organization,
    OrganizationKind,
    Role,
    Sector,
    SizeClass,
    User,
    Verification,
)
from market.accounts.passwords import MINIMUM as MINIMUM_PASSWORD
from market.accounts.permissions import GRANTS, SCOPES, may, roles_of
from market.accounts.queries import (
    cities,
    key_of,
    keys_of,
    member_counts,
    members_of,
    memberships_of,
    organization_by_id,
    organizations,
    sectors,
    user_by_email,
)

__all__ = [
    "CHECK_LIFECYCLE",
    "GRANTS",
    "MINIMUM_PASSWORD",
    "SCOPES",
    "USED_PRECISION",
    "ApiKey",
    "CheckStatus",
    "City",
    "EmailTaken",
    "Invitation",
    "Membership",
    "Organization",
    "OrganizationKind",
    "Role",
    "Sector",
    "SizeClass",
    "User",
    "Verification",
    "add_user",
    "authenticate",
    "check_registration",
    "cities",
    "issue_key",
    "join",
    "key_of",
    "key_of_secret",
    "keys_of",
    "may",
    "member_counts",
    "members_of",
    "memberships_of",
    "organization_by_id",
    "organizations",
    "register",
    "revoke_key",
    "roles_of",
    "sectors",
    "touch_key",
    "user_by_email",
]
