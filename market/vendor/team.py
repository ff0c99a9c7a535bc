"""`/vendor/team`: the provider's people, their roles, invitations."""

from __future__ import annotations

from market.web import team

bp = team.pages("vendor")
