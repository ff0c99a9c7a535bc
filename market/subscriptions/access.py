"""Access details: encrypted when stored, checked for size, read by the entitled only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from market import db, resources
from market.errors import Invalid
from market.subscriptions.models import AccessDetails, Subscription

MOST_ENTRIES = 20
LONGEST_LABEL = 60
LONGEST_VALUE = 2000


def checked(details: Mapping[str, object]) -> dict[str, str]:
    """Details with their blanks trimmed; empty entries are left out. Raises Invalid for field `access`."""
    if not isinstance(details, Mapping) or len(details) > MOST_ENTRIES:
        raise Invalid(fields={"access": "登录信息写成“名称: 内容”，最多 20 项。"})
    for label, value in details.items():
        if not isinstance(value, str) or len(label) > LONGEST_LABEL or len(value) > LONGEST_VALUE:
            raise Invalid(fields={"access": "登录信息的名称最多 60 个字，内容是文字，最多 2000 个字。"})
    trimmed = {label.strip(): str(value).strip() for label, value in details.items()}
    return {label: value for label, value in trimmed.items() if label and value}


def seal(subscription: Subscription, details: Mapping[str, str], *, at: datetime) -> None:
    """Store the details encrypted, replacing earlier ones; no details, nothing stored."""
    if details:
        sealed = resources.cipher.encrypt(json.dumps(dict(details), ensure_ascii=False))
        db.session.merge(AccessDetails(subscription_id=subscription.id, sealed=sealed, changed_at=at))


def access_of(subscription: Subscription) -> dict[str, str]:
    """How to reach what was bought, label by label; empty when the provider gave nothing."""
    stored = db.session.get(AccessDetails, subscription.id)
    return dict(json.loads(resources.cipher.decrypt(stored.sealed))) if stored else {}
