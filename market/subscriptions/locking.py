"""Taking a row for oneself until the transaction ends."""

from __future__ import annotations

from sqlalchemy import inspect

from market import db


def lock(thing: db.Base, *, shared: bool = False) -> None:
    """Lock the row and read its columns anew; what was loaded beside them stays loaded.

    Two people who act on one thing at once take turns, and the second one sees what the first one did.
    With `shared` others may hold it so too, but nobody may change it. On SQLite the transaction already
    holds the whole database.
    """
    columns = [attribute.key for attribute in inspect(type(thing)).column_attrs]
    db.session.flush()
    db.session.refresh(thing, attribute_names=columns, with_for_update={"read": shared})
