"""Adding administrators and providers' people from the shell."""

from __future__ import annotations

from datetime import UTC, datetime

from click.testing import CliRunner, Result

from market import accounts, credentials, db, notifications, resources
from market.accounts import OrganizationKind, Role
from market.cli import main
from market.config import Settings
from tests.builders.accounts import a_user, an_administrator
from tests.builders.catalog import a_provider


def run(settings: Settings, *arguments: str, **more: str) -> Result:
    environment = {
        "MARKET_DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
        "MARKET_SECRET_KEY": settings.secret_key, **more,
    }  # fmt: skip
    result = CliRunner().invoke(main, list(arguments), env=environment)
    db.connect(settings.database_url)
    return result


def add(settings: Settings, *arguments: str, password: str = "quite-long-enough") -> Result:
    return run(settings, "person", "add", *arguments, MARKET_NEW_PASSWORD=password)


def roles(email: str) -> list[tuple[OrganizationKind, Role]]:
    with db.transaction(readonly=True):
        user = accounts.user_by_email(email)
        assert user is not None
        return [(each.organization.kind, each.role) for each in accounts.memberships_of(user)]


def test_administrators_share_one_organization(database: object, settings: Settings) -> None:
    assert add(settings, "a@market.example", "--name", "甲").exit_code == 0
    second = add(settings, "b@market.example", "--name", "乙", "--role", "reviewer")
    assert second.output.startswith(f"b@market.example can sign in for {settings.site_name_zh} (reviewer).\n")
    assert "At the first sign-in a second step is set up" in second.output
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


def test_whoever_has_lost_everything_is_let_in_again_and_signed_out_everywhere(database: object, settings: Settings) -> None:
    with db.transaction():
        user, now = an_administrator(), datetime.now(UTC)  # commands read the machine's clock
        _session, word = credentials.start_session(user, at=now, second_step=True)
    assert "Missing option" in run(settings, "person", "forget-second-step", user.email).output
    told = run(settings, "person", "forget-second-step", user.email, "--reason", "带身份证到办公室")
    assert told.exit_code == 0, told.output
    with db.transaction(readonly=True):
        assert not credentials.second_step_due(user) and credentials.session_of_token(word, at=now) is None
        letter = db.session.scalars(notifications.mailbox(user)).one()
    assert "两步验证" in letter.subject


def test_codes_are_printed_for_sample_people_only(database: object, settings: Settings) -> None:
    with db.transaction():
        user, other = an_administrator(), a_user()
    assert "only with MARKET_DEMO=1" in run(settings, "code", user.email).output
    shown = run(settings, "code", user.email, MARKET_TEST_CLOCK="1")
    assert len(shown.output.strip()) == 6 and shown.output.strip().isdigit()
    assert "no authenticator app" in run(settings, "code", other.email, MARKET_DEMO="1").output
    assert "Nobody has" in run(settings, "code", "nobody@market.example", MARKET_DEMO="1").output


def test_a_link_for_a_new_password_is_handed_over_where_no_mail_is_sent(database: object, settings: Settings) -> None:
    with db.transaction():
        user = a_user(email="lost@shop.example")
    answer = run(settings, "person", "reset-password", "Lost@shop.example")
    word = answer.stdout.splitlines()[0].rpartition("/reset-password/")[2]
    with db.transaction(readonly=True):
        at = resources.clock.now()
        assert credentials.tokens.find(credentials.Purpose.RESET_PASSWORD, word, at=at).user_id == user.id
    assert run(settings, "person", "reset-password", "nobody@shop.example").exit_code == 1
