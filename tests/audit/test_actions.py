"""The audit trail."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from market import audit
from tests.builders.accounts import a_user, an_organization

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def test_a_row_says_who_did_what_to_which_thing_and_why(session: Session) -> None:
    organization = an_organization(name="示例五金")
    user = a_user(name="示例老板")
    by = audit.Actor("user", user.id, user.name, organization.id, "192.0.2.7")
    audit.record(
        "organization.renamed", organization, by=by, at=NOW, reason="换了执照", before={"name": "旧"}, after={"name": "新"}
    )
    (event,) = audit.history(organization)
    assert (event.action, event.actor_label, event.subject_label) == ("organization.renamed", "示例老板", "示例五金")
    assert (event.reason, event.before, event.after) == ("换了执照", {"name": "旧"}, {"name": "新"})
    assert (event.organization_id, event.address, event.at) == (organization.id, "192.0.2.7", NOW)


def test_an_organization_reads_its_own_rows_only(session: Session) -> None:
    ours, theirs = an_organization(), an_organization()
    for organization in (ours, theirs):
        audit.record("organization.seen", organization, by=audit.system("test", organization_id=organization.id), at=NOW)
    rows = session.scalars(audit.events(organization_id=ours.id)).all()
    assert [row.subject_id for row in rows] == [ours.id]


def test_newest_comes_first_and_an_action_can_be_searched_by_its_start(session: Session) -> None:
    organization = an_organization()
    for action in ("bill.finalized", "bill.paid", "payment.started"):
        audit.record(action, organization, by=audit.system("test"), at=NOW)
    assert [row.action for row in session.scalars(audit.events(action="bill."))] == ["bill.paid", "bill.finalized"]
