"""`/vendor/exports`: take all of the organization's data away."""

from __future__ import annotations

from market.web import archives

bp = archives.pages("vendor")
