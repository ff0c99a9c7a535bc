"""`market person`: people that nobody can register by a page, and those who have lost their phone; `market code`."""

from __future__ import annotations

import click
from sqlalchemy import select

from market import accounts, audit, credentials, db, providers, resources
from market.accounts import Organization, OrganizationKind, Role, User
from market.cli.context import database
from market.config import Settings


@click.group()
def person() -> None:
    """People."""


@person.command()
@click.argument("email")
@click.option("--name", required=True, help="As it stands in the log of what was done.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="Default: super, or owner of a provider."
)
@click.option("--provider", "slug", help="The provider she works for; without it she is an administrator.")
@click.password_option(envvar="MARKET_NEW_PASSWORD", help="Asked for when left out.")
def add(email: str, name: str, role: str | None, slug: str | None, password: str) -> None:
    """Let somebody sign in as an administrator, or for a provider."""
    with database() as settings, db.transaction():
        organization = providers.provider_by_slug(slug).organization if slug else _platform(settings)
        chosen = Role(role or ("owner" if slug else "super"))
        allowed = accounts.roles_of(organization.kind)
        if chosen not in allowed:
            raise click.ClickException(f"There is no {chosen.value} here. Choose from: {', '.join(allowed)}.")
        if accounts.passwords.problem(password, email=email, name=name):
            raise click.ClickException(
                f"The password is too short or too easily guessed: at least {accounts.MINIMUM_PASSWORD} characters, "
                "not her name or address, nor one that everybody uses."
            )
        now = resources.clock.now()
        user = accounts.add_user(email=email, name=name, password_hash=accounts.passwords.hash(password), at=now)
        accounts.join(user, organization, chosen, at=now)
        by = audit.system("market person", organization_id=organization.id)
        audit.record("member.added", user, by=by, at=now, after={"role": chosen.value})
    click.echo(f"{email} can sign in for {organization.name} ({chosen.value}).")
    if organization.kind is OrganizationKind.PLATFORM:
        click.echo("At the first sign-in a second step is set up: an authenticator app or a passkey.")


@person.command("reset-password")
@click.argument("email")
def reset_password(email: str) -> None:
    """Print a link with which somebody sets a new password, once and within an hour, where no mail reaches her."""
    with database() as settings, db.transaction():
        user = accounts.user_by_email(accounts.emails.normal(email))
        if user is None or not user.is_active:
            raise click.ClickException(f"Nobody can sign in as {email}.")
        now = resources.clock.now()
        word = credentials.tokens.issue(credentials.Purpose.RESET_PASSWORD, user, email=user.email, at=now)
        audit.record("user.reset_requested", user, by=audit.system("market person"), at=now)
    click.echo(f"{settings.base_url}/reset-password/{word}")
    click.echo("Hand it over on a way that nobody else reads.", err=True)


@person.command("forget-second-step")
@click.argument("email")
@click.option("--reason", required=True, help="How she proved who she is; it stands in the trail.")
def forget_second_step(email: str, reason: str) -> None:
    """Let somebody who has lost her phone, her passkeys and her recovery codes begin anew.

    She is signed out everywhere, and told by letter. An administrator sets a second step up at the next sign-in.
    """
    with database(), db.transaction():
        user, now = _known(email), resources.clock.now()
        credentials.forget_second_steps(user, by=audit.system("market person"), at=now, reason=reason)
        credentials.end_sessions(user, at=now)
    click.echo(f"{email} signs in with the password alone, until a new second step is set up.")


@click.command()
@click.argument("email")
def code(email: str) -> None:
    """Print the code of a sample person's authenticator app; only with MARKET_DEMO=1 or a test clock."""
    with database() as settings, db.transaction(readonly=True):
        if not (settings.demo or settings.test_clock):
            raise click.ClickException("Codes are printed only with MARKET_DEMO=1 or MARKET_TEST_CLOCK=1.")
        found = credentials.authenticators.usable_code(_known(email), at=resources.clock.now())
    if found is None:
        raise click.ClickException("There is no authenticator app, or its codes of this minute are used up: wait 30 seconds.")
    click.echo(found)


def _known(email: str) -> User:
    user = accounts.user_by_email(email.strip().lower())
    if user is None:
        raise click.ClickException(f"Nobody has the address {email}.")
    return user


def _platform(settings: Settings) -> Organization:
    """The organization of the administrators; made with the first of them."""
    found = db.session.scalar(select(Organization).where(Organization.kind == OrganizationKind.PLATFORM))
    if found is None:
        found = Organization(
            kind=OrganizationKind.PLATFORM, name=settings.site_name_zh, uscc=None, city_code=None,
            created_at=resources.clock.now(),
        )  # fmt: skip
        db.session.add(found)
        db.session.flush()
    return found
