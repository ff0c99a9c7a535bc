"""What recorded actions were done to, by the names that people know instead of by codes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from market import db
from market.billing.credit_notes import RefundRequest
from market.catalog import Meter, OfferingRevision, Plan, RevisionStatus
from market.metering.corrections import UsageCorrection
from market.metering.reconciliation import ReconciledDay
from market.policies import PolicyVersion
from market.providers import Provider
from market.quality import ProblemReport, Requirement, Review
from market.recommended import Edition, Entry
from market.subscriptions import Order, ProvisioningRequest, Subscription
from market.web import formats, policy_notices

Found = dict[int, str]


def _subscriptions(ids: Collection[int]) -> Found:
    wanted = select(Subscription).where(Subscription.id.in_(ids)).options(joinedload(Subscription.revision))
    return {one.id: _name(one.revision) for one in db.session.scalars(wanted)}


def _orders(ids: Collection[int]) -> Found:
    wanted = select(Order).where(Order.id.in_(ids)).options(joinedload(Order.revision))
    return {one.id: _name(one.revision) for one in db.session.scalars(wanted)}


def _requests(ids: Collection[int]) -> Found:
    service = joinedload(ProvisioningRequest.subscription).joinedload(Subscription.revision)
    wanted = select(ProvisioningRequest).where(ProvisioningRequest.id.in_(ids)).options(service)
    return {one.id: _name(one.subscription.revision) for one in db.session.scalars(wanted)}


def _offerings(ids: Collection[int]) -> Found:
    """By what buyers read; what is not live yet, by its newest draft."""
    wanted = select(OfferingRevision).where(OfferingRevision.offering_id.in_(ids))
    shown = OfferingRevision.status == RevisionStatus.PUBLISHED
    return {one.offering_id: _name(one) for one in db.session.scalars(wanted.order_by(shown, OfferingRevision.number))}


def _revisions(ids: Collection[int]) -> Found:
    found = db.session.scalars(select(OfferingRevision).where(OfferingRevision.id.in_(ids)))
    return {one.id: _version(_name(one), one.number) for one in found}


def _plans(ids: Collection[int]) -> Found:
    found = db.session.scalars(select(Plan).where(Plan.id.in_(ids)))
    return {one.id: _version(formats.local(one, "name"), one.version_number) for one in found}


def _entries(ids: Collection[int]) -> Found:
    return _by_offering(select(Entry.id, Entry.offering_id).where(Entry.id.in_(ids)))


def _days(ids: Collection[int]) -> Found:
    """What was used, and when."""
    wanted = select(ReconciledDay).where(ReconciledDay.id.in_(ids)).options(joinedload(ReconciledDay.meter))
    return {one.id: f"{formats.local(one.meter, 'name')} · {formats.date(one.day)}" for one in db.session.scalars(wanted)}


def _corrections(ids: Collection[int]) -> Found:
    """Which service, and which month."""
    service = joinedload(UsageCorrection.subscription).joinedload(Subscription.revision)
    found = db.session.scalars(select(UsageCorrection).where(UsageCorrection.id.in_(ids)).options(service))
    return {one.id: f"{_name(one.subscription.revision)} · {formats.month(one.period)}" for one in found}


def _meters(ids: Collection[int]) -> Found:
    return {one.id: formats.local(one, "name") for one in db.session.scalars(select(Meter).where(Meter.id.in_(ids)))}


def _policies(ids: Collection[int]) -> Found:
    found = db.session.scalars(select(PolicyVersion).where(PolicyVersion.id.in_(ids)))
    return {one.id: _("%(policy)s第 %(number)d 版", policy=policy_notices.title(one.subject), number=one.number) for one in found}


def _reviews(ids: Collection[int]) -> Found:
    return _by_offering(select(Review.id, Review.offering_id).where(Review.id.in_(ids)))


def _reports(ids: Collection[int]) -> Found:
    return _by_offering(select(ProblemReport.id, ProblemReport.offering_id).where(ProblemReport.id.in_(ids)))


def _requirements(ids: Collection[int]) -> Found:
    """By how it begins: nobody gave it a name."""
    query = select(Requirement.id, Requirement.text).where(Requirement.id.in_(ids))
    return {id: text if len(text) <= 20 else f"{text[:19]}…" for id, text in db.session.execute(query)}


def _by_offering(query: Select[int, int]) -> Found:
    """What is about an offering, by the offering's name."""
    offering_of = {id: offering for id, offering in db.session.execute(query)}
    names = _offerings(set(offering_of.values()))
    return {id: names[offering] for id, offering in offering_of.items() if offering in names}


def _refunds(ids: Collection[int]) -> Found:
    """By the amount, as on the pages of the refund."""
    wanted = select(RefundRequest.id, RefundRequest.amount_fen).where(RefundRequest.id.in_(ids))
    return {id: formats.money(fen) for id, fen in db.session.execute(wanted)}


def _version(name: str, number: int) -> str:
    return _("%(name)s（第 %(number)s 版）", name=name, number=number)


def _providers(ids: Collection[int]) -> Found:
    return {one.id: formats.local(one, "name") for one in db.session.scalars(select(Provider).where(Provider.id.in_(ids)))}


def _editions(ids: Collection[int]) -> Found:
    return {one.id: formats.local(one, "name") for one in db.session.scalars(select(Edition).where(Edition.id.in_(ids)))}


def _name(revision: OfferingRevision) -> str:
    return formats.local(revision.facts, "name")


LOOKUPS: Mapping[str, Callable[[Collection[int]], Found]] = {
    "Subscription": _subscriptions,
    "Order": _orders,
    "ProvisioningRequest": _requests,
    "Offering": _offerings,
    "OfferingRevision": _revisions,
    "Plan": _plans,
    "Provider": _providers,
    "Edition": _editions,
    "Entry": _entries,
    "Meter": _meters,
    "ReconciledDay": _days,
    "UsageCorrection": _corrections,
    "PolicyVersion": _policies,
    "Review": _reviews,
    "ProblemReport": _reports,
    "Requirement": _requirements,
    "RefundRequest": _refunds,
}
