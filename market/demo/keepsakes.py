"""`demo.json`: address, sign-ins, keys and a live subscription, for people and scripts."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market import accounts, audit, catalog, db, policies, providers, resources, search, subscriptions
from market.accounts import User
from market.catalog import seed as catalog_seed
from market.config import ROOT, Settings
from market.demo import cast, desk, history
from market.kit.period import local_day, local_midnight
from market.late import Library
from market.providers import Provider
from market.subscriptions import LIVE, Subscription

if TYPE_CHECKING:
    import tqdm
else:
    tqdm = Library("tqdm")

STORAGE_PROVIDER = "example-cloud"
STORAGE_OFFERING = "example-object-storage"
STORAGE_PLAN = "payg"
_SCOPES = ["events:write", "catalogue:read", "subscriptions:read", "usage:read", "provisioning:write"]
_LIVE_WITHIN_SECONDS = 30.0
_LAST_PORT = 65536


@dataclass(frozen=True)
class Keepsakes:
    """What the demo hands over: how to run the example provider, and where it listens."""

    environment: Mapping[str, str]
    port: int


def prepare(settings: Settings) -> Keepsakes:
    """Load the catalogue, make the sample world once, and hand out the example provider's settings."""
    now = resources.clock.now()
    with db.transaction():
        catalog_seed.load(ROOT / "catalog_seed", by=audit.system("seed"), at=_catalogue_date(now))
        policies.load(ROOT / "catalog_seed" / "policies", by=audit.system("seed"), at=_catalogue_date(now))
    if not desk.filled():
        _make()
    keepsakes = _provider_settings(settings)
    _write_down(settings)
    return keepsakes


def _catalogue_date(now: datetime) -> datetime:
    """The catalogue is older than the first order in it."""
    return local_midnight(history.first_day(now)) - timedelta(days=30)


def _make() -> None:
    now = resources.clock.now()
    with db.transaction():
        people = cast.gather(at=_catalogue_date(now))
    days = (local_day(now) - history.first_day(now)).days
    for _ in tqdm.tqdm(history.live(people, now=now), desc="sample history", total=days, unit="day", disable=None):
        pass
    desk.fill(people, at=now - timedelta(days=2))
    for _ in search.rebuild():
        pass


def _provider_settings(settings: Settings) -> Keepsakes:
    kept = _read(settings).get("provider_program")
    port = settings.provider_port or _free_port(settings)
    with db.transaction():
        provider = providers.provider_by_slug(STORAGE_PROVIDER)
        by, now = audit.system("demo"), resources.clock.now()
        address = f"http://127.0.0.1:{port}/provisioning"
        if provider.webhook_url != address or provider.webhook_stopped_at is not None:  # else every start would be in the log
            providers.set_webhook(provider, address, by=by, at=now)
        if kept is None or accounts.key_of_secret(kept["API_KEY"], at=now) is None:
            kept = _program_key(provider, settings, by)
        kept["WEBHOOK_SECRET"] = providers.webhook_secret(provider)
    kept |= {"MARKET_URL": f"http://{settings.host}:{settings.port}", "PORT": str(port)}
    _write(settings, provider_program=kept)
    return Keepsakes({**kept, **_clock(settings)}, port)


def _free_port(settings: Settings) -> int:
    """The first free port after the server's: the same one at every start, unless somebody has taken it."""
    for port in range(settings.port + 1, min(settings.port + 20, _LAST_PORT)):
        with socket.socket() as probe, suppress(OSError):
            # The provider binds in the same way. Not listening is not enough: it may be the near end of a connection.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise click.ClickException("The example provider finds no free port: set PROVIDER_PORT to one.")


def _program_key(provider: Provider, settings: Settings, by: audit.Actor) -> dict[str, str]:
    source = "/example-cloud/object-storage"
    key, secret = accounts.issue_key(
        provider.organization, name="示例程序", source=source, scopes=_SCOPES, by=by, at=resources.clock.now()
    )
    return {"API_KEY": secret, "SOURCE": key.source, "DATA_DIR": str(settings.data_dir / "provider")}


def _clock(settings: Settings) -> dict[str, str]:
    return {"CLOCK_FILE": str(settings.clock_file)} if settings.test_clock else {}


def _write_down(settings: Settings) -> None:
    """Subscribe the sample firm to the example storage, and say all that scripts need before anybody can ask."""
    kept = _read(settings)
    with db.transaction():
        subscription = _storage_subscription()
        provider = kept.get("provider") or _script_key()
        meters = catalog.meters_of(providers.provider_by_slug(STORAGE_PROVIDER))
    _write(
        settings,
        address=f"http://{settings.host}:{settings.port}",
        sign_ins={person.key: _sign_in(person) for person in cast.PEOPLE},
        provider=provider,
        subscription={
            "id": subscription.public_id,
            "number": subscription.id,
            "meters": [
                {
                    "slug": m.slug, "event_type": m.event_type, "value_property": m.value_property,
                    "aggregation": m.aggregation, "unit": m.unit_en, "unit_size": m.unit_size,
                }
                for m in meters
            ],
        },
    )  # fmt: skip


def _sign_in(person: cast.Person) -> dict[str, str]:
    told = {"email": person.email, "password": cast.PASSWORD, "firm": person.firm}
    return told | ({"totp_secret": person.totp_secret} if person.totp_secret else {})


def finish() -> None:
    """Wait until the example provider has set the sample firm's storage up."""
    with db.transaction():
        id = _storage_subscription().id
    _await_live(id)


def _storage_subscription() -> Subscription:
    user = _person("sme")
    organization = cast.firm_of(user)
    offering = catalog.offering_by_slug(STORAGE_OFFERING)
    plan = catalog.live_plan(offering, STORAGE_PLAN)
    return subscriptions.subscribe(
        organization,
        plan,
        request_key="demo-storage",
        estimate={},
        user=user,
        by=cast.actor(user, organization.id),
        at=resources.clock.now(),
    )


def _person(key: str) -> User:
    email = next(person.email for person in cast.PEOPLE if person.key == key)
    user = accounts.user_by_email(email)
    assert user is not None
    return user


def _script_key() -> dict[str, str]:
    provider = providers.provider_by_slug(STORAGE_PROVIDER)
    key, secret = accounts.issue_key(
        provider.organization,
        name="示例脚本",
        source="/example-cloud/scripts",
        scopes=_SCOPES,
        by=audit.system("demo"),
        at=resources.clock.now(),
    )
    return {"slug": provider.slug, "source": key.source, "api_key": secret}


def _await_live(id: int) -> None:
    deadline = time.monotonic() + _LIVE_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with db.transaction(readonly=True):
            if db.session.get_one(Subscription, id).status in LIVE:
                return
        time.sleep(0.3)
    click.echo(
        "The example provider has not set up its subscription yet; the worker goes on trying.", err=True
    )


def _path(settings: Settings) -> Path:
    return settings.data_dir / "demo.json"


def _read(settings: Settings) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(_path(settings).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _write(settings: Settings, **changes: Any) -> None:
    """Add to the file; readers see the old or the new one. It holds keys, so only its owner may read it."""
    path = _path(settings)
    draft = path.with_suffix(".part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(_read(settings) | changes, file, ensure_ascii=False, indent=2)
    draft.replace(path)
