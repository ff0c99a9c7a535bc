"""`/admin/team`: the administrators, their roles, invitations."""

from __future__ import annotations

from market.web import team

bp = team.pages("admin")
