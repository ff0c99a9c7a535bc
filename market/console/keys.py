"""`/console/keys`: keys with which the firm's own programs read what it used."""

from __future__ import annotations

from market.web import api_keys

bp = api_keys.pages("console")
