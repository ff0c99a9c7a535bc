"""Loading providers: their firm, profile, licences and meters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import audit, db, providers
from market.accounts import Organization, OrganizationKind
from market.catalog import facts, meters
from market.catalog.models import Meter
from market.catalog.seed import shapes
from market.providers import Licence, Provider

#: What a meter means; a subscriber's bill depends on it, so it never changes.
MEANING = ("event_type", "value_property", "aggregation", "time_base", "unit_size", "dimensions", "rounding")
#: What a meter is called.
WORDS = ("name_zh", "name_en", "unit_zh", "unit_en")


class Providers:
    """Writes providers; complaints go to `problems`, outcomes to `count`."""

    def __init__(
        self, count: Callable[[str], None], problems: list[str], *, by: audit.Actor, at: datetime
    ) -> None:
        self.count, self.problems, self.by, self.at = count, problems, by, at
        query = select(Provider).options(joinedload(Provider.organization))
        self.known = {provider.slug: provider for provider in db.session.scalars(query)}
        self.licences = {
            (each.provider_id, each.kind, each.number): each for each in db.session.scalars(select(Licence))
        }
        self.meters: dict[int, dict[str, Meter]] = {}
        for meter in db.session.scalars(select(Meter).order_by(Meter.version_number)):
            self.meters.setdefault(meter.provider_id, {})[meter.slug] = meter

    def load(self, seed: shapes.Provider) -> Provider | None:
        """The provider as the file says; None after a complaint."""
        provider = self.known.get(seed.slug)
        if provider is None:
            provider = self._add(seed)
            self.count("created" if provider else "unchanged")
        else:
            self.count("changed" if self._update(provider, seed.seed) else "unchanged")
        if provider is None:
            return None
        self._load_licences(provider, seed.seed)
        self._load_meters(provider, seed)
        return provider

    def _add(self, seed: shapes.Provider) -> Provider | None:
        words = seed.seed
        twin = db.session.scalar(
            select(Organization).where(
                Organization.kind == OrganizationKind.PROVIDER, Organization.uscc == words.credit_code
            )
        )
        if twin is not None:
            self.problems.append(f"{seed.path}: credit_code: “{twin.name}”已经用这个代码登记")
            return None
        organization = Organization(
            kind=OrganizationKind.PROVIDER, name=words.legal_name, uscc=words.credit_code,
            city_code=words.city, phone=words.phone, created_at=self.at,
        )  # fmt: skip
        db.session.add(organization)
        audit.record("organization.added", organization, by=self.by, at=self.at, after={"uscc": words.credit_code})
        provider = providers.apply(
            organization, slug=seed.slug, name_zh=words.name_zh, name_en=words.name_en,
            **_profile(words), by=self.by, at=self.at,
        )  # fmt: skip
        providers.approve(provider, by=self.by, at=self.at)
        return provider

    def _update(self, provider: Provider, words: shapes.ProviderSeed) -> bool:
        wanted = {"name_zh": words.name_zh, "name_en": words.name_en, **_profile(words)}
        firm = {
            "name": words.legal_name, "uscc": words.credit_code, "city_code": words.city, "phone": words.phone
        }  # fmt: skip
        changed = [
            self._write("provider.changed", provider, wanted, provider),
            self._write("organization.changed", provider.organization, firm, provider),
        ]
        if any(changed):
            providers.provider_changed.send(provider, at=self.at)
        return any(changed)

    def _write(self, action: str, row: Any, wanted: dict[str, Any], provider: Provider) -> bool:
        before = {name: getattr(row, name) for name in wanted if getattr(row, name) != wanted[name]}
        for name in before:
            setattr(row, name, wanted[name])
        if before:
            after = {name: wanted[name] for name in before}
            audit.record(
                action, row, by=self.by, at=self.at, before=_plain(before), after=_plain(after),
                organization_id=provider.organization_id,
            )  # fmt: skip
        return bool(before)

    def _load_licences(self, provider: Provider, words: shapes.ProviderSeed) -> None:
        for seed in words.licences:
            licence = self.licences.get((provider.id, seed.type, seed.number))
            if licence is None:
                called = facts.choice_of(facts.CERTIFICATES, seed.type)
                providers.add_licence(
                    provider, kind=seed.type, name_zh=called.label_zh, name_en=called.label_en, number=seed.number,
                    valid_until=seed.valid_until, checked_at=self.at, by=self.by, at=self.at,
                )  # fmt: skip
                self.count("created")
            else:
                wanted = {"valid_until": seed.valid_until}
                changed = self._write("provider.licence_changed", licence, wanted, provider)
                self.count("changed" if changed else "unchanged")

    def _load_meters(self, provider: Provider, seed: shapes.Provider) -> None:
        known = self.meters.get(provider.id, {})
        for place, words in enumerate(seed.seed.meters):
            meter = known.get(words.slug)
            if meter is None:
                meaning = meters.Meaning(**words.model_dump(exclude={"slug", "name_zh", "name_en"}))
                meters.add_meter(provider, meaning, slug=words.slug, name_zh=words.name_zh, name_en=words.name_en, by=self.by, at=self.at)
                self.count("created")
                continue
            for name in MEANING:
                if getattr(meter, name) != getattr(words, name):
                    said = f"已在用的计量项不能改成“{getattr(words, name)}”，请另写一个新的 slug"
                    self.problems.append(f"{seed.path}: meters[{place}].{name}: {said}")
            wanted = {name: getattr(words, name) for name in WORDS}
            self.count("changed" if self._write("meter.renamed", meter, wanted, provider) else "unchanged")


def _profile(words: shapes.ProviderSeed) -> dict[str, str]:
    return words.model_dump(include={"summary_zh", "summary_en", "phone", "email", "website", "tax_rate"})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that fit into JSON."""
    return {name: value if isinstance(value, str | int | None) else str(value) for name, value in values.items()}
