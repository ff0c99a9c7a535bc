"""Nothing new is sold to a firm whose services are stopped, from the moment on that they are."""

from __future__ import annotations

from datetime import datetime

import pytest

from market import billing, db, dunning, resources, subscriptions
from market.accounts import Organization
from market.billing import Bill
from tests.builders.accounts import PASSWORD, a_city, a_member, an_actor
from tests.builders.billing import moment
from tests.builders.catalog import a_plan, an_offering
from tests.builders.dunning import an_unpaid_bill, sweep
from tests.builders.subscriptions import a_waiting_order
from tests.support.client import Client

#: A last notice, then the day that it named.
SWEEPS = ("2026-12-03 10:00", "2026-12-10 10:00")
AT = moment("2026-12-10 12:00")


def the_firm(bill: Bill) -> Organization:
    return db.session.get_one(Organization, bill.organization_id)


def buy(bill: Bill, *, at: datetime = AT, key: str = "k") -> subscriptions.Order:
    user = a_member(the_firm(bill))
    return subscriptions.order(the_firm(bill), a_plan(monthly="9.00"), request_key=key, estimate={}, user=user, by=an_actor(user), at=at)


@pytest.mark.usefixtures("session")
class TestOrdering:
    def test_it_is_refused_until_the_bill_is_paid(self) -> None:
        bill = an_unpaid_bill()
        sweep(*SWEEPS[:1])
        buy(bill, key="before")
        sweep(*SWEEPS[1:])
        with pytest.raises(dunning.UnpaidFirst, match=f"{bill.number}.*¥150.00"):
            buy(bill)
        billing.receive(bill, bill.owed_fen, by=an_actor(), at=AT)
        assert buy(bill).subscription_id

    def test_also_where_there_was_nothing_left_to_stop(self) -> None:
        bill = an_unpaid_bill()
        for each in subscriptions.subscriptions_of(the_firm(bill)):
            subscriptions.cancel(each, when="now", reason="不用了", by=an_actor(), at=moment("2026-11-20 10:00"))
        sweep(*SWEEPS)
        with pytest.raises(dunning.UnpaidFirst):
            buy(bill)

    def test_an_order_that_waits_is_not_approved_meanwhile(self) -> None:
        bill = an_unpaid_bill()
        order = a_waiting_order(the_firm(bill), at=moment("2026-12-09 10:00"))
        sweep(*SWEEPS)
        owner = a_member(the_firm(bill))
        with pytest.raises(dunning.UnpaidFirst):
            subscriptions.approve(order, user=owner, by=an_actor(owner), at=AT)


def test_the_page_says_which_bill_and_what_to_do(client: Client) -> None:
    with db.transaction():
        bill = an_unpaid_bill()
        a_city()
        a_plan(an_offering(slug="backup", plans=False), monthly="99.00")
        email = a_member(the_firm(bill)).email
    sweep(*SWEEPS)
    resources.clock.set(AT)
    client.sign_in(email, PASSWORD)
    page = client.page("/offerings/backup/subscribe").submit(button="确认订阅", agree="y")
    assert page.status == 409
    assert str(bill.number) in page.text and "付清 ¥150.00" in page.text
