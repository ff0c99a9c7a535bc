"""Whatever is subscribed, used, billed, paid, failed, refunded, credited, corrected and disputed in whatever order:
no money is lost or doubled, and the books, balances, lots and bills say the same.

What the gateway says is told in its own plain values (`payments.found`), so no network is needed; the conversation
with it over HTTP has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as trying
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from market import billing, db, ledger, metering, payments, resources
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import (
    Amount,
    BalanceLot,
    CreditNote,
    Destination,
    GrantReason,
    RefundRequest,
    RefundStatus,
    expiring,
)
from market.config import Settings
from market.errors import MarketError
from market.kit.period import local_day
from market.ledger import AccountKind
from market.metering import UsageEvent
from market.payments import (
    Dispute,
    GatewayRefundStatus,
    Payment,
    PaymentStatus,
    Refund,
    SavedCard,
    charging,
    disputing,
    finding,
    outcomes,
    refunding,
)
from market.payments.found import Found, FoundDispute, FoundRefund, State
from market.providers import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import OCTOBER, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.corrections import approve, correct
from tests.builders.credit_notes import a_credit
from tests.builders.metering import SOURCE, an_event
from tests.builders.subscriptions import a_subscription

T = TypeVar("T")
FEN = st.integers(1, 40_000)
ONE = st.integers(0, 99)
SUCCEEDED = (State.SUCCEEDED,) * 3
ENDS = st.sampled_from([*SUCCEEDED, State.PROCESSING, State.ACTION, State.FAILED, State.CANCELED])
_names = count(1)


class Marketplace(RuleBasedStateMachine):
    """One firm's money, from its first subscription on. Everything happens in one transaction that is taken back."""

    settings: Settings
    #: How many steps were taken and how many were refused, over all machines.
    steps, refused = 0, 0

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.stack = False, ExitStack()

    @initialize(fee=st.integers(1, 90_000), price=st.integers(1, 500))
    def begin(self, fee: int, price: int) -> None:
        self.session = self.stack.enter_context(db.transaction())
        self.user, self.other = an_administrator(), an_administrator()
        self.plan = a_plan(monthly=f"{fee / 100:.2f}", per_unit=f"{price / 100:.2f}", meter="used")
        self.firm = buyer(a_subscription(self.plan, started_at=OCTOBER.start))
        self.period, self.now = OCTOBER, moment("2026-10-20 12:00")
        self.session.add(SavedCard(organization_id=self.firm.id, gateway_reference="pm_1", brand="visa", last4="4242", exp_month=12, exp_year=2040, saved_at=self.now))
        #: What has come from outside, and what has gone back there.
        self.came, self.went = 0, 0
        self.begun = True

    def teardown(self) -> None:
        try:
            if self.begun:
                self.all_is_sound()
        finally:
            db.rollback()
            self.stack.close()

    # --- what happens ------------------------------------------------------------------------

    def do(self, act: Callable[[], Any]) -> Any:
        """Done whole or not at all; what is refused in words is no fault."""
        type(self).steps += 1
        self.now += timedelta(seconds=1)
        try:
            with self.session.begin_nested():
                done = act()
                self.session.flush()
                return done
        except (MarketError, payments.BeingPaid):
            type(self).refused += 1
            return None

    @rule()
    def subscribe(self) -> None:
        self.do(lambda: a_subscription(self.plan, organization=self.firm, started_at=self.now))

    @rule(quantity=st.integers(1, 300), days=st.integers(0, 25))
    def use(self, quantity: int, days: int) -> None:
        subscription = self.one(select(Subscription).where(Subscription.organization_id == self.firm.id), 0)
        at = max(self.now - timedelta(days=days), subscription.started_at)
        event = an_event(subscription, self.plan.charges[-1].meter, quantity, at=at)
        provider = self.session.get_one(Provider, subscription.provider_id)
        self.do(lambda: metering.ingest(provider, SOURCE, [event], now=self.now, closed_until=billing.closed_until))

    @rule(which=ONE, value=st.one_of(st.none(), st.integers(0, 400)))
    def correct(self, which: int, value: int | None) -> None:
        mine = select(Subscription.id).where(Subscription.organization_id == self.firm.id)
        event = self.one(select(UsageEvent).where(UsageEvent.subscription_id.in_(mine)).order_by(UsageEvent.id), which)

        def act() -> None:
            judged = correct(event, value, now=self.now, user=self.user)
            if judged.correction is not None and judged.status.value == "proposed":
                approve(judged, self.other, now=self.now)

        if event is not None:
            self.do(act)

    @rule()
    def close_a_month(self) -> None:
        at = max(self.now, billing.final_at(self.period)) + timedelta(minutes=1)

        def act() -> None:
            bill = billing.close(self.firm, self.period, now=at)
            if bill is not None:
                billing.finalize(bill, at=at)

        self.do(act)
        self.now, self.period = at, self.period.next()

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.now = min(self.now + timedelta(days=days), billing.final_at(self.period))
        for bill in billing.due_bills_of(self.firm):
            self.do(lambda bill=bill: billing.mark_overdue(bill, at=self.now))
        self.do(lambda: expiring.expire(self.firm.id, at=self.now))

    @precondition(lambda self: self.bills())
    @rule(which=ONE, fen=st.one_of(st.none(), FEN), surplus=st.booleans())
    def transfer(self, which: int, fen: int | None, surplus: bool) -> None:
        bill = self.pick(self.bills(), which)

        def act() -> int:
            payment = payments.start(bill, by=an_actor(self.user), at=self.now)
            arrival = payments.confirm_arrival(
                payment, amount_fen=fen or bill.owed_fen, payer_name="甲", bank_reference=f"bank-{next(_names)}", arrived_on=local_day(self.now),
                user=self.user, by=an_actor(self.user), at=self.now, partial=True, surplus=surplus,
            )  # fmt: skip
            return arrival.amount_fen

        self.came += self.do(act) or 0

    @precondition(lambda self: self.bills())
    @rule(which=ONE, way=st.sampled_from(["card", "alipay", "wechat_pay"]))
    def go_to_pay(self, which: int, way: str) -> None:
        self.do(lambda: payments.pay_with(self.pick(self.bills(), which), way, by=an_actor(), at=self.now))

    @precondition(lambda self: self.bills())
    @rule(which=ONE)
    def charge_the_saved_card(self, which: int) -> None:
        """As dunning does, but for asking Stripe: what it says of the charge comes as of any payment."""
        self.do(lambda: charging.unattended(self.pick(self.bills(), which).id, f"dunning-{next(_names)}", self.now))

    @rule(fen=FEN)
    def go_to_top_up(self, fen: int) -> None:
        self.do(lambda: payments.top_up(self.firm, fen, way="card", request_key=f"top-{next(_names)}", by=an_actor(), at=self.now))

    @precondition(lambda self: self.by_gateway())
    @rule(which=ONE, says=ENDS)
    def the_gateway_says(self, which: int, says: State) -> None:
        """In any order, twice, and after we had given up."""
        payment = self.pick(self.by_gateway(), which)
        before = payment.status
        found = Found(says, payment.amount_fen, "cny", intent_id=f"pi_{payment.id}", failure_code="card_declined" if says is State.FAILED else "")
        self.do(lambda: outcomes.take_in(payment.id, found, at=self.now))
        if payment.status is PaymentStatus.SUCCEEDED is not before:
            self.came += payment.amount_fen

    @precondition(lambda self: self.by_gateway(PaymentStatus.SUCCEEDED))
    @rule(which=ONE, part=st.integers(1, 100), ends=st.sampled_from(["needs_response", "won", "lost", "lost"]))
    def dispute(self, which: int, part: int, ends: str) -> None:
        payment = self.pick(self.by_gateway(PaymentStatus.SUCCEEDED), which)
        known = self.session.scalar(select(Dispute).where(Dispute.payment_id == payment.id))
        fen = known.amount_fen if known else min(max(payment.amount_fen * part // 100, 1), payments.refundable_fen(payment))
        if fen <= 0:
            return
        was = known.status.value if known else ""
        found = FoundDispute(f"du_{payment.id}", f"pi_{payment.id}", fen, "cny", ends, "fraudulent", self.now, None)
        self.do(lambda: disputing.take_in(payment.id, found, at=self.now))
        if was != "lost" and self.session.scalar(select(Dispute.status).where(Dispute.gateway_reference == f"du_{payment.id}")) == "lost":
            self.went += fen

    @rule(fen=FEN, days=st.integers(0, 60))
    def give(self, fen: int, days: int) -> None:
        def act() -> None:
            given = credit_notes.grant(
                self.firm, fen, reason=GrantReason.PROMOTION, note="促销", expires_on=local_day(self.now + timedelta(days=days)),
                request_key=f"grant-{next(_names)}", user=self.user, by=an_actor(self.user), at=self.now,
            )  # fmt: skip
            if given.status.value == "proposed":
                credit_notes.approve_grant(given, user=self.other, by=an_actor(self.other), at=self.now)

        self.do(act)

    @precondition(lambda self: self.bills())
    @rule(which=ONE, fen=st.one_of(st.none(), FEN))
    def pay_from_balance(self, which: int, fen: int | None) -> None:
        self.do(lambda: credit_notes.use_balance(self.pick(self.bills(), which), at=self.now, most_fen=fen))

    @precondition(lambda self: self.bills())
    @rule(which=ONE, percent=st.integers(1, 100), to=st.sampled_from(Destination))
    def credit(self, which: int, percent: int, to: Destination) -> None:
        bill = self.pick(self.bills(), which)

        def act() -> None:
            most = credit_notes.standing(bill).fen
            proposal = a_credit(bill, Amount(most * percent // 100), user=self.user, at=self.now, destination=to, key=f"credit-{next(_names)}")
            if proposal.credit_note is None:
                credit_notes.approve(proposal, user=self.other, by=an_actor(self.other), at=self.now)

        self.do(act)

    @rule(which=ONE)
    def void(self, which: int) -> None:
        note = self.one(select(CreditNote).where(CreditNote.organization_id == self.firm.id), which)
        if note is not None:
            self.do(lambda: credit_notes.void(note, reason="填错了", by=an_actor(self.user), at=self.now))

    @rule(fen=FEN)
    def ask_back(self, fen: int) -> None:
        self.do(lambda: payments.ask_back(self.firm, fen, request_key=f"back-{next(_names)}", by=an_actor(), at=self.now))

    @rule(which=ONE, does=st.sampled_from(["bank", "bank", "gateway", "gateway", "fail", "retry", "call off"]))
    def settle_a_refund(self, which: int, does: str) -> None:
        request = self.one(select(RefundRequest).where(RefundRequest.organization_id == self.firm.id), which)
        if request is None:
            return
        by, before = an_actor(self.user), request.status
        acts: dict[str, Callable[[], object]] = {
            "bank": lambda: credit_notes.pay(request, bank_reference=f"out-{next(_names)}", paid_on=self.today, user=self.user, by=by, at=self.now),
            "gateway": lambda: self._through_gateway(request),
            "fail": lambda: credit_notes.fail(request, failure="账号不对", user=self.user, by=by, at=self.now),
            "retry": lambda: credit_notes.retry(request, by=by, at=self.now),
            "call off": lambda: credit_notes.call_off(request, by=by, at=self.now),
        }
        self.do(acts[does])
        if request.status is RefundStatus.SUCCEEDED is not before:
            self.went += request.amount_fen

    @precondition(lambda self: self.by_gateway(PaymentStatus.SUCCEEDED))
    @rule(which=ONE, part=st.integers(1, 100), says=st.sampled_from([*SUCCEEDED, State.PROCESSING, State.FAILED]))
    def refund_at_stripe(self, which: int, part: int, says: State) -> None:
        """By somebody in Stripe's own pages; never more than is left there."""
        payment = self.pick(self.by_gateway(PaymentStatus.SUCCEEDED), which)
        fen = min(max(payment.amount_fen * part // 100, 1), payments.refundable_fen(payment))
        if fen > 0:
            found, before = FoundRefund(says, f"re_out_{next(_names)}", "", fen, "cny"), self.gone_by_gateway()
            for _ in range(2):
                self.do(lambda: finding.take_in(payment.id, found, at=self.now))
            self.went += self.gone_by_gateway() - before

    def _through_gateway(self, request: RefundRequest) -> None:
        payment = payments.source_of(request)
        if payment is not None:
            payments.refund(payment, amount_fen=request.amount_fen, reason="", request_key=f"refund-{next(_names)}", by=an_actor(), at=self.now, request=request)

    @rule(which=ONE, says=st.sampled_from([State.SUCCEEDED, State.SUCCEEDED, State.PROCESSING, State.FAILED]))
    def the_gateway_says_of_a_refund(self, which: int, says: State) -> None:
        """Also that one failed which had long gone out."""
        made = self.one(select(Refund).join(Refund.payment).where(Payment.organization_id == self.firm.id), which)
        if made is None:
            return
        found, before = FoundRefund(says, made.gateway_reference or f"re_{made.id}", "", made.amount_fen, "cny"), self.gone_by_gateway()
        self.do(lambda: refunding.take_in(made.id, found, at=self.now))
        self.went += self.gone_by_gateway() - before

    def gone_by_gateway(self) -> int:
        query = select(func.coalesce(func.sum(Refund.amount_fen), 0)).join(Refund.payment)
        query = query.where(Payment.organization_id == self.firm.id, Refund.status == GatewayRefundStatus.SUCCEEDED)
        return int(self.session.scalar(query) or 0)

    # --- what always holds -------------------------------------------------------------------

    @invariant()
    def bills_and_lots_are_within_bounds(self) -> None:
        if not self.begun:
            return
        for bill in self.bills():
            assert bill.paid_fen >= 0 and bill.paid_fen + bill.credited_fen <= bill.gross_fen
            assert (bill.status in billing.DUE) == (bill.owed_fen > 0) or bill.status is BillStatus.DRAFT, (bill.status, bill.owed_fen)
        lots = self.session.scalar(select(func.coalesce(func.sum(BalanceLot.rest_fen), 0)).where(BalanceLot.organization_id == self.firm.id))
        assert lots == credit_notes.balance(self.firm) >= credit_notes.purchased(self.firm) >= 0

    def all_is_sound(self) -> None:
        """The books are right in every detail, and hold what came less what went."""
        self.session.flush()
        self.session.expire_all()
        assert list(ledger.verify()) == []
        before = ledger.sums()
        assert ledger.post_due(self.now) == 0 and ledger.sums() == before
        money = sum(fen for (kind, _), fen in before.items() if kind in (AccountKind.CASH, AccountKind.DISPUTED))
        assert money == self.came - self.went, (money, self.came, self.went)
        assert sum(each.debit_fen for each in ledger.totals()) == sum(each.credit_fen for each in ledger.totals())
        for bill in self.bills():
            differs = [(each.field, each.billed, each.expected) for each in billing.verify(billing.bill_by_id(bill.id))]
            assert differs == [], (bill, bill.cutoff, differs)

    # --- looking things up -------------------------------------------------------------------

    @property
    def today(self) -> date:
        return local_day(self.now)

    def bills(self) -> list[Bill]:
        query = select(Bill).where(Bill.organization_id == self.firm.id, Bill.number.is_not(None)).order_by(Bill.id)
        return list(self.session.scalars(query))

    def by_gateway(self, *states: PaymentStatus) -> list[Payment]:
        query = select(Payment).where(Payment.organization_id == self.firm.id, Payment.gateway == "stripe").order_by(Payment.id)
        return list(self.session.scalars(query.where(Payment.status.in_(states)) if states else query))

    def one(self, query: Any, which: int) -> Any:
        found = self.session.scalars(query).all()
        return found[which % len(found)] if found else None

    def pick(self, found: list[T], which: int) -> T:
        return found[which % len(found)]


@pytest.fixture
def marketplace(database: None, settings: Settings, clock: Any) -> Iterator[type[Marketplace]]:
    """With a gateway that is set up but never reached: nothing is committed, so nobody calls it."""
    resources.install(replace(settings, stripe_key="sk_test_never_used"), with_clock=clock)
    yield Marketplace
    print(f"{Marketplace.steps} steps, {Marketplace.refused} of them refused in words")


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("machines", "steps"), [(3, 25), pytest.param(140, 100, marks=[pytest.mark.soak, pytest.mark.timeout(7200)])]
)
def test_no_fen_is_lost_or_doubled(marketplace: type[Marketplace], machines: int, steps: int) -> None:
    how = trying(max_examples=machines, stateful_step_count=steps, deadline=None, suppress_health_check=CHECKS, print_blob=True, phases=[Phase.generate])
    run_state_machine_as_test(marketplace, settings=how)
