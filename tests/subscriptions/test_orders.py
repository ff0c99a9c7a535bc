"""Orders: most are placed at once, one above the firm's limit waits for an owner, and one answer counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from market import accounts, audit, billing, db, subscriptions
from market.accounts.models import Organization, Role, User
from market.catalog.models import OfferingStatus, Plan
from market.errors import Forbidden, Invalid, NotFound
from market.notifications import Email
from market.subscriptions import Order, OrderStatus, Subscription, SubscriptionStatus
from tests.builders.accounts import a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_plan, an_offering
from tests.builders.subscriptions import ORDERED, a_waiting_order, the_request
from tests.support.together import together

LATER = ORDERED + timedelta(days=1)
LATE = ORDERED + timedelta(days=14)
ESTIMATE = {"storage-per-unit": "486"}


def count(kind: type[db.Base]) -> int:
    return db.session.scalar(select(func.count()).select_from(kind)) or 0


def approve(order: Order, user: User, at=LATER) -> None:
    subscriptions.approve(db.session.get_one(Order, order.id), user=user, by=an_actor(user), at=at)


def refuse(order: Order, user: User, at=LATER, reason="太贵") -> None:
    subscriptions.refuse(db.session.get_one(Order, order.id), reason=reason, user=user, by=an_actor(user), at=at)


def withdraw(order: Order, user: User, at=LATER) -> None:
    subscriptions.withdraw(db.session.get_one(Order, order.id), user=user, by=an_actor(user), at=at)


def a_colleague(order: Order, role: Role = Role.OWNER) -> User:
    return a_member(db.session.get_one(Organization, order.organization_id), role)


def actions(thing: db.Base) -> list[str]:
    return [event.action for event in reversed(audit.history(thing))]


@pytest.fixture
def plan(session) -> Plan:
    """¥99.00 a month and ¥0.50 for each unit above 200: ¥242.00 for 486."""
    return a_plan(an_offering(slug="backup", plans=False), monthly="99.00", per_unit="0.50", meter="storage", included="200")


@pytest.fixture
def firm(session) -> Organization:
    firm = an_organization()
    firm.approval_above_fen = 241_99
    return firm


def order(firm: Organization, plan: Plan, user: User, **more) -> Order:
    known = {"request_key": "one", "estimate": ESTIMATE, "at": ORDERED} | more
    return subscriptions.order(firm, plan, user=user, by=an_actor(user, firm), **known)


def test_the_month_that_is_compared_is_the_total_of_the_check_page(firm, plan):
    made = order(firm, plan, a_member(firm, Role.PURCHASER))
    assert made.month_fen == 242_00 == billing.estimate(plan, {"storage-per-unit": Decimal(486)}).total_fen
    yearly = a_plan(yearly="1200.00", once="300.00")
    assert order(firm, yearly, a_member(firm), request_key="two", estimate={}).month_fen == 1500_00


@pytest.mark.parametrize(
    ("role", "limit", "waits"),
    [(Role.PURCHASER, 241_99, True), (Role.PURCHASER, 242_00, False), (Role.PURCHASER, None, False), (Role.OWNER, 0, False)],
)
def test_an_order_waits_above_the_limit_unless_its_buyer_may_approve(firm, plan, role, limit, waits):
    firm.approval_above_fen = limit
    made = order(firm, plan, a_member(firm, role))
    assert made.status is (OrderStatus.AWAITING_APPROVAL if waits else OrderStatus.PLACED)
    assert count(Subscription) == (0 if waits else 1)
    assert (made.limit_fen, made.expires_at) == ((limit, LATE) if waits else (None, None))


def test_who_was_not_told_that_it_waits_is_told_first(firm, plan):
    purchaser = a_member(firm, Role.PURCHASER)
    with pytest.raises(subscriptions.ApprovalDue):
        order(firm, plan, purchaser, may_wait=False)
    with pytest.raises(subscriptions.ApprovalDue):
        subscriptions.subscribe(
            firm, plan, request_key="one", estimate=ESTIMATE, user=purchaser, by=an_actor(purchaser), at=ORDERED
        )
    assert count(Order) == count(Subscription) == 0


def test_a_waiting_order_is_one_order_however_often_it_is_sent(firm, plan):
    purchaser = a_member(firm, Role.PURCHASER)
    assert order(firm, plan, purchaser) is order(firm, plan, purchaser)
    with pytest.raises(subscriptions.RequestKeyReused):
        order(firm, a_plan(per_unit="0.01"), purchaser)
    assert actions(db.session.scalars(select(Order)).one()) == ["order.submitted"]


def test_an_amount_beyond_reason_is_refused_in_words(firm):
    dear = a_plan(per_unit="99999.00")
    with pytest.raises(Invalid, match="一万亿元"):
        order(firm, dear, a_member(firm), estimate={dear.charges[0].slug: "99999999"})


def test_an_approved_order_is_placed_as_it_stands(session):
    waiting = a_waiting_order()
    owner = a_colleague(waiting)
    for _ in range(2):
        approve(waiting, owner)
    placed = db.session.scalars(select(Subscription)).one()
    assert (placed.status, placed.ordered_at) == (SubscriptionStatus.PROVISIONING, LATER)
    assert (placed.plan_id, placed.terms_hash, placed.estimate, placed.accepted_by_id) == (
        waiting.plan_id, waiting.terms_hash, waiting.estimate, waiting.ordered_by_id
    )  # fmt: skip
    assert (waiting.subscription_id, waiting.decided_by_id, waiting.decided_at) == (placed.id, owner.id, LATER)
    assert actions(waiting) == ["order.submitted", "order.approved"]


def test_an_order_ends_as_its_subscription_does(firm, plan):
    owner, by = a_member(firm), an_actor()
    made = [order(firm, plan, owner, request_key=str(number)) for number in range(3)]
    first, second, _third = (the_request(one.subscription) for one in made)
    subscriptions.complete(first, access={}, by=by, at=LATER)
    subscriptions.fail(second, reason="没有网络", by=by, at=LATER)
    assert [one.status.value for one in made] == ["fulfilled", "failed", "placed"]
    subscriptions.retry(second, by=by, at=LATER)
    assert made[1].status is OrderStatus.PLACED
    subscriptions.cancel(made[2].subscription, when="now", reason="", by=by, at=LATER)
    subscriptions.cancel(made[0].subscription, when="now", reason="", by=by, at=LATER)
    assert [one.status.value for one in made] == ["fulfilled", "placed", "canceled"]


def test_a_refused_order_keeps_the_reason_and_cannot_be_approved(session):
    waiting = a_waiting_order()
    owner = a_colleague(waiting)
    refuse(waiting, owner)
    refuse(waiting, owner, reason="又一次")
    assert (waiting.status, waiting.reason) == (OrderStatus.REFUSED, "太贵")
    with pytest.raises(subscriptions.OrderClosed):
        approve(waiting, owner)
    assert count(Subscription) == 0


@pytest.mark.parametrize("reason", ["", "  \0 ", "长" * 501])
def test_a_refusal_needs_a_reason_of_sane_length(session, reason):
    waiting = a_waiting_order()
    with pytest.raises(Invalid) as refusal:
        refuse(waiting, a_colleague(waiting), reason=reason)
    assert set(refusal.value.fields) == {"reason"}


def test_only_those_who_may_approve_decide_and_only_its_buyer_takes_it_back(session):
    waiting = a_waiting_order()
    buyer = db.session.get_one(User, waiting.ordered_by_id)
    colleague, stranger, owner = a_colleague(waiting, Role.PURCHASER), a_member(an_organization()), a_colleague(waiting)
    for person in (buyer, colleague, stranger):
        with pytest.raises(Forbidden):
            approve(waiting, person)
        with pytest.raises(Forbidden):
            refuse(waiting, person)
    for person in (colleague, stranger, owner):
        with pytest.raises(subscriptions.NotYours):
            withdraw(waiting, person)
    withdraw(waiting, buyer)
    withdraw(waiting, buyer)
    assert waiting.status is OrderStatus.CANCELED
    with pytest.raises(subscriptions.OrderClosed):
        approve(waiting, owner)


@pytest.mark.parametrize("change", ["terms", "paused"])
def test_what_changed_meanwhile_is_not_placed(session, change):
    waiting = a_waiting_order()
    owner = a_colleague(waiting)
    assert not subscriptions.outdated(waiting)
    if change == "terms":
        waiting.revision.facts = waiting.revision.facts | {"export_days": 7}
    else:
        waiting.plan.offering.status = OfferingStatus.SUSPENDED
    db.session.flush()
    assert subscriptions.outdated(waiting)
    with pytest.raises(subscriptions.TermsOutdated):
        approve(waiting, owner)
    assert (waiting.status, count(Subscription)) == (OrderStatus.AWAITING_APPROVAL, 0)
    refuse(waiting, owner)


def test_an_order_nobody_decides_expires(database):
    with db.transaction():
        waiting = a_waiting_order()
        owner = a_colleague(waiting)
    assert subscriptions.expire_due(LATE - timedelta(seconds=1)) == 0
    with db.transaction(), pytest.raises(subscriptions.OrderClosed):
        approve(waiting, owner, at=LATE)  # the sweep has not come by yet
    assert subscriptions.expire_due(LATE) == 1
    assert subscriptions.expire_due(LATE) == 0
    with db.transaction(readonly=True):
        assert db.session.get_one(Order, waiting.id).status is OrderStatus.EXPIRED


@pytest.mark.parametrize("rivals", ["approve approve", "approve refuse", "approve withdraw", "refuse expire"])
def test_of_two_decisions_at_once_one_counts(database, rivals):
    with db.transaction():
        waiting = a_waiting_order()
        owner, second, buyer = a_colleague(waiting), a_colleague(waiting), db.session.get_one(User, waiting.ordered_by_id)
    people = {"approve": owner, "refuse": second, "withdraw": buyer}
    acts = {
        "approve": lambda: approve(waiting, owner), "refuse": lambda: refuse(waiting, people["refuse"]),
        "withdraw": lambda: withdraw(waiting, buyer), "expire": lambda: subscriptions.expire_due(LATE),
    }  # fmt: skip
    answers = together(*(acts[name] for name in rivals.split()))
    with db.transaction(readonly=True):
        now = db.session.get_one(Order, waiting.id)
        assert count(Subscription) == (now.status is OrderStatus.PLACED)
        assert len(actions(now)) == 2
    closed = sum(isinstance(answer, subscriptions.OrderClosed) for answer in answers)
    others = [answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, subscriptions.OrderClosed)]
    assert not others
    assert closed <= (rivals != "approve approve")


def test_a_strangers_order_is_not_found(session):
    waiting = a_waiting_order()
    with pytest.raises(NotFound):
        subscriptions.order_of(an_organization(), waiting.id)


def test_the_limit_is_changed_once_and_written_down(session):
    firm, by = an_organization(), an_actor()
    for _ in range(2):
        accounts.set_approval_limit(firm, 500_00, by=by, at=ORDERED)
    accounts.set_approval_limit(firm, None, by=by, at=ORDERED)
    told = [(event.before, event.after) for event in audit.history(firm)]
    assert told == [
        ({"approval_above_fen": 500_00}, {"approval_above_fen": None}),
        ({"approval_above_fen": None}, {"approval_above_fen": 500_00}),
    ]
    with pytest.raises(Invalid):
        accounts.set_approval_limit(firm, -1, by=by, at=ORDERED)


def test_owners_and_the_buyer_get_letters(app):
    with db.transaction():
        firm = an_organization()
        a_member(firm, user=a_user(email="boss@example.com", locale="en"))
        a_member(firm, Role.FINANCE, user=a_user(email="books@example.com"))
        waiting = a_waiting_order(firm, buyer=a_user(email="buyer@example.com"))
        second = a_waiting_order(firm, buyer=db.session.get_one(User, waiting.ordered_by_id))
        boss = db.session.scalars(select(User).where(User.email == "boss@example.com")).one()
        approve(waiting, boss)
        refuse(second, boss)
    with db.transaction(readonly=True):
        letters = db.session.scalars(select(Email).order_by(Email.id)).all()
        told = [(letter.recipient, letter.subject.partition(":")[0].partition("：")[0]) for letter in letters]
        assert told == [
            ("boss@example.com", "For your approval"), ("boss@example.com", "For your approval"),
            ("buyer@example.com", "已批准"), ("buyer@example.com", "没有批准"),
        ]  # fmt: skip
        assert "¥242.00" in letters[0].body
        assert "太贵" in letters[3].body
