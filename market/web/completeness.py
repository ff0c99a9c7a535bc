"""Whether all usage is here, in words for both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _

from market.metering import completeness
from market.subscriptions import Subscription
from market.web import formats


def told(subscriptions: Iterable[Subscription]) -> list[str]:
    """How far each subscription's usage is complete, where its provider says so; plan and meters are loaded."""
    known = list(subscriptions)
    types = {
        one.id: {(one.provider_id, charge.meter.event_type) for charge in one.plan.charges if charge.meter}
        for one in known
    }
    until = completeness.complete_until({pair for pairs in types.values() for pair in pairs})
    lines = []
    for one in known:
        pairs = types[one.id]
        if pairs and pairs <= until.keys():
            at = formats.datetime(min(until[pair] for pair in pairs))
            lines.append(_("%(name)s的用量已报全到 %(at)s（服务商说明）", name=formats.local(one.revision.facts, "name"), at=at))
    return list(dict.fromkeys(lines))


def missing(subscription_ids: Sequence[int]) -> list[str]:
    """The meters that have fallen silent, and since when."""
    return [
        _("从 %(date)s 起没有收到“%(name)s”的用量", date=formats.date(each.last_day, short=True), name=formats.local(each.meter, "name"))
        for each in completeness.silences_in(subscription_ids)
    ]
