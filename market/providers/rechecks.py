"""Looking at providers again: identity and licences, every six months (网络交易监督管理办法, Art. 24)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import select

from market import audit, db
from market.errors import Invalid, Refused
from market.kit.period import anchored_day, local_day
from market.kit.refusal import Refusal
from market.providers.models import Provider, ProviderStatus
from market.providers.queries import IN_BUSINESS
from market.providers.signals import provider_changed, recheck_near

MONTHS = 6
#: How long before the day a provider is told to have its papers ready, and when.
REMINDERS = (30, 0)
LONGEST_NOTE = 1000


class NotInBusiness(Refused):
    """Only who sells, or could sell again tomorrow, is looked at again."""

    code = "provider_not_in_business"
    message = "只有已入驻或已暂停的服务商需要复核。"


def next_day(day: date) -> date:
    """The last day on which who was looked at on `day` has to be looked at again."""
    return anchored_day(day, MONTHS, "month")


def recheck(
    provider: Provider, *, note: str, until: Mapping[int, date | None], seen: int, by: audit.Actor, at: datetime
) -> None:
    """An administrator has looked at identity and licences again.

    `until` holds the last day of each licence by its number, as it stands on the paper; null: without an end. `seen` is
    the version of the provider that was on the page. Raises Invalid with `fields`, NotInBusiness, Refused.
    """
    db.lock(provider)
    if provider.status not in IN_BUSINESS:
        raise NotInBusiness
    if provider.version != seen:
        raise Refused("在您查看的时候，这个服务商的资料改过。请再看一遍，然后确认。")
    today = local_day(at)
    if problems := _problems(provider, note, until, today):
        raise Invalid(fields=problems)
    before = {"due": _text(provider.recheck_due_on)}
    after: dict[str, str | None] = {"due": _text(next_day(today))}
    for licence in provider.licences:
        before[licence.number], after[licence.number] = _text(licence.valid_until), _text(until[licence.id])
        licence.valid_until, licence.checked_at = until[licence.id], at
    provider.verified_at, provider.recheck_due_on = at, next_day(today)
    audit.record(
        "provider.rechecked", provider, by=by, at=at, reason=note.strip(), before=before, after=after,
        organization_id=provider.organization_id,
    )  # fmt: skip
    provider_changed.send(provider, at=at)


def _problems(
    provider: Provider, note: str, until: Mapping[int, date | None], today: date
) -> dict[str, str | Refusal]:
    found: dict[str, str | Refusal] = {}
    if not note.strip():
        found["note"] = "写一两句核对了什么，以后查得到。"
    elif len(note) > LONGEST_NOTE:
        found["note"] = Refusal("核对说明最多 %(limit)d 个字，现在有 %(count)d 个。", limit=LONGEST_NOTE, count=len(note))
    for licence in provider.licences:
        day = until.get(licence.id)
        if licence.id not in until:
            found[f"until-{licence.id}"] = "每张证照都要核对。长期有效的留空。"
        elif day is not None and day < today:
            found[f"until-{licence.id}"] = "这张证照已经过期。请等服务商换新，或先暂停它的销售。"
    return found


def remind_due(now: datetime) -> None:
    """Announce every provider that has to be looked at again soon, or should have been."""
    today = local_day(now)
    with db.transaction(readonly=True):
        near = Provider.recheck_due_on <= today + timedelta(days=max(REMINDERS))
        ids = db.session.scalars(select(Provider.id).where(near, Provider.status == ProviderStatus.APPROVED)).all()
    for id in ids:
        with db.transaction():
            provider = db.session.get_one(Provider, id)
            days = (provider.recheck_due_on - today).days if provider.recheck_due_on else 0
            recheck_near.send(provider, days=min(limit for limit in REMINDERS if days <= limit), at=now)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
