"""Usage as a file: for providers without a program that reports, and for months that a program missed.

Owns        uploaded files as rows that are worked off, the verdict of every line, reading CSV and NDJSON.
Not here    what becomes of an event (metering's `ingest`, the only way in), pages.
Invariants  a part's verdicts are stored in the transaction that counts its events, so a file is taken in exactly
            once however often a worker dies; the same file again is nothing but duplicates.
"""

from market.metering.uploads.actions import (
    KEPT,
    LARGEST,
    MOST_LINES,
    MOST_OPEN,
    TooManyFiles,
    batches,
    expire_due,
    judge,
    receive,
    report_lines,
    work_due,
)
from market.metering.uploads.models import OPEN, UploadStatus, UsageUpload
from market.metering.uploads.queries import (
    ReportLine,
    own_source,
    report,
    upload_of,
    uploads_of,
    value_properties,
)
from market.metering.uploads.reading import File, FileUnreadable, events_in, opened

__all__ = [
    "KEPT",
    "LARGEST",
    "MOST_LINES",
    "MOST_OPEN",
    "OPEN",
    "File",
    "FileUnreadable",
    "ReportLine",
    "TooManyFiles",
    "UploadStatus",
    "UsageUpload",
    "batches",
    "events_in",
    "expire_due",
    "judge",
    "opened",
    "own_source",
    "receive",
    "report",
    "report_lines",
    "upload_of",
    "uploads_of",
    "value_properties",
    "work_due",
]
