"""Credentials: what proves who somebody is.

Owns        sessions, links by e-mail that work once, second steps (codes, recovery codes, passkeys), throttles.
Not here    people and what they may do (accounts), cookies and pages (web and the faces).
Invariants  a secret is stored as a hash or encrypted; a link, a code and a recovery code work once.
"""

from market.credentials import authenticators, passkeys, recovery_codes
from market.credentials.models import Authenticator, Ceremony, Passkey, Session
from market.credentials.second_step import (
    LastSecondStep,
    Means,
    forget_second_steps,
    means_of,
    second_step_due,
    second_step_required,
    take_second_step,
)
from market.credentials.sessions import (
    end_session,
    end_sessions,
    session_of_token,
    sessions_of,
    start_session,
)
from market.credentials.standing import Standing, standings

__all__ = [
    "Standing",
    "standings",
    "Authenticator",
    "Ceremony",
    "LastSecondStep",
    "Means",
    "Passkey",
    "Session",
    "authenticators",
    "end_session",
    "end_sessions",
    "forget_second_steps",
    "means_of",
    "passkeys",
    "recovery_codes",
    "second_step_due",
    "second_step_required",
    "session_of_token",
    "sessions_of",
    "start_session",
    "take_second_step",
]
