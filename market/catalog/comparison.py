"""What is different between two revisions and two plan versions: pure, for the review and the editor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from market.catalog import facts
from market.catalog.facts import Change
from market.catalog.models import Charge, Plan, PlanStatus

FactChange = Change


def compare_facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FactChange]:
    """The facts that differ, in the order of the form; an empty `before` makes everything said new."""
    return list(facts.changes(facts.parse(before), facts.parse(after)))


@dataclass(frozen=True)
class ChargeChange:
    """One charge in the old and the new version of a plan; None where it does not exist."""

    before: Charge | None
    after: Charge | None

    @property
    def different(self) -> bool:
        """Whether a buyer would notice."""
        return _shown(self.before) != _shown(self.after)


@dataclass(frozen=True)
class PlanChange:
    """A plan on sale now and as it will be; without `before` it is new, and `after` is never missing."""

    before: Plan | None
    after: Plan

    @property
    def kind(self) -> Literal["new", "changed", "unchanged"]:
        """What publishing does to the plan."""
        if self.before is None:
            return "new"
        return "unchanged" if self.before is self.after else "changed"

    @property
    def charges(self) -> list[ChargeChange]:
        """The charges of both versions by slug, in the order of the new one, dropped ones last."""
        old = {charge.slug: charge for charge in self.before.charges} if self.before else {}
        new = {charge.slug: charge for charge in self.after.charges}
        pairs = [ChargeChange(old.get(slug), charge) for slug, charge in new.items()]
        return pairs + [ChargeChange(charge, None) for slug, charge in old.items() if slug not in new]

    @property
    def price_changed(self) -> bool:
        """Whether a new subscriber would pay by other terms than before."""
        return self.kind == "changed" and any(change.different for change in self.charges)


def compare_plans(plans: Sequence[Plan]) -> list[PlanChange]:
    """Each plan on sale or about to be, beside its published version. Needs charges loaded."""
    published = {plan.slug: plan for plan in plans if plan.status is PlanStatus.PUBLISHED}
    drafts = {plan.slug: plan for plan in plans if plan.status is PlanStatus.DRAFT}
    return [
        PlanChange(published.get(plan.slug), plan)
        for plan in plans
        if plan.status is PlanStatus.DRAFT or (plan.status is PlanStatus.PUBLISHED and plan.slug not in drafts)
    ]


def _shown(charge: Charge | None) -> tuple[Any, ...] | None:
    if charge is None:
        return None
    return (charge.name_zh, charge.name_en, charge.meter_id, charge.filter, charge.terms, charge.tax_rate)


# --- words -------------------------------------------------------------------------------

Mark = Literal["same", "removed", "added"]

#: A Latin word or number moves as one; Chinese is compared character by character.
_TOKENS = re.compile(r"[A-Za-z0-9.,%¥]+|\s+|.", re.DOTALL)
#: Beyond this many tokens the marking costs more than it tells.
_MOST_TOKENS = 3000


def marked(before: str, after: str) -> tuple[list[tuple[Mark, str]], list[tuple[Mark, str]]]:
    """Both texts in pieces: what was removed is marked in the first, what was added in the second."""
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    if len(old) > _MOST_TOKENS or len(new) > _MOST_TOKENS:
        return [("removed", before)], [("added", after)]
    operations = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return list(_pieces(old, operations, "removed")), list(_pieces(new, operations, "added"))


def _pieces(tokens: Sequence[str], operations: Sequence[Any], mark: Mark) -> Iterator[tuple[Mark, str]]:
    for name, old_from, old_to, new_from, new_to in operations:
        start, end = (old_from, old_to) if mark == "removed" else (new_from, new_to)
        if start < end:
            yield ("same" if name == "equal" else mark), "".join(tokens[start:end])
