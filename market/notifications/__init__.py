"""Notifications: telling people what happened.

Owns        the e-mail outbox and its delivery.
Not here    what happened (each domain's signals), provisioning webhooks (subscriptions).
Invariants  a message is a row committed with what it tells; a sweep delivers it, whatever crashed.
"""

from market.notifications.actions import enqueue, send_due
from market.notifications.invitations import letters_of
from market.notifications.models import Email, EmailStatus
from market.notifications.policy_letters import tell_of_policies
from market.notifications.price_letters import tell_of_prices
from market.notifications.queries import mail_is_late, mailbox
from market.notifications.receivers import listen
from market.notifications.registrations import registration_letters
from market.notifications.trials import remind_of_trials

__all__ = [
    "Email",
    "EmailStatus",
    "enqueue",
    "letters_of",
    "listen",
    "mail_is_late",
    "mailbox",
    "registration_letters",
    "remind_of_trials",
    "send_due",
    "tell_of_policies",
    "tell_of_prices",
]
