"""What administrators see of tasks that providers leave undone."""

from __future__ import annotations

from market import db, subscriptions
from market.accounts.models import Role
from tests.builders.accounts import PASSWORD, an_actor, an_administrator
from tests.builders.subscriptions import ORDERED, a_subscription, the_request


def test_what_is_overdue_and_what_has_failed(database, client):
    with db.transaction():
        office = an_administrator(Role.REVIEWER)
        late, failed = a_subscription(started_at=None), a_subscription(started_at=None)
        subscriptions.fail(the_request(failed), reason="没有库存", by=an_actor(), at=ORDERED)
    client.sign_in(office.email, PASSWORD)
    page = client.page("/admin/provisioning/")
    assert "超时两天以上" in page.text
    assert late.public_id in page.text
    page = client.page("/admin/provisioning/?show=failed")
    assert "没有库存" in page.text
    assert late.public_id not in page.text
