"""Adding administrators and providers' people from the shell."""

from __future__ import annotations

from click.testing import CliRunner, Result

from market import accounts, db
from market.accounts import OrganizationKind, Role
from market.cli import main
from market.config import Settings
from tests.builders.catalog import a_provider


def add(settings: Settings, *arguments: str, password: str = "quite-long-enough") -> Result:
    environment = {
        "MARKET_DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
        "MARKET_NEW_PASSWORD": password,
    }  # fmt: skip
    result = CliRunner().invoke(main, ["person", "add", *arguments], env=environment)
    db.connect(settings.database_url)
    return result


def roles(email: str) -> list[tuple[OrganizationKind, Role]]:
    with db.transaction(readonly=True):
        user = accounts.user_by_email(email)
        assert user is not None
        return [(each.organization.kind, each.role) for each in accounts.memberships_of(user)]


def test_administrators_share_one_organization(database: object, settings: Settings) -> None:
    assert add(settings, "a@market.example", "--name", "甲").exit_code == 0
    second = add(settings, "b@market.example", "--name", "乙", "--role", "reviewer")
    assert second.output == f"b@market.example can sign in for {settings.site_name_zh} (reviewer).\n"
    assert roles("a@market.example") == [(OrganizationKind.PLATFORM, Role.SUPER)]
    assert roles("b@market.example") == [(OrganizationKind.PLATFORM, Role.REVIEWER)]


def test_somebody_works_for_a_provider(database: object, settings: Settings) -> None:
    with db.transaction():
        slug = a_provider().slug
    assert add(settings, "p@cloud.example", "--name", "丙", "--provider", slug).exit_code == 0
    assert roles("p@cloud.example") == [(OrganizationKind.PROVIDER, Role.OWNER)]


def test_what_cannot_be_is_refused_in_words(database: object, settings: Settings) -> None:
    assert "no owner here" in add(settings, "a@market.example", "--name", "甲", "--role", "owner").output
    assert "too short" in add(settings, "a@market.example", "--name", "甲", password="short").output
    assert add(settings, "a@market.example", "--name", "甲", "--provider", "nobody").exit_code == 1
    add(settings, "a@market.example", "--name", "甲")
    assert add(settings, "a@market.example", "--name", "甲").exit_code == 1
