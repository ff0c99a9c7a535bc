"""What most commands start with: checked settings, a bound database, a quiet log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
from sqlalchemy.exc import OperationalError

from market import db, ledger, notifications, resources, schema, search
from market.config import Settings
from market.late import Library
from market.web import logs

if TYPE_CHECKING:
    import tqdm
else:
    tqdm = Library("tqdm")

T = TypeVar("T")


@contextmanager
def database(*, migrated: bool = True) -> Iterator[Settings]:
    """Settings and database for one command; says in words what cannot be reached."""
    settings = join()
    try:
        if migrated and not schema.is_current():
            raise click.ClickException("The database is not up to date. Run `market migrate` first.")
        yield settings
    except OperationalError as error:
        raise click.ClickException(unreachable(error)) from error
    finally:
        db.disconnect()


def join() -> Settings:
    """Set a further process of a command up as `database` does, until it ends."""
    settings = Settings.from_env()
    logs.configure(settings.log_format)
    resources.install(settings)
    db.connect(settings.database_url)
    ledger.listen()
    search.listen()
    notifications.listen()
    return settings


def unreachable(error: OperationalError) -> str:
    """What the database driver said, and what to look at."""
    reason = str(error.orig or error).strip().splitlines()[0]
    return f"The database cannot be used: {reason}\nCheck DATABASE_URL, and that the database is running."


def bar(what: str, **more: Any) -> tqdm.tqdm[Any]:
    """A progress bar on standard error, silent where nobody watches."""
    return tqdm.tqdm(**{"desc": what, "unit": "", "disable": None, "dynamic_ncols": True} | more)


def progress(steps: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The steps themselves, with a bar that counts them."""
    yield from bar(what, iterable=steps, total=total)
