"""A test message to a provider's system: signed like every other, about nothing."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from market import audit, db, providers, resources
from market.providers.models import Provider
from market.subscriptions import refusals
from market.subscriptions.provisioning import transport


@dataclass(frozen=True)
class Trial:
    """Everything that sending needs outside the transaction."""

    provider_id: int
    url: str
    secrets: tuple[str, ...]
    by: audit.Actor
    at: datetime

    def send(self) -> transport.Outcome:
        """Send it, once, and write down what came of it. Call it outside a transaction."""
        id, began = f"test_{secrets.token_hex(10)}", time.monotonic()
        content = {"type": "test", "timestamp": self.at.isoformat(), "data": {}}
        outcome = transport.post(
            self.url, id=id, secrets=self.secrets, body=json.dumps(content, separators=(",", ":")).encode(),
            allow_private=resources.settings.allow_private_webhooks,
        )  # fmt: skip
        took = int((time.monotonic() - began) * 1000)
        with db.transaction():
            provider = db.session.get_one(Provider, self.provider_id)
            audit.record(
                "webhook.tested", provider, by=self.by, at=self.at, reason=outcome.error, organization_id=provider.organization_id,
                after={"http_status": outcome.status, "milliseconds": took},
            )  # fmt: skip
        return outcome


def trial_of(provider: Provider, *, by: audit.Actor, at: datetime) -> Trial:
    """A message to be sent when the transaction is over. Raises NoSystem where there is no address."""
    signing = providers.webhook_secrets(provider, at=at)
    if not (provider.webhook_url and signing):
        raise refusals.NoSystem
    return Trial(provider.id, provider.webhook_url, signing, by, at)
