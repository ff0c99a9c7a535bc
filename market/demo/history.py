"""Past months of the sample world, lived through the domains' own verbs, one day after the other.

Living them twice changes nothing, so a first start that was cut short is simply begun again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, update

from market import audit, billing, catalog, db, dunning, metering, payments, resources, subscriptions
from market.accounts import Organization, Role, User
from market.billing import Bill
from market.catalog import Meter
from market.demo import cast, mishaps
from market.demo.habits import HABITS, Habit, Use
from market.kit.period import local_day, local_midnight
from market.metering import UsageEvent
from market.metering.corrections import Named
from market.providers import Provider
from market.subscriptions import RequestKind, Subscription

#: When a day that was held back is reported after all: the bill of its month has been out for days.
_ARRIVES = 9
#: Local hours at which the day's work is done, in this order.
_ORDER, _REMIND, _REPORT, _CLOSE, _PAY = (timedelta(hours=h) for h in (9, 9.5, 22, 23, 23.5))
#: One firm pays early. The other pays when it has been reminded, and has not paid its newest bill yet.
_CLOSING_DAY, _PAYING_DAY, _LATE_DAY = 4, 9, 28


def first_day(now: datetime) -> date:
    """The first day of the history: so many whole months before this one; today where there is none."""
    months = resources.settings.demo_months
    if not months:
        return local_day(now)
    day = local_day(now).replace(day=1)
    for _ in range(months):
        day = (day - timedelta(days=1)).replace(day=1)
    return day


def live(people: dict[str, User], *, now: datetime) -> Iterator[date]:
    """Live day by day up to yesterday; yields each day when it is over."""
    start, today = first_day(now), local_day(now)
    _have_meters(since=local_midnight(start))
    buyers = {key: _Buyer.of(user) for key, user in people.items() if key in ("sme", "sme_tea")}
    lives = [_Life(habit, buyers["sme" if habit.buyer == "hardware" else "sme_tea"]) for habit in HABITS]
    for age in range((today - start).days):
        day = start + timedelta(days=age)
        midnight = local_midnight(day)
        dunning.run(midnight + _REMIND)
        for life in lives:
            life.live(day, age, midnight, people)
        subscriptions.end_due(midnight + _CLOSE)
        if day.day == _CLOSING_DAY:
            billing.close_due(midnight + _CLOSE)
        if day.day == _PAYING_DAY and (today - day).days > 20:
            _pay_bills(buyers["sme"], people["administrator"], at=midnight + _PAY)
        if day.day == _LATE_DAY and (today - day).days > 20:
            _pay_bills(buyers["sme_tea"], people["administrator"], at=midnight + _PAY)
        yield day


def _have_meters(*, since: datetime) -> None:
    """Usage counts for the meters there are when it is reported, and the catalogue may have been loaded after the history.

    Meters that have counted nothing yet can be older than they are without a counter going wrong.
    """
    used = exists().where(UsageEvent.provider_id == Meter.provider_id, UsageEvent.type == Meter.event_type)
    with db.transaction():
        db.session.execute(update(Meter).where(Meter.created_at > since, ~used).values(created_at=since))


@dataclass
class _Buyer:
    user: User
    organization: Organization
    actor: audit.Actor

    @classmethod
    def of(cls, user: User) -> _Buyer:
        organization = cast.firm_of(user)
        return cls(user, organization, cast.actor(user, organization.id))


@dataclass
class _Life:
    """One habit on its way through the months."""

    habit: Habit
    buyer: _Buyer
    subscription: Subscription | None = None
    provider: Provider | None = None
    reported: int = field(default=0)
    held: tuple[date, int] | None = None
    mistaken: str = ""

    def live(self, day: date, age: int, midnight: datetime, people: dict[str, User]) -> None:
        """Order on the first day, report on the following ones, leave on the last."""
        since = age - self.habit.after_days
        if since == 0:
            self._order(at=midnight + _ORDER)
        elif since > 0 and not self._over(age):
            self._report(day, since, at=midnight + _REPORT)
            self._look_again(since, people, at=midnight + _REPORT)
        if self.habit.ends_after_days == age:
            self._leave(at=midnight + _REPORT)

    def _over(self, age: int) -> bool:
        return self.habit.ends_after_days is not None and age > self.habit.ends_after_days

    def _order(self, *, at: datetime) -> None:
        with db.transaction():
            offering = catalog.offering_by_slug(self.habit.offering)
            plan = catalog.live_plan(offering, self.habit.plan)
            self.provider = offering.provider
            self.subscription = subscriptions.subscribe(
                self.buyer.organization,
                plan,
                request_key=f"demo-{self.habit.offering}",
                estimate={},
                user=self.buyer.user,
                by=self.buyer.actor,
                at=at,
            )
            self._set_up(self.subscription, plan.trial_days, at=at + timedelta(minutes=40))

    def _set_up(self, subscription: Subscription, trial_days: int, *, at: datetime) -> None:
        request = subscriptions.requests_about(subscription)[RequestKind.PROVISION]
        access = {"登录地址 Sign-in": f"https://{self.habit.offering}.example", "账号 Account": "demo"}
        by = audit.system(str(self.provider))
        subscriptions.complete(request, access=access, by=by, at=at)
        if trial_days and subscription.cancel_at is not None:
            subscriptions.convert(subscription, by=self.buyer.actor, at=at)

    def _report(self, day: date, since: int, *, at: datetime) -> None:
        events = [event for each in self._told_now(day, since) for event in self._events(*each)]
        if self.provider and events:
            with db.transaction():
                metering.ingest(
                    self.provider, _source(self.provider), events, now=at, closed_until=billing.closed_until
                )

    def _told_now(self, day: date, since: int) -> list[tuple[date, int]]:
        """The days that are reported this evening, each with its age."""
        if day.day == self.habit.held_back:
            self.held = (day, since)
            return []
        late, self.held = ([self.held], None) if self.held and day.day == _ARRIVES else ([], self.held)
        return [*late, (day, since)]

    def _events(self, day: date, since: int) -> list[dict[str, Any]]:
        dice = random.Random(f"{self.habit.offering} {day}")  # noqa: S311  # samples, not secrets
        events = [self._event(use) for use in self.habit.days(day, dice, float(since))]
        if self.habit.mistake and since == self.habit.mistake.after_days:
            self.mistaken = events[0]["id"]
        return events

    def _look_again(self, since: int, people: dict[str, User], *, at: datetime) -> None:
        """Somebody notices what was reported wrongly."""
        mistake = self.habit.mistake
        if mistake and since == mistake.noticed_after_days:
            assert self.provider is not None
            slug = self.provider.slug
            owner = next((people[each.key] for each in cast.PEOPLE if (each.firm, each.role) == (slug, Role.OWNER)), None)
            mishaps.correct(self.provider, Named(self.mistaken, _source(self.provider)), mistake, second=owner, at=at)

    def _event(self, use: Use) -> dict[str, Any]:
        assert self.subscription is not None and self.provider is not None
        self.reported += 1
        return {
            "specversion": "1.0",
            "id": f"{self.habit.offering}-{self.reported:05}",
            "source": _source(self.provider),
            "type": use.type,
            "subject": self.subscription.public_id,
            "time": use.at.isoformat(),
            "data": use.data,
        }

    def _leave(self, *, at: datetime) -> None:
        assert self.subscription is not None
        with db.transaction():
            current = subscriptions.subscription_of(self.buyer.organization, self.subscription.id)
            if current.ended_at is None:
                subscriptions.cancel(
                    current, when="now", reason="季节结束，不再需要", by=self.buyer.actor, at=at
                )


def _source(provider: Provider) -> str:
    return f"/{provider.slug}/demo"


def _pay_bills(buyer: _Buyer, administrator: User, *, at: datetime) -> None:
    """The firm transfers what it owes; an administrator sees the money arrive."""
    with db.transaction():
        for bill in billing.due_bills_of(buyer.organization):
            _pay(bill, buyer, administrator, at=at)


def _pay(bill: Bill, buyer: _Buyer, administrator: User, *, at: datetime) -> None:
    payment = payments.start(bill, "bank_transfer", by=buyer.actor, at=at)
    payments.confirm_arrival(
        payment,
        amount_fen=payment.amount_fen,
        payer_name=buyer.organization.name,
        bank_reference=f"DEMO{bill.number}",
        arrived_on=local_day(at),
        user=administrator,
        by=cast.actor(administrator),
        at=at + timedelta(minutes=5),
    )
