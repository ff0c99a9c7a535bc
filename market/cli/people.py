"""`market person add`: people that nobody can register by a page — administrators, and a provider's first."""

from __future__ import annotations

import click
from sqlalchemy import select

from market import accounts, audit, db, providers, resources
from market.accounts import Organization, OrganizationKind, Role
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
        if len(password) < accounts.MINIMUM_PASSWORD:
            raise click.ClickException(
                f"The password is too short: at least {accounts.MINIMUM_PASSWORD} characters."
            )
        now = resources.clock.now()
        user = accounts.add_user(email=email, name=name, password=password, at=now)
        accounts.join(user, organization, chosen, at=now)
        by = audit.system("market person", organization_id=organization.id)
        audit.record("member.added", user, by=by, at=now, after={"role": chosen.value})
    click.echo(f"{email} can sign in for {organization.name} ({chosen.value}).")


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
