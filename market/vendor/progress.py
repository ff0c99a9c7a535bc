"""Where an offering stands between the provider's desk and the storefront, in words for the provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from market import catalog, db
from market.catalog import (
    EDITABLE,
    UNDER_REVIEW,
    Missing,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Provisioning,
    ReviewComment,
    RevisionStatus,
    Section,
)
from market.web import facts, formats, guards


@dataclass(frozen=True)
class Standing:
    """An offering with the revision under way and what it still lacks."""

    offering: Offering
    pending: OfferingRevision | None
    #: The newest revision if it was refused and nothing followed.
    refused: OfferingRevision | None
    missing: Sequence[Missing]

    @property
    def name(self) -> str:
        """The name in the newest words."""
        return name(self.offering)

    @property
    def editable(self) -> bool:
        """Whether words and plans can be written now."""
        return self.pending is not None and self.pending.status in EDITABLE

    @property
    def waiting(self) -> bool:
        """Whether it is on the administrators' desk."""
        return self.pending is not None and self.pending.status in UNDER_REVIEW

    @property
    def can_revise(self) -> bool:
        """Whether a next version may be started."""
        return self.pending is None and self.offering.status is not OfferingStatus.RETIRED

    @property
    def changed_at(self) -> datetime:
        """When somebody wrote something last."""
        return newest(self.offering).changed_at

    @property
    def next_step(self) -> str:
        """What the provider does next, in a sentence."""
        if self.waiting:
            return _("等审核结果，不用做什么")
        if self.editable and self.missing:
            return _("还差 %(count)s 项必填", count=len(self.missing))
        if self.pending is not None and self.pending.status is RevisionStatus.RETURNED:
            return _("按审核意见修改，再提交")
        if self.editable:
            return _("都填好了，可以提交审核")
        if self.refused is not None:
            return _("看原因，重新写一份")
        return {
            OfferingStatus.LIVE: _("客户可以订阅"),
            OfferingStatus.SUSPENDED: _("客户看得到，不能新订阅"),
            OfferingStatus.RETIRED: _("不再销售，老客户照用"),
        }.get(self.offering.status, "")


def of(offering: Offering) -> Standing:
    """How things stand. Needs the offering loaded for its provider."""
    last = newest(offering)
    pending = last if last.status in catalog.PENDING else None
    refused = last if last.status is RevisionStatus.REFUSED else None
    return Standing(offering, pending, refused, catalog.missing(last) if pending and last.status in EDITABLE else ())


def newest(offering: Offering) -> OfferingRevision:
    """The latest revision: the one under way if there is one."""
    return offering.revisions[-1]


def saved_by(offering: Offering) -> str:
    """Who wrote the newest words last; empty for what came with the catalogue."""
    label = newest(offering).changed_by
    return "" if label == "seed" else label


def name(offering: Offering) -> str:
    """What it is called in its newest words, or its address while it has no name."""
    return formats.local(newest(offering).facts, "name") or offering.slug


def comments(offering: Offering) -> dict[str, list[ReviewComment]]:
    """What reviewers said about the newest revision, by field, oldest first."""
    found: dict[str, list[ReviewComment]] = {}
    for comment in newest(offering).comments:
        found.setdefault(comment.field, []).append(comment)
    return found


def after(section: Section) -> Section | None:
    """The section that follows on the list."""
    place = catalog.SECTIONS.index(section) + 1
    return catalog.SECTIONS[place] if place < len(catalog.SECTIONS) else None


def section_of(offering: Offering, field: str) -> str:
    """The address of the page on which a field is written."""
    if field == "plans" or field.startswith("plans."):
        return url_for("vendor.offerings.plans.index", offering_id=offering.id)
    slug = next(
        (section.slug for section in catalog.SECTIONS for fact in section.facts if field in fact.fields),
        catalog.SECTIONS[0].slug,
    )
    return url_for("vendor.offerings.edit", id=offering.id, section=slug, _anchor=f"{field}-box")


def label_of(offering: Offering, field: str) -> str:
    """What a field is called, a plan by its name."""
    if field in catalog.OF_FIELD:
        return facts.label(catalog.OF_FIELD[field], field)
    slug = field.removeprefix("plans.")
    plan = next((plan for plan in reversed(offering.plans) if plan.slug == slug), None)
    return _("套餐“%(name)s”", name=formats.local(plan, "name")) if plan else _("套餐")


def tasks(offering: Offering) -> list[dict[str, Any]]:
    """The task list: every section, the plans, how it is set up."""
    standing, may_edit = of(offering), guards.can("offerings.edit")
    remarks, empty = comments(offering), dict[str, list[str]]()
    for gap in standing.missing:
        empty.setdefault(gap.section, []).append(formats.local(gap._asdict(), "label"))
    returned = newest(offering).status is RevisionStatus.RETURNED
    rows = [
        _task(
            formats.local(section, "title"),
            url_for("vendor.offerings.edit", id=offering.id, section=section.slug) if standing.editable and may_edit else "",
            empty.get(section.slug, []),
            sum(len(remarks.get(name, ())) for fact in section.facts for name in fact.fields),
            returned=returned,
            untouched=not any(newest(offering).facts.get(name) for fact in section.facts for name in fact.fields),
        )
        for section in catalog.SECTIONS
    ]
    about_plans = sum(len(said) for field, said in remarks.items() if field.partition(".")[0] == "plans")
    rows.append(_task(_("套餐与价格"), url_for("vendor.offerings.plans.index", offering_id=offering.id), empty.get("plans", []), about_plans, returned=returned))
    by_hand = offering.provisioning is Provisioning.MANUAL
    way = {"note": _("人工开通") if by_hand else _("系统开通"), "done": True}
    address = url_for("vendor.offerings.provisioning", id=offering.id) if may_edit else ""
    return [*rows, {"label": _("开通方式"), "url": address} | way, *_selling(offering, may_edit)]


def _selling(offering: Offering, may_edit: bool) -> list[dict[str, Any]]:
    """What belongs to selling it: how many there are, agreed prices, new prices for old customers."""
    total, each = offering.limit_total, offering.limit_per_organization
    limits = [_("一共 %(count)s 份", count=total)] if total else []
    limits += [_("一家企业最多 %(count)s 份", count=each)] if each else []
    places = _("；").join(limits) or _("不限")
    listed = offering.status is not OfferingStatus.UNLISTED
    address = url_for("vendor.offerings.limits", id=offering.id) if may_edit else ""
    rows = [{"label": _("名额"), "url": address, "note": places, "done": True}]
    for label, endpoint in ((_("商定套餐"), "private_plans"), (_("给老客户改价"), "price_changes")):
        address = url_for(f"vendor.offerings.{endpoint}.index", offering_id=offering.id)
        rows.append({"label": label, "url": address, "optional": True, "done": False, "note": ""})
    return rows if listed else rows[:1]


def _task(label: str, url: str, gaps: list[str], remarks: int, *, returned: bool, untouched: bool = False) -> dict[str, Any]:
    notes = [_("还差 %(count)s 项：%(what)s", count=len(gaps), what=_("、").join(gaps[:4]) + ("…" if len(gaps) > 4 else ""))] if gaps else []
    notes += [_("%(count)s 条审核意见", count=remarks)] if remarks else []
    done = not gaps and not untouched
    return {"label": label, "url": url, "done": done, "optional": not gaps, "note": _("；").join(notes),
            "warning": _("有审核意见") if remarks and returned else ""}  # fmt: skip


def gaps(standing: Standing) -> list[tuple[str, list[Missing]]]:
    """What is missing, section by section, with the section's title."""
    titles = {section.slug: formats.local(section, "title") for section in catalog.SECTIONS} | {"plans": _("套餐与价格")}
    found: dict[str, list[Missing]] = {}
    for gap in standing.missing:
        found.setdefault(titles[gap.section], []).append(gap)
    return list(found.items())


def changes(offering: Offering) -> list[dict[str, str]]:
    """What the draft says differently from what is published; nothing for a first revision."""
    if offering.live_revision is None or newest(offering) is offering.live_revision:
        return []
    known = facts.names()
    return [
        {
            "label": facts.label(change.fact, change.field),
            "old": facts.text(change.fact, _plain(change.before), known),
            "new": facts.text(change.fact, _plain(change.after), known),
        }
        for change in catalog.changes(newest(offering))
    ]


def place_in_queue(offering: Offering) -> int | None:
    """How many reviews are decided before this one, itself counted; None when it does not wait."""
    ids = [revision.id for revision in db.session.scalars(catalog.review_queue())]
    last = newest(offering).id
    return ids.index(last) + 1 if last in ids else None


def _plain(value: Any) -> Any:
    """A fact's value as it is stored: rows as mappings."""
    if isinstance(value, list):
        return [entry.model_dump(mode="json") if hasattr(entry, "model_dump") else entry for entry in value]
    return value
