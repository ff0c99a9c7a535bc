"""Archives for tests."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from market import resources
from market.accounts.models import User
from market.privacy import Export, ExportStatus
from tests.builders.accounts import _added
from tests.conftest import PRESENT

_numbers = count(1)


def an_archive(user: User, organization_id: int | None = None) -> Export:
    """An archive that is ready and on disk, with next to nothing in it."""
    export = _added(
        Export(
            organization_id=organization_id, user=user, status=ExportStatus.READY, requested_at=PRESENT, rows=1, rows_done=1,
            file=f"{next(_numbers)}.zip", size=8, finished_at=PRESENT, expires_at=PRESENT + timedelta(days=7),
        )
    )  # fmt: skip
    folder = resources.settings.data_dir / "exports"
    folder.mkdir(exist_ok=True)
    (folder / export.file).write_bytes(b"PK-\x00-end")
    return export
