"""Loading offerings: words through a revision, prices through plan versions, both published together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from market import audit, db
from market.catalog import actions, plans, review
from market.catalog.models import (
    PENDING,
    Charge,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    RevisionStatus,
)
from market.catalog.seed import shapes
from market.providers import Provider


class Offerings:
    """Writes offerings; complaints go to `problems`, outcomes to `count`."""

    def __init__(
        self, count: Callable[[str], None], problems: list[str], *, by: audit.Actor, at: datetime
    ) -> None:
        self.count, self.problems, self.by, self.at = count, problems, by, at
        query = select(Offering).options(
            selectinload(Offering.revisions),
            selectinload(Offering.plans).selectinload(Plan.charges).joinedload(Charge.meter),
        )
        found = db.session.scalars(query, execution_options={"populate_existing": True})
        self.known = {offering.slug: offering for offering in found}

    def load(self, provider: Provider, seed: shapes.Provider) -> None:
        """All of one provider's offerings, live as the files say."""
        for each in seed.offerings:
            known = self.known.get(each.slug)
            if known is None:
                self._add(provider, each)
                self.count("created")
            elif known.provider_id != provider.id:
                self.problems.append(f"{each.path}: 网址名“{each.slug}”已被另一家服务商用了")
            else:
                self.count("changed" if self._update(known, each, seed.seed.tax_rate) else "unchanged")

    def _add(self, provider: Provider, seed: shapes.Offering) -> None:
        revision = actions.add_offering(
            provider, slug=seed.slug, category_slug=seed.seed.category, facts=seed.facts,
            provisioning=seed.seed.provisioning, by=self.by, at=self.at,
        )  # fmt: skip
        for place, plan in enumerate(seed.plans):
            self._save(revision.offering, plan, place)
        self._publish(revision)

    def _update(self, offering: Offering, seed: shapes.Offering, tax_rate: str) -> bool:
        live = _live_revision(offering)
        if live is None or not self._is_ours(offering, live):
            return False
        sold = {plan.slug: plan for plan in offering.plans if plan.status is PlanStatus.PUBLISHED}
        stale = [
            (place, plan) for place, plan in enumerate(seed.plans)
            if plan.seed.slug not in sold or _shown(sold[plan.seed.slug]) != _wanted(plan, place, tax_rate)
        ]  # fmt: skip
        gone = [plan for slug, plan in sold.items() if slug not in {each.seed.slug for each in seed.plans}]
        moved = self._move(offering, seed)
        if not (moved or stale or gone or seed.facts != live.facts):
            return False
        revision = actions.start_revision(offering, by=self.by, at=self.at)
        actions.edit(revision, seed.facts, by=self.by, at=self.at)
        for place, plan in stale:
            self._save(offering, plan, place)
        self._publish(revision)
        for old in gone:
            plans.drop_plan(old, by=self.by, at=self.at, reason="种子文件里已没有这个套餐")
        return True

    def _is_ours(self, offering: Offering, live: OfferingRevision) -> bool:
        """Whether nobody but the seed has written here; what a person took over is left alone."""
        under_way = any(revision.status in PENDING for revision in offering.revisions)
        return offering.status is OfferingStatus.LIVE and live.changed_by == self.by.label and not under_way

    def _move(self, offering: Offering, seed: shapes.Offering) -> bool:
        category, provisioning = seed.seed.category, seed.seed.provisioning
        moved = offering.category_slug != category or offering.provisioning != provisioning
        if offering.category_slug != category:
            before, offering.category_slug = offering.category_slug, category
            actions.record(
                "offering.moved", offering, offering, by=self.by, at=self.at,
                before={"category": before}, after={"category": category},
            )  # fmt: skip
        actions.set_provisioning(offering, provisioning, by=self.by, at=self.at)
        return moved

    def _save(self, offering: Offering, plan: shapes.Plan, place: int) -> None:
        words = plan.seed
        plans.save_plan(
            offering, slug=words.slug, name_zh=words.name_zh, name_en=words.name_en, summary_zh=words.summary_zh,
            summary_en=words.summary_en, trial_days=plan.trial_days, position=place,
            charges=[vars(charge) for charge in plan.charges], quantity=words.quantity, by=self.by, at=self.at,
        )  # fmt: skip

    def _publish(self, revision: OfferingRevision) -> None:
        review.submit(revision, by=self.by, at=self.at)
        review.claim(revision, reviewer=None, by=self.by, at=self.at)
        review.approve(revision, by=self.by, at=self.at)


def _live_revision(offering: Offering) -> OfferingRevision | None:
    live = (revision for revision in offering.revisions if revision.status is RevisionStatus.PUBLISHED)
    return next(live, None)


def _shown(plan: Plan) -> tuple[Any, ...]:
    """A stored plan, to be compared with `_wanted`."""
    words = (plan.name_zh, plan.name_en, plan.summary_zh, plan.summary_en, plan.trial_days, plan.position)
    numbers = (plan.quantity_unit_zh, plan.quantity_unit_en, plan.quantity_minimum, plan.quantity_maximum, plan.quantity_step)
    charges = [
        (
            charge.slug, charge.name_zh, charge.name_en, charge.meter.slug if charge.meter else "", charge.terms,
            charge.typical, charge.typical_count, charge.hint_zh, charge.hint_en, charge.filter_property, charge.filter_values, charge.tax_rate,
        )
        for charge in plan.charges
    ]  # fmt: skip
    return words, numbers, charges


def _wanted(plan: shapes.Plan, place: int, tax_rate: str) -> tuple[Any, ...]:
    seed = plan.seed
    words = (seed.name_zh, seed.name_en, seed.summary_zh, seed.summary_en, plan.trial_days, place)
    numbers = (seed.quantity_unit_zh, seed.quantity_unit_en, seed.quantity_minimum, seed.quantity_maximum, seed.quantity_step)
    return words, numbers, [(*vars(charge).values(), tax_rate) for charge in plan.charges]
