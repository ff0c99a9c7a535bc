"""The hand-written catalogue: complete as the plan asks, loaded repeatably, refused with file and field."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from market import audit, db, rating
from market.audit.models import AuditEvent
from market.catalog import actions, seed
from market.catalog.bundles import Solution
from market.catalog.models import (
    Aggregation,
    Meter,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    RevisionStatus,
)
from market.config import ROOT
from tests.builders.accounts import a_user, an_actor

FOLDER = ROOT / "catalog_seed"
JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
BY = audit.system("seed")
OFFERING = "providers/example-cloud/example-object-storage.toml"
PROVIDER = "providers/example-cloud/provider.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the seed files to write in."""
    return Path(shutil.copytree(FOLDER, tmp_path / "catalog_seed"))


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(folder: Path) -> list[str]:
    with pytest.raises(seed.SeedInvalid) as caught:
        seed.read(folder)
    return caught.value.problems


def storage() -> Offering:
    query = select(Offering).where(Offering.slug == "example-object-storage")
    return db.session.scalars(
        query.options(selectinload(Offering.revisions), selectinload(Offering.plans).selectinload(Plan.charges)),
        execution_options={"populate_existing": True},
    ).one()


# --- what is in it -----------------------------------------------------------------------


def test_six_offerings_in_each_category_from_eight_providers():
    catalog = seed.read(FOLDER)
    offerings = [offering for provider in catalog.providers for offering in provider.offerings]
    each = Counter(offering.seed.category for offering in offerings)
    assert set(each) == {"storage", "development", "promotion", "payment"}
    assert min(each.values()) >= 6
    assert len(catalog.providers) >= 8
    assert len(catalog.cities) == 21
    assert sum(city.delta for city in catalog.cities) == 9


def test_every_seeded_firm_is_marked_as_a_sample():
    for provider in seed.read(FOLDER).providers:
        assert "示例" in provider.seed.name_zh
        assert "示例" in provider.seed.legal_name
        assert all("示例" in licence.number for licence in provider.seed.licences)


def test_every_charge_model_and_every_aggregation_is_used():
    catalog = seed.read(FOLDER)
    plans = [plan for provider in catalog.providers for offering in provider.offerings for plan in offering.plans]
    charges = [charge for plan in plans for charge in plan.charges]
    models = {(charge.terms["model"], charge.terms.get("interval")) for charge in charges}
    assert models == {
        ("flat", "month"), ("flat", "year"), ("flat", "once"),
        ("per_unit", None), ("graduated", None), ("volume", None), ("package", None), ("percentage", None),
    }  # fmt: skip
    used = {charge.meter for charge in charges}
    meters = [meter for provider in catalog.providers for meter in provider.seed.meters]
    assert {meter.aggregation for meter in meters if meter.slug in used} == set(Aggregation)


def test_every_sector_group_has_a_solution():
    catalog = seed.read(FOLDER)
    sectors = {solution.sector for solution in catalog.solutions}
    for group in catalog.sector_groups:
        assert sectors & {sector.slug for sector in group.sectors}


def test_a_few_files_for_a_month_cost_visible_fen():
    [provider] = [each for each in seed.read(FOLDER).providers if each.slug == "example-cloud"]
    [offering] = provider.offerings
    payg = {charge.meter: rating.parse(charge.terms) for charge in offering.plans[0].charges}
    assert rating.rate(payg["storage"], Decimal("21.6")).fen == 27  # 30 MB kept for 720 hours
    assert rating.rate(payg["requests"], Decimal(300)).fen == 10
    assert rating.rate(payg["egress"], Decimal("0.03")).fen == 2


# --- loading -----------------------------------------------------------------------------


def test_loading_puts_every_offering_on_sale(loaded, session):
    catalog = seed.read(FOLDER)
    assert loaded.changed == loaded.unchanged == 0
    live = db.session.scalars(select(Offering.slug).where(Offering.status == OfferingStatus.LIVE)).all()
    assert set(live) == {offering.slug for provider in catalog.providers for offering in provider.offerings}
    assert db.session.scalar(select(func.count()).select_from(Plan).where(Plan.status != PlanStatus.PUBLISHED)) == 0
    assert db.session.scalar(select(func.count()).select_from(Solution)) == len(catalog.solutions)


def test_loading_again_writes_nothing(loaded, session):
    entries = db.session.scalar(select(func.count()).select_from(AuditEvent))
    again = seed.load(FOLDER, by=BY, at=JULY)
    assert (again.created, again.changed, again.unchanged) == (0, 0, loaded.created)
    assert not db.session.dirty
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == entries


def test_a_changed_text_is_a_new_revision_and_leaves_the_old_one_as_it_was(loaded, session, folder):
    change(folder, OFFERING, "约 1 分钟，自动开通", "约 2 分钟，自动开通")
    assert seed.load(folder, by=BY, at=JULY).changed == 1
    old, new = storage().revisions
    assert (old.status, old.facts["deadline_setup_zh"]) == (RevisionStatus.SUPERSEDED, "约 1 分钟，自动开通")
    assert (new.status, new.facts["deadline_setup_zh"]) == (RevisionStatus.PUBLISHED, "约 2 分钟，自动开通")


def test_a_changed_price_is_a_new_version_of_its_plan_only(loaded, session, folder):
    change(folder, OFFERING, 'unit_price = "0.80"', 'unit_price = "0.75"')
    assert seed.load(folder, by=BY, at=JULY).changed == 1
    plans = [(plan.slug, plan.version_number, plan.status.value) for plan in storage().plans]
    assert sorted(plans) == [
        ("monthly", 1, "published"), ("payg", 1, "retired"), ("payg", 2, "published"), ("yearly", 1, "published"),
    ]  # fmt: skip


def test_a_plan_taken_out_of_the_file_is_not_sold_any_more(loaded, session, folder):
    path = folder / OFFERING
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index('[[plans]]\nslug = "yearly"')], encoding="utf-8")
    seed.load(folder, by=BY, at=JULY)
    assert {plan.slug for plan in storage().plans if plan.status is PlanStatus.PUBLISHED} == {"payg", "monthly"}


def test_what_a_provider_has_taken_over_is_left_alone(loaded, session, folder):
    actions.start_revision(storage(), by=an_actor(a_user()), at=JUNE)
    change(folder, OFFERING, "约 1 分钟，自动开通", "约 2 分钟，自动开通")
    report = seed.load(folder, by=BY, at=JULY)
    assert report.changed == 0
    assert [revision.facts["deadline_setup_zh"] for revision in storage().revisions] == ["约 1 分钟，自动开通"] * 2


def test_a_provider_s_new_phone_number_is_a_change_of_its_profile(loaded, session, folder):
    change(folder, PROVIDER, "000-0000-0101", "000-0000-0199")
    report = seed.load(folder, by=BY, at=JULY)
    assert (report.created, report.changed) == (0, 1)


def test_what_a_meter_means_cannot_be_changed_afterwards(loaded, session, folder):
    change(folder, PROVIDER, "unit_size = 1000", "unit_size = 1024")
    with pytest.raises(seed.SeedInvalid) as caught:
        seed.load(folder, by=BY, at=JULY)
    assert f"catalog_seed/{PROVIDER}: meters[0].unit_size" in str(caught.value)
    sizes = select(Meter.unit_size).where(Meter.slug == "storage")
    assert db.session.scalars(sizes).all() == [1000]


def test_every_revision_was_decided_in_words_the_audit_trail_keeps(loaded, session):
    revisions = db.session.scalar(select(func.count()).select_from(OfferingRevision))
    published = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "revision.published")
    assert db.session.scalar(published) == revisions


# --- refusing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        (OFFERING, 'unit_price = "0.80"', 'unit_price = 0.80', "plans[0].charges[2].terms.unit_price: “0.8”不是"),
        (OFFERING, 'up_to = "72000"', 'up_to = "many"', "plans[1].charges[1].terms.tiers[0].up_to: "),
        (OFFERING, 'meter = "egress"\n', 'meter = "downloads"\n', "typical[2].meter: 这家服务商没有“downloads”"),
        (OFFERING, '{ meter = "egress"', '{ meter = "downloads"', "plans[0].charges[2].meter: 这家服务商没有"),
        (OFFERING, '{ meter = "egress"', '{ meter = "storage"', "plans[0].charges[2].slug: “storage”前面已经用过"),
        (OFFERING, 'slug = "monthly"', 'slug = "payg"', "plans[1].slug: “payg”前面已经用过"),
        (OFFERING, 'category = "storage"', 'category = "stuff"', "category: 没有“stuff”这个大类"),
        (OFFERING, 'subcategory = "object"', 'subcategory = "shop"', "facts.subcategory: “shop”不是 storage 里的小类"),
        (OFFERING, 'sectors = []', 'sectors = ["space"]', "facts.sectors[0]: 没有“space”"),
        (OFFERING, 'data_location = ["440100"]', 'data_location = ["440199"]', "facts.data_location[0]: 没有“440199”"),
        (OFFERING, 'name_en = "Example File Storage Space"', "", "facts.name_en: 这一项要填（服务名称（英文））"),
        (OFFERING, 'availability = "99.9"', 'availability = "always"', "facts.availability: 填 90 到 100"),
        (OFFERING, "trial_days = 0", "trial_days = 0\ncolour = 1", "colour: 没有这一项"),
        (PROVIDER, 'city = "440100"', 'city = "310100"', "city: 没有代码为“310100”的地市"),
        (PROVIDER, "914401000000000191", "914401000000000192", "credit_code: "),
        (PROVIDER, 'slug = "egress"', 'slug = "storage"', "meters[2].slug: “storage”前面已经用过"),
        (PROVIDER, 'time_base = "hour"', 'time_base = ""', "meters[0].time_base: 按时间加权的填 hour 或 period"),
        (PROVIDER, 'type = "icp"', 'type = "magic"', "licences[1].type: 没有“magic”这种证照"),
        ("solutions.toml", 'offering = "machine-link"', 'offering = "gone"', "solutions[0].parts[0].offering: 没有“gone”"),
        ("solutions.toml", 'sector = "textiles"', 'sector = "space"', "solutions[1].sector: 没有“space”这个行业"),
        ("cities.toml", 'code = "440200"', 'code = "440100"', "cities[1].slug: “440100”前面已经用过"),
        ("categories.toml", 'icon = "database"', "", "categories[0].icon: 这一项要填"),
    ],
)
def test_a_mistake_is_named_by_file_and_field(folder, name, old, new, complaint):
    change(folder, name, old, new)
    assert any(problem.startswith(f"catalog_seed/{name}: {complaint}") for problem in refusal(folder)), refusal(folder)


def test_broken_toml_is_named_by_line(folder):
    path = folder / OFFERING
    path.write_text("category = \"storage\"\nprovisioning = manual\n", encoding="utf-8")
    assert refusal(folder)[0].startswith(f"catalog_seed/{OFFERING}: 第 2 行第 16 列写法不对")


def test_two_providers_cannot_use_one_address(folder):
    shutil.copy(folder / OFFERING, folder / "providers/vnet/example-object-storage.toml")
    assert any("网址名“example-object-storage”已被" in problem for problem in refusal(folder))


def test_two_providers_cannot_be_one_firm(folder):
    change(folder, "providers/vnet/provider.toml", "914406000000000516", "914401000000000191")
    assert any("统一社会信用代码“914401000000000191”已被" in problem for problem in refusal(folder))


def test_missing_files_and_wrong_encodings_are_named(folder):
    (folder / PROVIDER).unlink()
    (folder / "cities.toml").write_bytes("名".encode("gb18030"))
    problems = refusal(folder)
    assert f"catalog_seed/{PROVIDER}: 缺少这个文件" in problems
    assert "catalog_seed/cities.toml: 文件要存成 UTF-8 编码" in problems


def test_an_empty_folder_is_refused_in_words(tmp_path):
    assert f"{tmp_path.name}/categories.toml: 缺少这个文件" in refusal(tmp_path)


def test_mistakes_in_several_files_come_together(folder):
    change(folder, OFFERING, 'category = "storage"', 'category = "stuff"')
    change(folder, "providers/vnet/provider.toml", 'city = "440600"', 'city = "110000"')
    assert len(refusal(folder)) == 2


def test_a_refused_folder_changes_nothing(session, folder):
    change(folder, OFFERING, 'category = "storage"', 'category = "stuff"')
    with pytest.raises(seed.SeedInvalid):
        seed.load(folder, by=BY, at=JUNE)
    assert db.session.scalar(select(func.count()).select_from(Offering)) == 0
