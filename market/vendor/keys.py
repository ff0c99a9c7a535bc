"""`/vendor/keys`: keys for the provider's machines."""

from __future__ import annotations

from market.web import api_keys

bp = api_keys.pages("vendor")
