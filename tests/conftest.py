"""Fixtures of all tests. `session` for domains, `client` for faces, `visit` for a real browser.

A test that touches the database runs on SQLite and, when TEST_DATABASE_URL names a PostgreSQL, there too (a face's
test: where it is marked `every_database`); it is marked `database` by itself. What only some tests need is imported in
its fixture, so that a pure test starts at once.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from sqlalchemy.orm import Session

from market import assets, db, resources
from market.config import Settings
from tests.support.clock import FakeClock
from tests.support.databases import PostgresRoom, Room, SqliteRoom, kind_of, let_go
from tests.support.order import shared_out
from tests.support.queries import counted
from tests.support.worlds import Kept, count_from_one

DATABASES = ["sqlite", "postgresql"] if os.environ.get("TEST_DATABASE_URL") else ["sqlite"]
#: Faces have next to no SQL of their own. What their tests make them ask is asked on every database by the tests of the
#: domains and by the walks over all pages; what is not, and what happens twice or at once, is marked `every_database`.
FACES = ("account", "admin", "console", "storefront", "vendor", "web")
# Whether a law holds does not depend on how busy the machine is.
hypothesis_settings.register_profile(
    "patient", hypothesis_settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("patient")
PRESENT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 in Guangdong


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Whoever starts workers has the tests ready for them."""
    if session.config.getoption("numprocesses", None):
        from tests.support import rewriting

        rewriting.ahead(session.config, [file for name in ("test_*.py", "conftest.py") for file in Path(__file__).parent.rglob(name)])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what uses a database; leave long runs out unless they are asked for; begin with what takes long."""
    asked = config.option.markexpr or ""
    soaks = [item for item in items for mark in ("soak", "stripe_live") if item.get_closest_marker(mark) and mark not in asked]
    config.hook.pytest_deselected(items=soaks)
    items[:] = [item for item in items if item not in soaks]
    items[:] = shared_out(items, getattr(config, "workerinput", {}).get("workercount", 1))
    for item in items:
        if "database_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on each kind, and the rest of the faces' tests on the first."""
    test = metafunc.definition
    said = any("database_url" in str(mark.args[0]) for mark in test.iter_markers("parametrize"))
    if "database_url" in metafunc.fixturenames and not said:
        one = test.path.parent.name in FACES and not test.get_closest_marker("every_database")
        metafunc.parametrize("database_url", DATABASES[:1] if one else DATABASES, indirect=True)


def pytest_collection_finish() -> None:
    """The modules and tests loaded by now stay; looking through them for garbage again and again is in vain."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Whoever has waited for all workers removes what they shared; what lies in the run's folder goes with it."""
    server = os.environ.get("TEST_DATABASE_URL")
    if server and not hasattr(session.config, "workerinput"):
        from tests.support.databases import clear

        clear(server, session.config._tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session", autouse=True)
def _assets() -> None:
    assets.build()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run share."""
    from tests.support.shared import folder_of

    return folder_of(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def rooms(run_folder: Path) -> Iterator[Callable[[str], Room]]:
    """Where each kind of database comes from; made when first asked for."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(
        tempfile.mkdtemp(prefix="market-databases-", dir=os.environ.get("MARKET_TEST_ROOM", memory))
    )
    made: dict[str, Room] = {}

    def room(kind: str) -> Room:
        if kind not in made:
            made[kind] = (
                SqliteRoom(folder / "sqlite", run_folder, _migrate)
                if kind == "sqlite"
                else PostgresRoom(os.environ["TEST_DATABASE_URL"], run_folder, _migrate)
            )
        return made[kind]

    yield room
    for each in made.values():
        each.close()
    shutil.rmtree(folder, ignore_errors=True)


def _migrate(url: str) -> None:
    from market import schema

    db.connect(url)
    schema.upgrade()
    db.disconnect()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, rooms: Callable[[str], Room]) -> Iterator[str]:
    """The address of a fresh, migrated database; nothing is connected to it yet."""
    count_from_one()
    room = rooms(request.param)
    url = room.fresh()
    yield url
    let_go(url)
    room.drop(url)


@pytest.fixture
def clock() -> FakeClock:
    """The clock that the app reads: 2026-11-20 10:00 in Guangdong until the test moves it."""
    return FakeClock(PRESENT)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a marketplace of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    return Settings(
        data_dir=folder,
        database_url=database_url,
        secret_key="0123456789abcdef" * 3,
        base_url="http://localhost",
    )


@pytest.fixture
def database(settings: Settings, clock: FakeClock) -> Iterator[None]:
    """Connected, no transaction open: the test writes with `db.transaction()` and sees commits and effects."""
    from market import ledger

    resources.install(settings, with_clock=clock)
    db.connect(settings.database_url)
    ledger.listen()
    yield
    let_go(settings.database_url)


@pytest.fixture
def session(database: None) -> Iterator[Session]:
    """One open transaction around the test, never committed."""
    current = db.begin()
    current.info["open"] = True
    yield current
    db.rollback()
    db.session.remove()


@pytest.fixture(scope="session")
def compiled_templates(run_folder: Path) -> BytecodeCache:
    """Every test has an app of its own, every worker a few; they need not each compile the same templates."""
    folder = run_folder / "templates"
    folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(str(folder))


@pytest.fixture(scope="session")
def known_pages(run_folder: Path) -> None:
    """Nor read the same pages slowly."""
    from tests.support import trees

    trees.share(run_folder / "places")


@pytest.fixture(scope="session")
def apps() -> dict[Settings, Made]:
    """The app for each kind of settings."""
    return {}


class Made:
    """An app that was built once, and what a test may have changed of it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.attributes, self.config, self.views = dict(vars(app)), dict(app.config), dict(app.view_functions)

    def as_new(self) -> Flask:
        """The app as it was built."""
        vars(self.app).clear()
        vars(self.app).update(self.attributes)
        self.app.view_functions = dict(self.views)
        self.app.config.clear()
        self.app.config.update(self.config)
        return self.app


@pytest.fixture
def app(
    settings: Settings,
    clock: FakeClock,
    database: None,
    compiled_templates: BytecodeCache,
    known_pages: None,
    apps: dict[Settings, Made],
) -> Flask:
    """The whole app on a fresh database.

    What `create_app` builds depends on the settings without the places where data lies, so it is built once for
    each kind; the rest of what it does is done by `database` for every test.
    """
    from market.app import create_app
    from tests.support.client import Client

    kind = replace(settings, data_dir=Path(), database_url="")
    if kind not in apps:
        made = create_app(settings, clock=clock)
        made.test_client_class = Client
        made.jinja_env.bytecode_cache = compiled_templates
        apps[kind] = Made(made)
    return apps[kind].as_new()


@pytest.fixture(scope="session")
def keepings() -> dict[tuple[str, Callable[[], Any]], Kept]:
    """What was built on each kind of database."""
    return {}


@pytest.fixture
def kept(
    settings: Settings,
    database: None,
    rooms: Callable[[str], Room],
    keepings: dict[tuple[str, Callable[[], Any]], Kept],
    run_folder: Path,
) -> Callable[[Callable[[], Any]], Any]:
    """`kept(build)`: what this commits in a fresh database; built by the first test that wants it, copied for the others.

    To be asked before anything else is done with the database.
    """

    def settled(build: Callable[[], Any]) -> Any:
        kind = kind_of(settings.database_url)
        if (kind, build) not in keepings:
            keepings[kind, build] = Kept(rooms(kind), run_folder / f"{kind}-{build.__name__}", build)
        return keepings[kind, build].settle(settings)

    return settled


@pytest.fixture
def world(app: Flask, kept: Callable[[Callable[[], Any]], Any]) -> Any:
    """`a_world()` of tests/builders/worlds.py, committed."""
    from tests.builders.worlds import a_whole_world

    return kept(a_whole_world)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor (a `tests.support.client.Client`); every HTML page fetched is checked."""
    return app.test_client()


@pytest.fixture
def stripe(database: None, settings: Settings, clock: FakeClock) -> Iterator[Any]:
    """A double of Stripe on this machine (a `tests.support.stripe.Double`), with a key and a secret set."""
    from tests.support.stripe import SECRET, served

    with served() as double:
        told = {"stripe_key": "sk_test_double", "stripe_webhook_secret": SECRET, "stripe_url": double.url}
        resources.install(replace(settings, **told), with_clock=clock)
        yield double


@pytest.fixture
def mail() -> Iterator[Any]:
    """A real SMTP server on loopback (a `MailSink`)."""
    from tests.support.mail import mail_sink

    with mail_sink() as sink:
        yield sink


@pytest.fixture
def queries() -> Callable[..., Any]:
    """`with queries(at_most=12): client.get(…)`."""
    return counted


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, one for each worker."""
    from tests.support.browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """The app on a free port of loopback; gives its address."""
    from tests.support.browser import served

    with served(app) as address:
        yield address


@pytest.fixture
def visit(browser: Any, live_server: str) -> Iterator[Any]:
    """`page = visit(js=False, width=390)`: a visitor in a real browser (see `Visits`)."""
    from tests.support.browser import Visits

    visits = Visits(browser, live_server)
    yield visits
    visits.close()
