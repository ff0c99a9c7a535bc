"""Reading the list of archives."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import Organization, User
from market.errors import NotFound
from market.privacy.models import Export

#: Older archives are only history.
SHOWN = 10


def exports_of_organization(organization: Organization) -> Sequence[Export]:
    """The latest archives of an organization's data, newest first, with who asked."""
    query = select(Export).where(Export.organization_id == organization.id).options(joinedload(Export.user))
    return db.session.scalars(query.order_by(Export.id.desc()).limit(SHOWN)).all()


def exports_of_person(user: User) -> Sequence[Export]:
    """The latest archives of a person's own data, newest first."""
    query = select(Export).where(Export.user_id == user.id, Export.organization_id.is_(None)).options(joinedload(Export.user))
    return db.session.scalars(query.order_by(Export.id.desc()).limit(SHOWN)).all()


def export_of_organization(organization: Organization, id: int) -> Export:
    """One of an organization's archives. Raises NotFound for a stranger's."""
    export = db.session.get(Export, id)
    if export is None or export.organization_id != organization.id:
        raise NotFound
    return export


def export_of_person(user: User, id: int) -> Export:
    """One of a person's own archives. Raises NotFound for anybody else's, and for a firm's."""
    export = db.session.get(Export, id)
    if export is None or export.user_id != user.id or export.organization_id is not None:
        raise NotFound
    return export
