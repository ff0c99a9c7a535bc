"""Privacy: taking one's data away, and having it forgotten.

Owns        archives of an organization's or a person's data, erasure of what names a person.
Not here    what is stored (each domain), what the privacy policy says (policies).
Invariants  an archive never holds another's rows nor anybody's secrets; erasure keeps what the law wants kept.
"""

from market.privacy.actions import (
    KEPT,
    ExportGone,
    ExportPending,
    build_due,
    expire_due,
    note_download,
    path_of,
    request_export,
)
from market.privacy.erasure import BillToCome, LastOwner, MoneyLeft, OnlyMember, StillInUse, erase, obstacle
from market.privacy.models import OPEN, Export, ExportStatus
from market.privacy.queries import (
    export_of_organization,
    export_of_person,
    exports_of_organization,
    exports_of_person,
)
from market.privacy.signals import export_ready, person_erased

__all__ = [
    "BillToCome",
    "KEPT",
    "OPEN",
    "Export",
    "ExportGone",
    "ExportPending",
    "ExportStatus",
    "LastOwner",
    "MoneyLeft",
    "OnlyMember",
    "StillInUse",
    "build_due",
    "erase",
    "expire_due",
    "export_of_organization",
    "export_of_person",
    "export_ready",
    "exports_of_organization",
    "exports_of_person",
    "note_download",
    "obstacle",
    "path_of",
    "person_erased",
    "request_export",
]
