"""A new secret key: everything encrypted is written anew, whatever stops it on the way."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import String, Text, select

from market import db, documents, providers, resources, schema, subscriptions
from market.cli import main, sealed
from market.config import ROOT, Settings
from market.providers import Provider
from tests.builders.accounts import an_actor, an_organization
from tests.builders.worlds import a_world
from tests.conftest import PRESENT

OLD, NEW = "o" * 48, "n" * 48
PDF = b"%PDF-1.4\nlicence\n%%EOF"
Market = Callable[..., Result]
#: Who encrypts. A new name here needs a column made with `db.sealed()`, or its files in `market/cli/sealed.py`.
WRITERS = {
    "market/credentials/authenticators.py",
    "market/documents/actions.py",
    "market/providers/actions.py",
    "market/subscriptions/access.py",
}


@pytest.fixture
def market(settings: Settings) -> Market:
    """`market("secrets", "rotate")` as an operator types it; the key is in the data folder."""
    settings.key_file.write_text(f"{settings.secret_key}\n")
    settings.key_file.chmod(0o600)

    def run(*arguments: str, **more: str) -> Result:
        environment = {
            "MARKET_DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url, "MARKET_SECRET_KEY": "",
            "MARKET_OLD_SECRET_KEYS": "", **more,
        }  # fmt: skip
        result = CliRunner().invoke(main, list(arguments), env=environment)
        db.connect(settings.database_url)
        return result

    return run


def a_filled_place() -> int:
    """Something in every encrypted column and file; tells how many values that are."""
    with db.transaction():
        a_world()
        provider = db.session.scalars(select(Provider)).first()
        assert provider is not None
        providers.set_webhook(provider, "https://cloud.example/hook", by=an_actor(), at=PRESENT)
        providers.rotate_secret(provider, by=an_actor(), at=PRESENT)
        documents.store(an_organization().id, filename="执照.pdf", data=PDF, by=an_actor(), at=PRESENT)
    return sealed.count()


@pytest.fixture
def filled(kept: Callable[[Callable[[], Any]], Any]) -> int:
    """Something in every encrypted column and file; tells how many values that are."""
    return int(kept(a_filled_place))


def readable(*keys: str, settings: Settings) -> int:
    """How many values these keys open."""
    resources.cipher = resources.Cipher(*keys[:1], keys[1:])
    return sum(value.state is not sealed.State.UNREADABLE for value in sealed.values())


def test_every_encrypted_text_lies_in_a_marked_column(filled: int) -> None:
    marked = set(sealed.columns())
    with db.transaction(readonly=True):
        for table in schema.metadata.sorted_tables:
            for column in (each for each in table.columns if isinstance(each.type, String | Text)):
                values = db.session.scalars(select(column).where(column.like("gAAAA%"))).all()
                assert not values or column in marked, f"{column} holds encrypted text: make it with db.sealed()"
                assert values or column not in marked, f"nothing in {column}: this test does not see it"


def test_whoever_encrypts_is_known() -> None:
    writers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "market").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and re.fullmatch(r"resources\.cipher\.encrypt\w*", ast.unparse(node))
    }
    assert writers == WRITERS


def test_a_new_key_in_the_data_folder_from_beginning_to_end(filled: int, market: Market, settings: Settings) -> None:
    assert "There is no old key" in market("secrets", "forget").output
    assert market("secrets", "new").exit_code == 0
    new, old = settings.key_file.read_text().split()
    assert old == settings.secret_key and len(new) >= 48 and settings.key_file.stat().st_mode & 0o077 == 0
    assert f"warn  secret key: {filled} encrypted values still need an old key" in market("doctor").output
    refused = market("secrets", "forget")
    assert refused.exit_code == 1 and "Run `market secrets rotate` first" in refused.output
    assert f"{filled} written anew, 0 already were" in market("secrets", "rotate").output
    again = market("secrets", "rotate")
    assert f"0 written anew, {filled} already were" in again.output and again.exit_code == 0
    assert "ok    secret key" in market("doctor").output
    assert market("secrets", "forget").exit_code == 0
    assert settings.key_file.read_text().split() == [new]
    assert readable(new, settings=settings) == filled and readable(old, settings=settings) == 0


def test_what_was_encrypted_reads_the_same_afterwards(filled: int, market: Market, settings: Settings) -> None:
    def contents() -> tuple[object, ...]:
        with db.transaction(readonly=True):
            found = db.session.scalars(select(Provider).where(Provider.webhook_secret != "")).all()
            live = db.session.scalars(select(subscriptions.Subscription).order_by(subscriptions.Subscription.id)).all()
            file = db.session.scalars(select(documents.Document).where(documents.Document.filename == "执照.pdf")).one()
            return [providers.webhook_secret(p) for p in found], [subscriptions.access_of(s) for s in live], documents.read(file)

    before = contents()
    assert market("secrets", "rotate", MARKET_SECRET_KEY=NEW, MARKET_OLD_SECRET_KEYS=f"{OLD},{settings.secret_key}").exit_code == 0
    resources.cipher = resources.Cipher(NEW)
    assert contents() == before and before[2] == PDF


def test_it_may_be_stopped_half_way(filled: int, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "BATCH", 1)
    resources.cipher = resources.Cipher(NEW, [settings.secret_key])
    half = list(islice(sealed.values(renew=True), filled // 2))
    assert readable(NEW, settings.secret_key, settings=settings) == filled, "nothing is lost"
    resources.cipher = resources.Cipher(NEW, [settings.secret_key])
    states = [value.state for value in sealed.values(renew=True)]
    assert states.count(sealed.State.FRESH) >= len(half) - 1
    assert readable(NEW, settings=settings) == filled


def test_a_value_no_key_opens_is_named_and_the_others_are_done(filled: int, market: Market, settings: Settings) -> None:
    (provider_id,) = _spoil(1)
    result = market("secrets", "rotate", MARKET_SECRET_KEY=NEW, MARKET_OLD_SECRET_KEYS=settings.secret_key)
    assert result.exit_code == 1
    assert f"providers.webhook_secret of row {provider_id}" in result.output and f"{filled - 1} written anew" in result.output
    doctor = market("doctor", MARKET_SECRET_KEY=NEW)
    assert "FAULT secret key: 1 encrypted values can be read with none of the keys" in doctor.output


def _spoil(number: int) -> list[int]:
    with db.transaction():
        found = db.session.scalars(select(Provider).where(Provider.webhook_secret != "").limit(number)).all()
        for provider in found:
            provider.webhook_secret = resources.Cipher("s" * 48).encrypt("lost")
        return [provider.id for provider in found]


def test_a_key_of_the_environment_is_left_to_the_environment(database: None, market: Market, settings: Settings) -> None:
    before = Path(settings.key_file).read_text()
    refused = market("secrets", "new", MARKET_SECRET_KEY=NEW)
    assert refused.exit_code == 1 and "comes from MARKET_SECRET_KEY" in refused.output
    assert settings.key_file.read_text() == before and NEW not in refused.output


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "ok    address"),
        ({"MARKET_BASE_URL": "http://market.example"}, "warn  address: http://market.example is not https"),
        ({"HOST": "0.0.0.0"}, "warn  address: the server listens on 0.0.0.0"),
        ({"MARKET_BASE_URL": "https://market.example"}, "MARKET_TRUSTED_PROXIES is 0"),
        ({"MARKET_BASE_URL": "https://market.example", "MARKET_TRUSTED_PROXIES": "1"}, "ok    address"),
    ],
)
def test_doctor_looks_at_the_address(database: None, market: Market, environment: dict[str, str], said: str) -> None:
    assert said in market("doctor", **environment).output
