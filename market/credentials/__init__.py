"""Credentials: what proves who somebody is.

Owns        sessions, links by e-mail that work once, second steps (codes, recovery codes, passkeys), throttles.
Not here    people and what they may do (accounts), cookies and pages (web and the faces).
Invariants  a secret is stored as a hash or encrypted; a link, a code and a recovery code work once.
"""

from market.credentials.models import Session
from market.credentials.sessions import (
    end_session,
    end_sessions,
    session_of_token,
    sessions_of,
    start_session,
)

__all__ = ["Session", "end_session", "end_sessions", "session_of_token", "sessions_of", "start_session"]
