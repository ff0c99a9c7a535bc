"""Verbs about an offering and its words: adding, editing, taking down.

Facts are written in a draft or returned revision only; a published one is never touched, its
successor is (`start_revision`). Whether it goes live is decided in `review`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from market import audit, db
from market.catalog import facts
from market.catalog.categories import Category
from market.catalog.models import (
    EDITABLE,
    OFFERING_LIFECYCLE,
    PENDING,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Provisioning,
    RevisionStatus,
)
from market.catalog.signals import offering_changed
from market.catalog.slugs import SLUG
from market.errors import Invalid, Refused
from market.providers import Provider

#: More than anybody will ever sell.
MOST_PLACES = 1_000_000
LIMIT_WORDS = "填 1 到 1000000 之间的整数，不限就留空。"


class SlugTaken(Refused):
    """Another offering has this address."""

    code = "offering_slug_taken"
    message = "已有服务用了这个网址名“%(slug)s”，请换一个。"


class RevisionPending(Refused):
    """There is a revision under way already; two at once would overwrite each other."""

    code = "revision_pending"
    message = "这项服务已有一份修改在进行，请先改完那一份。"


class NotEditable(Refused):
    """The revision has been submitted or decided; what is reviewed must not change meanwhile."""

    code = "revision_not_editable"
    message = "内容已提交审核或已发布，现在不能改。"


class Retired(Refused):
    """A retired offering stays as it was for the sake of its past subscribers."""

    code = "offering_retired"
    message = "这项服务已经下架，不能再修改。"


class ReasonMissing(Invalid):
    """The provider will read the reason word for word, so there has to be one."""

    code = "reason_missing"
    message = "写明原因，服务商会原样看到。"

    def __init__(self) -> None:
        super().__init__(fields={"reason": self.message})


def add_offering(
    provider: Provider,
    *,
    slug: str,
    category_slug: str,
    facts: Mapping[str, Any],
    provisioning: Provisioning | str,
    by: audit.Actor,
    at: datetime,
) -> OfferingRevision:
    """A new offering with its first draft. Raises SlugTaken, Invalid (slug, category) or FactsInvalid."""
    _check_address(slug, category_slug)
    offering = Offering(
        provider=provider,
        slug=slug,
        category_slug=category_slug,
        status=OfferingStatus.UNLISTED,
        provisioning=Provisioning(provisioning),
        created_at=at,
        plans=[],
        revisions=[],
    )
    try:
        with db.session.begin_nested():
            db.session.add(offering)
    except IntegrityError as error:
        raise SlugTaken(field="slug", slug=slug) from error
    after = {"slug": slug, "category": category_slug, "provisioning": offering.provisioning}
    record("offering.added", offering, offering, by=by, at=at, after=after)
    return _add_revision(offering, number=1, content=_read({}, facts, category_slug), by=by, at=at)


def start_revision(offering: Offering, *, by: audit.Actor, at: datetime) -> OfferingRevision:
    """The next draft, a copy of the newest words; the published revision stays live beside it.

    Raises RevisionPending while another one is under way, Retired for a retired offering.
    """
    db.lock(offering)  # two who start at once take turns, and the second sees the first one's draft
    if offering.status is OfferingStatus.RETIRED:
        raise Retired
    if pending_revision(offering) is not None:
        raise RevisionPending
    newest = db.session.scalars(
        select(OfferingRevision)
        .where(OfferingRevision.offering_id == offering.id)
        .order_by(OfferingRevision.number.desc())
        .limit(1)
    ).one()
    return _add_revision(offering, number=newest.number + 1, content=dict(newest.facts), by=by, at=at)


def edit(revision: OfferingRevision, changes: Mapping[str, Any], *, by: audit.Actor, at: datetime) -> None:
    """Write some facts of a draft or returned revision. Raises NotEditable, FactsInvalid.

    A draft may be incomplete; what is written must only be readable.
    """
    db.lock(revision)
    if revision.status not in EDITABLE:
        raise NotEditable
    before = revision.facts
    after = _read(before, changes, offering_of_revision(revision).category_slug)
    changed = [name for name in after if after[name] != before.get(name)]
    revision.facts, revision.changed_at, revision.changed_by, revision.changed_by_id = after, at, by.label, by.user_id
    if changed:
        _record_revision("revision.edited", revision, by=by, at=at,
                         before={name: before.get(name) for name in changed},
                         after={name: after[name] for name in changed})  # fmt: skip


def set_provisioning(offering: Offering, provisioning: Provisioning | str, *, by: audit.Actor, at: datetime) -> None:
    """Set up new subscriptions by hand or by webhook from now on."""
    db.lock(offering)
    before, offering.provisioning = offering.provisioning, Provisioning(provisioning)
    if before is not offering.provisioning:
        record("offering.provisioning_changed", offering, offering, by=by, at=at,
               before={"provisioning": before}, after={"provisioning": offering.provisioning})  # fmt: skip


def set_limits(
    offering: Offering, *, total: int | None, per_organization: int | None, by: audit.Actor, at: datetime
) -> None:
    """How many subscriptions there can be from now on, in all and for one firm; None: as many as are ordered.

    What is running goes on, also above a limit. Raises Invalid.
    """
    limits = {"limit_total": total, "limit_per_organization": per_organization}
    if wrong := {name: LIMIT_WORDS for name, limit in limits.items() if limit is not None and not 1 <= limit <= MOST_PLACES}:
        raise Invalid(fields=wrong)
    db.lock(offering)
    before = {name: getattr(offering, name) for name in limits}
    if before == limits:
        return
    offering.limit_total, offering.limit_per_organization = total, per_organization
    record("offering.limits_changed", offering, offering, by=by, at=at, before=before, after=limits)


def suspend(offering: Offering, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Take an offering out of the storefront for a while; running subscriptions go on."""
    _move(offering, OfferingStatus.SUSPENDED, "offering.suspended", reason=given(reason), by=by, at=at)


def reinstate(offering: Offering, *, by: audit.Actor, at: datetime) -> None:
    """Back into the storefront."""
    if offering.status is not OfferingStatus.SUSPENDED:
        OFFERING_LIFECYCLE.check(offering.status, OfferingStatus.SUSPENDED)
        raise Refused
    _move(offering, OfferingStatus.LIVE, "offering.reinstated", by=by, at=at)


def retire(offering: Offering, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Take an offering down for good; running subscriptions keep what they bought."""
    _move(offering, OfferingStatus.RETIRED, "offering.retired", reason=given(reason), by=by, at=at)


# --- shared inside the domain ------------------------------------------------------------


def pending_revision(offering: Offering) -> OfferingRevision | None:
    """The revision on its way, if there is one."""
    query = select(OfferingRevision).where(
        OfferingRevision.offering_id == offering.id, OfferingRevision.status.in_(PENDING)
    )
    return db.session.scalar(query)


def offering_of_revision(revision: OfferingRevision) -> Offering:
    """The offering, whether or not the relationship was loaded."""
    return db.session.get_one(Offering, revision.offering_id)


def given(reason: str) -> str:
    """The reason without surrounding blanks. Raises ReasonMissing when nothing is left."""
    if not reason.strip():
        raise ReasonMissing
    return reason.strip()


def record(action: str, subject: db.Base, offering: Offering, **details: Any) -> None:
    """Audit a change so that the provider can read it, whoever made it."""
    provider = db.session.get_one(Provider, offering.provider_id)
    audit.record(action, subject, organization_id=provider.organization_id, **details)


def _record_revision(action: str, revision: OfferingRevision, **details: Any) -> None:
    record(action, revision, offering_of_revision(revision), **details)


def _move(
    offering: Offering, to: OfferingStatus, action: str, *, by: audit.Actor, at: datetime, reason: str = ""
) -> None:
    db.lock(offering)
    before = offering.status
    OFFERING_LIFECYCLE.move(offering, to)
    record(action, offering, offering, by=by, at=at, reason=reason, before={"status": before}, after={"status": to})
    offering_changed.send(offering, at=at)


def _add_revision(
    offering: Offering, *, number: int, content: dict[str, Any], by: audit.Actor, at: datetime
) -> OfferingRevision:
    try:
        with db.session.begin_nested():
            revision = OfferingRevision(
                offering=offering, number=number, status=RevisionStatus.DRAFT, facts=content,
                created_at=at, changed_at=at, changed_by=by.label, changed_by_id=by.user_id, comments=[],
            )  # fmt: skip
            db.session.add(revision)
    except IntegrityError as error:
        raise RevisionPending from error
    record("revision.started", revision, offering, by=by, at=at, after={"number": number})
    return revision


def _check_address(slug: str, category_slug: str) -> None:
    problems: dict[str, str] = {}
    if not SLUG.fullmatch(slug):
        problems["slug"] = "网址名只用小写字母、数字和连字符，最多 60 个，例如 cloud-backup。"
    category = db.session.get(Category, category_slug)
    if category is None or category.parent_slug is not None:
        problems["category_slug"] = "选择四大类中的一类。"
    if problems:
        raise Invalid(fields=problems)
    if db.session.scalar(select(func.count()).select_from(Offering).where(Offering.slug == slug)):
        raise SlugTaken(field="slug", slug=slug)


def _read(before: Mapping[str, Any], changes: Mapping[str, Any], category_slug: str) -> dict[str, Any]:
    """The facts after the changes, checked, as JSON values. Raises FactsInvalid."""
    parsed = facts.parse({**before, **changes})
    content = facts.dump(parsed)
    chosen = content["subcategory"]
    if chosen and "subcategory" in changes:
        category = db.session.get(Category, chosen)
        if category is None or category.parent_slug != category_slug:
            raise facts.FactsInvalid([facts.Problem("subcategory", "这一小类不在所选的大类里，请重新选择。", {})])
    return content
