"""Credentials: what proves who somebody is.

Owns        sessions, links by e-mail that work once, second steps (codes, recovery codes, passkeys), throttles.
Not here    people and what they may do (accounts), cookies and pages (web and the faces).
Invariants  a secret is stored as a hash or encrypted; a link, a code and a recovery code work once.
"""

from market.credentials import authenticators, browsers, passkeys, recovery, recovery_codes, signals, tokens
from market.credentials.models import Authenticator, Ceremony, LinkRequest, Passkey, Purpose, Session, Token
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
    LONGEST_LIFE,
    end_session,
    end_sessions,
    is_stale,
    renew_token,
    see,
    session_of,
    session_of_token,
    sessions_of,
    sign_out,
    start_session,
)
from market.credentials.standing import Standing, standings
from market.credentials.sweeping import sweep
from market.credentials.throttle import (
    Attempt,
    TooManyAttempts,
    attempt,
    failures,
    forgive,
    record_failure,
    succeeded,
)

__all__ = [
    "LONGEST_LIFE",
    "Attempt",
    "Authenticator",
    "Ceremony",
    "LastSecondStep",
    "LinkRequest",
    "Means",
    "Passkey",
    "Purpose",
    "Session",
    "Standing",
    "Token",
    "TooManyAttempts",
    "attempt",
    "authenticators",
    "browsers",
    "end_session",
    "end_sessions",
    "failures",
    "forget_second_steps",
    "forgive",
    "is_stale",
    "means_of",
    "passkeys",
    "record_failure",
    "recovery",
    "recovery_codes",
    "renew_token",
    "second_step_due",
    "second_step_required",
    "see",
    "session_of",
    "session_of_token",
    "sessions_of",
    "sign_out",
    "signals",
    "standings",
    "start_session",
    "succeeded",
    "sweep",
    "take_second_step",
    "tokens",
]
