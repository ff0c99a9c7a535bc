"""Policies: the marketplace's rules and privacy policy.

Owns        their texts in versions, announcements, and who agreed to which.
Not here    the contract of a subscription (subscriptions).
Invariants  a version is never changed once announced; a change holds seven days after its announcement at the earliest.
"""

from market.policies.models import Consent, PolicyVersion, Subject

__all__ = ["Consent", "PolicyVersion", "Subject"]
